"""Runs a notebook without a browser and writes it, executed, as .ipynb and .html; the source stays as it is.

Exit code 1 when a cell fails: what ran until then is written all the same.
"""

import argparse
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError


def main():
    arguments = parse()
    notebook = nbformat.read(arguments.notebook, as_version=4)
    failure = execute(notebook, arguments.notebook.resolve().parent, arguments.timeout)
    arguments.out.mkdir(parents=True, exist_ok=True)
    target = arguments.out / arguments.notebook.name
    nbformat.write(notebook, target)
    print(f"  {target}")
    if arguments.html:
        print(f"  {write_html(notebook, target.with_suffix('.html'))}")
    if failure:
        sys.exit(f"\n{failure}")


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--html", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one cell")
    return parser.parse_args()


def execute(notebook, folder, timeout):
    """Executes in place; returns what failed, or None."""
    count = sum(cell.cell_type == "code" for cell in notebook.cells)
    position = 0
    start = 0.0

    def begin(cell, cell_index):
        nonlocal position, start
        start = time.monotonic()
        position += cell.cell_type == "code"

    def end(cell, cell_index, execute_reply):
        first = cell.source.strip().splitlines()[0][:60]
        print(f"  [{position}/{count}] {time.monotonic() - start:5.1f} s  {first}", flush=True)

    client = NotebookClient(
        notebook,
        kernel_name="hyperion",
        timeout=timeout,
        # Text that is printed while a chart moves is one text, as it is in JupyterLab.
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=begin,
        on_cell_executed=end,
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return f"Code cell {position} of {count} failed.\n{error}"
    return None


def write_html(notebook, target):
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": target.stem}})
    target.write_text(page, encoding="utf-8")
    return target


if __name__ == "__main__":
    main()
