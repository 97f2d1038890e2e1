"""Train the manual-page model: Debian packages in, a Llama-layout folder out.

One file, read from top to bottom: fetch packages, render their manual pages,
learn a tokenizer, train, measure, export, write the card. Each stage leaves
its result in the work directory and is skipped when the result is there, so
an interrupted run resumes where it stopped (delete the directory to start afresh).
"""

import argparse
import gzip
import json
import lzma
import math
import os
import platform
import random
import re
import subprocess
import time
from dataclasses import asdict, dataclass
from multiprocessing import Pool
from pathlib import Path
from string import Template

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

HERE = Path(__file__).parent
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


# ---------------------------------------------------------------- the corpus


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
        named = [{"name": first_file[t].name.removesuffix(".gz"), "notice": notice(first_file[t]), "text": t} for t in heldout]
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
        trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(pages, trainer)
        tokenizer.save(str(path))
    return Tokenizer.from_file(str(path))


def tokenise(work: Path, tokenizer: Tokenizer, pages: list[str]) -> np.ndarray:
    """All training pages as one stream of tokens, each page opened by the separator."""
    path = work / "stream.npy"
    if not path.exists():
        end = tokenizer.token_to_id(END)
        np.save(path, np.concatenate([np.array([end, *e.ids], dtype=np.uint16) for e in tokenizer.encode_batch(pages)]))
    return np.load(path)


# ----------------------------------------------------------------- the model


@dataclass
class Config:
    """The fields of a transformers LlamaConfig that decide the numbers."""

    vocab_size: int = 3072
    hidden_size: int = 256
    intermediate_size: int = 640
    num_hidden_layers: int = 6
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    head_dim: int = 32
    max_position_embeddings: int = 512
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5


class Norm(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(c.hidden_size))
        self.eps = c.rms_norm_eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def rope_tables(c: Config) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine per position; the halves repeat because Llama rotates (i, i + d/2) pairs."""
    frequency = c.rope_theta ** (-torch.arange(0, c.head_dim, 2) / c.head_dim)
    angle = torch.outer(torch.arange(c.max_position_embeddings), frequency).repeat(1, 2)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


class Attention(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.head_dim, self.group = c.head_dim, c.num_attention_heads // c.num_key_value_heads
        self.q_proj = nn.Linear(c.hidden_size, c.num_attention_heads * c.head_dim, bias=False)
        self.k_proj = nn.Linear(c.hidden_size, c.num_key_value_heads * c.head_dim, bias=False)
        self.v_proj = nn.Linear(c.hidden_size, c.num_key_value_heads * c.head_dim, bias=False)
        self.o_proj = nn.Linear(c.num_attention_heads * c.head_dim, c.hidden_size, bias=False)

    def forward(self, x, cos, sin):
        q, k, v = (p(x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        k, v = (t.repeat_interleave(self.group, dim=1) for t in (k, v))
        return self.o_proj(F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class Feedforward(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.up_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.down_proj = nn.Linear(c.intermediate_size, c.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.input_layernorm, self.self_attn = Norm(c), Attention(c)
        self.post_attention_layernorm, self.mlp = Norm(c), Feedforward(c)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """Attribute names are chosen so that `state_dict` has the names transformers expects."""

    def __init__(self, c: Config):
        super().__init__()
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.model.layers = nn.ModuleList(Layer(c) for _ in range(c.num_hidden_layers))
        self.model.norm = Norm(c)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                into_residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * c.num_hidden_layers) if into_residual else 0.02)
        self.tables = rope_tables(c)

    def forward(self, ids):
        x = self.model.embed_tokens(ids)
        cos, sin = (table[: ids.shape[1]] for table in self.tables)
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)


# -------------------------------------------------------------- the training


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix update is orthogonalised, so every direction learns alike.

    On a budget of a few thousand steps this gets visibly further than AdamW. The
    quintic Newton-Schulz iteration and its coefficients are Keller Jordan's.
    """

    def __init__(self, params, lr, momentum=0.95):
        super().__init__(params, dict(lr=lr, momentum=momentum))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                x = p.grad.lerp(buffer, group["momentum"])
                tall = x.shape[0] > x.shape[1]
                x = x.T if tall else x
                x = x / (x.norm() + 1e-7)
                for _ in range(5):
                    gram = x @ x.T
                    x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
                scale = math.sqrt(max(1, p.shape[0] / p.shape[1]))
                p.add_(x.T if tall else x, alpha=-group["lr"] * scale)


def rate(progress: float) -> float:
    """Learning-rate factor: a short warm-up, then a cosine to zero, by fraction of the time spent."""
    return min(progress / 0.01, 1) * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))


def train(model: Llama, stream: np.ndarray, args: argparse.Namespace) -> dict:
    """Train for a fixed wall time and return the log; the schedule follows the clock.

    However loaded the machine, the run ends on time with the rate annealed. Windows
    are half as long for the first part: attention costs less, and long range comes last.
    """
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.dim() == 1 or "embed" in name]
    optimizers = [Muon(matrices, lr=args.muon_lr), torch.optim.AdamW(others, lr=args.adam_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True)]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    generator, context = np.random.default_rng(args.seed), len(model.tables[0])
    checkpoint = args.work / "checkpoint.pt"
    log = {"step": 0, "tokens": 0, "seconds": 0.0, "loss": 0.0}
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        for optimizer, state in zip(optimizers, saved["optimizers"]):
            optimizer.load_state_dict(state)
        log = saved["log"]
        generator.bit_generator.state = saved["generator"]
    start, saved_at, budget = time.monotonic() - log["seconds"], time.monotonic(), args.minutes * 60
    while True:
        log["seconds"] = time.monotonic() - start
        finished = log["seconds"] >= budget
        if finished or time.monotonic() - saved_at > 120:
            saved_at = time.monotonic()
            state = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "log": log, "generator": generator.bit_generator.state}
            torch.save(state, checkpoint.with_suffix(".new"))
            os.replace(checkpoint.with_suffix(".new"), checkpoint)
        if finished:
            return log
        progress = log["seconds"] / budget
        length = context // 2 if progress < 0.6 else context
        starts = generator.integers(0, len(stream) - length, args.batch * context // length)
        window = torch.from_numpy(np.stack([stream[s : s + length + 1] for s in starts]).astype(np.int64))
        loss = F.cross_entropy(model(window[:, :-1]).flatten(0, 1), window[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * rate(progress)
            optimizer.step()
            optimizer.zero_grad()
        log["step"] += 1
        log["tokens"] += window[:, 1:].numel()
        log["loss"] = loss.item() if log["step"] == 1 else 0.98 * log["loss"] + 0.02 * loss.item()
        if log["step"] % 20 == 0:
            print(f"step {log['step']:5d}  {log['seconds']:6.0f} s  {log['tokens'] / 1e6:6.2f} M tokens  loss {log['loss']:.3f}", flush=True)


# --------------------------------------------------- measuring and exporting


@torch.inference_mode()
def bits_per_byte(model: Llama, tokenizer: Tokenizer, text: str, stride: int) -> float:
    """Score every token of `text` once, `stride` tokens per window of one full context.

    A stride of the whole context is the plain chunked measure, where the first token of
    each chunk has one token before it; a shorter one gives each token at least
    `context - stride` tokens to look back on. The text follows the page separator.
    """
    context = len(model.tables[0])
    ids = torch.tensor([tokenizer.token_to_id(END), *tokenizer.encode(text).ids])
    nats = 0.0
    for begin in range(0, len(ids) - 1, stride):
        first, last = max(0, begin + stride - context), min(begin + stride, len(ids) - 1)
        logits = model(ids[None, first:last])[0, begin - first :]
        nats += F.cross_entropy(logits, ids[begin + 1 : last + 1], reduction="sum").item()
    return nats / math.log(2) / len(text.encode())


@torch.inference_mode()
def sample(model: Llama, tokenizer: Tokenizer, prompt: str, tokens: int, temperature: float, seed: int) -> str:
    """Continue `prompt`, up to the page separator or `tokens` further tokens."""
    generator = torch.Generator().manual_seed(seed)
    ids, end = tokenizer.encode(prompt).ids, tokenizer.token_to_id(END)
    for _ in range(tokens):
        chances = torch.softmax(model(torch.tensor([ids]))[0, -1] / temperature, 0)
        ids.append(torch.multinomial(chances, 1, generator=generator).item())
        if ids[-1] == end:
            break
    return tokenizer.decode(ids)


def export(model: Llama, config: Config, tokenizer: Tokenizer, out: Path) -> None:
    """Write the folder transformers would: bf16 weights, configuration, tokenizer."""
    end = tokenizer.token_to_id(END)
    special = {"bos_token_id": end, "eos_token_id": end}
    settings = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **asdict(config),
        **special,
        "rope_parameters": {"rope_theta": config.rope_theta, "rope_type": "default"},
        "rope_scaling": None,
        "hidden_act": "silu",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "mlp_bias": False,
        "initializer_range": 0.02,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
    }
    generation = {**special, "do_sample": True, "temperature": 0.7}
    spoken = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END, "model_max_length": config.max_position_embeddings, "clean_up_tokenization_spaces": False}
    for name, content in (("config", settings), ("generation_config", generation), ("tokenizer_config", spoken)):
        (out / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    tokenizer.save(str(out / "tokenizer.json"))
    weights = {name: weight.bfloat16().contiguous() for name, weight in model.state_dict().items()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})


def machine() -> str:
    """The processor's name and how many threads this system has of it."""
    names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} threads"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("/tmp/manpage-work"), help="packages, corpus and checkpoint (default %(default)s)")
    parser.add_argument("--out", type=Path, default=HERE, help="where the model folder is written (default: beside this file)")
    parser.add_argument("--minutes", type=float, default=55, help="wall time of the training itself; 0 exports the checkpoint as it stands (default %(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="full contexts of tokens per step (default %(default)s)")
    parser.add_argument("--muon-lr", type=float, default=0.02, help="peak rate of the weight matrices (default %(default)s)")
    parser.add_argument("--adam-lr", type=float, default=0.003, help="peak rate of the embedding and the norms (default %(default)s)")
    parser.add_argument("--seed", type=int, default=20, help="draws the held-out pages, the weights and the windows (default %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default %(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)

    versions = download(args.work)
    pages, heldout = build_corpus(args.work, args.seed)
    config = Config()
    tokenizer = build_tokenizer(args.work, pages, config.vocab_size)
    stream = tokenise(args.work, tokenizer, pages)
    print(f"{len(pages)} pages, {sum(map(len, pages)) / 1e6:.1f} MB, {len(stream) / 1e6:.2f} M tokens; {len(heldout)} held-out pages", flush=True)
    model = Llama(config)
    log = train(model, stream, args)

    args.out.mkdir(parents=True, exist_ok=True)
    export(model, config, tokenizer, args.out)
    text = "\n".join(page["text"] for page in heldout)[:HELDOUT_BYTES]
    (args.out / "heldout.txt").write_text(text)
    notices = (f"{page['name']}\n{'=' * len(page['name'])}\n\n{page['notice']}\n" for page in heldout)
    (args.out / "heldout.notices.txt").write_text("\n\n".join(notices))

    model.bfloat16().float()  # from here on, the numbers are those of the weights shipped
    prompt, temperature = "NAME\n       open", 0.7
    facts = asdict(config) | {
        "parameters": f"{sum(p.numel() for p in model.parameters()):,}",
        "megabytes": f"{(args.out / 'model.safetensors').stat().st_size / 1e6:.2f}",
        "corpus": f"{len(set(pages)):,} pages",
        "corpus_megabytes": f"{sum(map(len, pages)) / 1e6:.1f}",
        "corpus_tokens": f"{len(stream) / 1e6:.2f}",
        "heldout_pages": ", ".join(page["name"] for page in heldout),
        "heldout_count": len(heldout),
        "steps": f"{log['step']:,}",
        "tokens": f"{log['tokens'] / 1e6:.1f}",
        "minutes": f"{log['seconds'] / 60:.0f}",
        "loss": f"{log['loss']:.2f}",
        "batch_tokens": args.batch * config.max_position_embeddings,
        "muon_lr": args.muon_lr,
        "adam_lr": args.adam_lr,
        "machine": machine(),
        "torch": torch.__version__,
        "chunked": f"{bits_per_byte(model, tokenizer, text, config.max_position_embeddings):.3f}",
        "sliding": f"{bits_per_byte(model, tokenizer, text, config.max_position_embeddings // 2):.3f}",
        "xz": f"{len(lzma.compress(text.encode(), preset=9)) * 8 / HELDOUT_BYTES:.2f}",
        "temperature": temperature,
        "seed": args.seed,
        "sample": sample(model, tokenizer, prompt, 400, temperature, args.seed),
        "packages": "\n".join(f"| {name} | {versions[name]} | {licence} |" for name, licence in SOURCES.items()),
    }
    (args.out / "README.md").write_text(Template((HERE / "README.template.md").read_text()).substitute(facts))
    print(f"{facts['chunked']} bits per byte held out (chunked), {facts['sliding']} (sliding)")


if __name__ == "__main__":
    main()
