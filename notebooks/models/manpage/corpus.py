"""The text: Debian packages to rendered manual pages to tokens.

Each stage leaves its result in the work directory and is skipped when the result
is there; delete the directory to start afresh.
"""

import gzip
import json
import random
import re
import subprocess
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|endoftext|>"
HELDOUT_BYTES = 65_536
HELDOUT_PAGE_LIMIT = 12_000  # keeps one giant page from filling the held-out text

# Package -> licence of its manual pages, as the package's copyright file states it.
SOURCES = {
    "manpages": "Linux-man-pages (verbatim/permissive), GPL, BSD, MIT",
    "manpages-dev": "Linux-man-pages (verbatim/permissive), GPL, BSD, MIT",
    "apt": "GPL-2+",
    "bash": "GPL-3+",
    "bind9-dnsutils": "MPL-2.0",
    "bind9": "MPL-2.0",
    "btrfs-progs": "GPL-2",
    "coreutils": "GPL-3+",
    "cryptsetup-bin": "GPL-2+",
    "debhelper": "GPL-2+",
    "devscripts": "GPL-2+",
    "dpkg": "GPL-2+",
    "dpkg-dev": "GPL-2+",
    "git-man": "GPL-2",
    "gpg": "GPL-3+",
    "iproute2": "GPL-2",
    "iptables": "GPL-2",
    "libcurl4-doc": "curl (MIT style)",
    "libvirt-clients": "LGPL-2.1+",
    "libx11-doc": "MIT/X11",
    "lvm2": "GPL-2 and LGPL-2.1",
    "ncurses-doc": "MIT/X11",
    "nftables": "GPL-2",
    "openssh-client": "BSD and ISC style",
    "openssl": "Apache-2.0",
    "libssl-doc": "Apache-2.0",
    "podman": "Apache-2.0",
    "postgresql-client-15": "PostgreSQL",
    "rsync": "GPL-3+",
    "samba-common-bin": "GPL-3+",
    "strace": "LGPL-2.1+",
    "sudo": "ISC",
    "systemd": "LGPL-2.1+",
    "tcpdump": "BSD",
    "tmux": "ISC",
    "util-linux": "GPL-2+ and BSD",
    "zsh-common": "Zsh (MIT style)",
}
# The Linux man-pages project is what the model is about: its pages are read twice
# as often as the others, and the held-out pages are drawn from it alone.
CORE = ("manpages", "manpages-dev")
PAGE_LIMIT = 60_000  # characters; a longer page (bash, smb.conf) contributes its beginning


def download(work: Path) -> dict[str, str]:
    """Fetch and unpack the packages without installing them; return their versions."""
    versions_file = work / "versions.json"
    if not versions_file.exists():
        debs = work / "debs"
        debs.mkdir(parents=True, exist_ok=True)
        (work / "packages").mkdir(exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", *SOURCES], cwd=debs, check=True)
        versions = {}
        for deb in sorted(debs.glob("*.deb")):
            show = ["dpkg-deb", "--show", "--showformat=${Package} ${Version}", deb]
            name, version = subprocess.run(show, capture_output=True, text=True, check=True).stdout.split()
            subprocess.run(["dpkg", "-x", deb, work / "packages" / name], check=True)
            versions[name] = version
        versions_file.write_text(json.dumps(versions, indent=1))
    return json.loads(versions_file.read_text())


def render(page: Path) -> str:
    """Render one manual page as plain ASCII, 80 columns wide, header and footer removed.

    `.ad` is made a no-op and adjustment switched off: justified text is full of
    random double spaces, which a small model would waste its capacity on.
    """
    source = b".de ad\n..\n.na\n" + gzip.decompress(page.read_bytes())
    command = "groff -k -t -mandoc -Tascii -P-cbou -rcR=1 -rLL=80n -rHY=0".split()
    done = subprocess.run(command, input=source, capture_output=True, cwd="/")
    lines = done.stdout.decode("ascii", "replace").strip("\n").split("\n")[1:-1]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n") + "\n"


def shingles(text: str, width: int = 8) -> set[int]:
    """Hashes of every run of `width` words: the fingerprint near-duplicates share."""
    words = text.split()
    return {hash(tuple(words[i : i + width])) for i in range(len(words) - width + 1)}


def notice(page: Path) -> str:
    """The authors and terms a manual page states in its leading comments."""
    head = gzip.decompress(page.read_bytes()).decode("utf-8", "replace").split("\n.SH")[0]
    comments = [line[3:].rstrip() for line in head.split("\n") if line.startswith((".\\\"", "'\\\""))]
    return "\n".join(comments).strip("\n")


def build_corpus(work: Path, seed: int) -> tuple[list[str], list[dict]]:
    """Return (training pages, held-out pages with their names and notices).

    Symbolic links and `.so` stubs are other names of one page, so both are dropped.
    A page that shares a fifth of its word runs with a held-out page is kept out of
    training too (a held-out page is the plainest case of that): nothing held out is
    learnt under another name.
    """
    cache = work / "corpus.json"
    if not cache.exists():
        files = [f for name in SOURCES for f in sorted((work / "packages" / name).glob("usr/share/man/man*/*.gz"))]
        files = [f for f in files if not f.is_symlink()]
        with Pool() as pool:
            rendered = pool.map(render, files, chunksize=16)
        first_file = {}
        for file, text in zip(files, rendered):
            if len(text) > 600:
                first_file.setdefault(text, file)
        core = {text for text, file in first_file.items() if file.relative_to(work / "packages").parts[0] in CORE}
        candidates = [text for text in first_file if text in core and len(text) <= HELDOUT_PAGE_LIMIT]
        random.Random(seed).shuffle(candidates)
        heldout, size = [], 0
        while size < HELDOUT_BYTES:
            heldout.append(candidates.pop())
            size += len(heldout[-1]) + 1
        fingerprints = [shingles(text) for text in heldout]
        train = []
        for text in first_file:
            mine = shingles(text[:PAGE_LIMIT])
            if all(len(mine & other) < 0.2 * min(len(mine), len(other)) for other in fingerprints):
                train += [text[:PAGE_LIMIT]] * (2 if text in core else 1)
        sources = [first_file[text] for text in heldout]
        named = [{"name": f.stem, "notice": notice(f), "text": text} for f, text in zip(sources, heldout)]
        cache.write_text(json.dumps({"train": train, "heldout": named}))
    corpus = json.loads(cache.read_text())
    return corpus["train"], corpus["heldout"]


def build_tokenizer(work: Path, pages: list[str], vocab: int) -> Tokenizer:
    """Learn a byte-level BPE from the training pages only."""
    path = work / "tokenizer.json"
    if not path.exists():
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=[END], initial_alphabet=alphabet)
        tokenizer.train_from_iterator(pages, trainer)
        tokenizer.save(str(path))
    return Tokenizer.from_file(str(path))


def tokenise(work: Path, tokenizer: Tokenizer, pages: list[str]) -> np.ndarray:
    """All training pages as one stream of tokens, each page opened by the separator."""
    path = work / "stream.npy"
    if not path.exists():
        end = tokenizer.token_to_id(END)
        encoded = tokenizer.encode_batch(pages)
        np.save(path, np.concatenate([np.array([end, *page.ids], dtype=np.uint16) for page in encoded]))
    return np.load(path)
