"""Starts JupyterLab for kernel/lab/jupyter.mjs; ends when its standard input ends, so that it never outlives its parent."""

import os
import signal
import sys
import threading

# jsonschema imports this package for two format checks that Jupyter does not use. The import builds a parser from a
# grammar and takes longer than everything else together; jsonschema goes on without it.
sys.modules["rfc3987_syntax"] = None


def stop_with_parent():
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=stop_with_parent, daemon=True).start()
    from jupyterlab.labapp import main

    main()
