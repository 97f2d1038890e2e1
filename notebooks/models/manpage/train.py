"""Train the manual-page model: Debian packages in, a Llama-layout folder out.

The text is made by corpus.py and the model by llama.py; this file trains, measures,
exports and writes the card. Whatever a stage has left in the work directory is used
again, so an interrupted run resumes where it stopped.
"""

import argparse
import lzma
import math
import os
import platform
import re
import time
from dataclasses import asdict
from pathlib import Path
from string import Template

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import nn

from corpus import END, HELDOUT_BYTES, SOURCES, build_corpus, build_tokenizer, download, tokenise
from llama import Config, Llama, export

HERE = Path(__file__).parent


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
                if "momentum" not in self.state[p]:
                    self.state[p]["momentum"] = torch.zeros_like(p)
                buffer = self.state[p]["momentum"].lerp_(p.grad, 1 - group["momentum"])
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
    adam = torch.optim.AdamW(others, lr=args.adam_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    optimizers = [Muon(matrices, lr=args.muon_lr), adam]
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
            state = {
                "model": model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in optimizers],
                "log": log,
                "generator": generator.bit_generator.state,
            }
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
            seen = f"{log['seconds']:6.0f} s  {log['tokens'] / 1e6:6.2f} M tokens"
            print(f"step {log['step']:5d}  {seen}  loss {log['loss']:.3f}", flush=True)


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


def machine() -> str:
    """The processor's name and how many threads this system has of it."""
    names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} threads"


def main():
    summary = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(description=summary, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    option = parser.add_argument
    option("--work", type=Path, default=Path("/tmp/manpage-work"), help="packages, corpus and checkpoint")
    option("--out", type=Path, default=HERE, help="where the model folder is written")
    option("--minutes", type=float, default=58, help="wall time of training; 0 exports the checkpoint as it stands")
    option("--batch", type=int, default=8, help="full contexts of tokens per step")
    option("--muon-lr", type=float, default=0.02, help="peak rate of the weight matrices")
    option("--adam-lr", type=float, default=0.003, help="peak rate of the embedding and the norms")
    option("--seed", type=int, default=20, help="draws the held-out pages, the weights and the windows")
    option("--threads", type=int, default=2, help="CPU threads")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)

    versions = download(args.work)
    pages, heldout = build_corpus(args.work, args.seed)
    config = Config()
    tokenizer = build_tokenizer(args.work, pages, config.vocab_size)
    stream = tokenise(args.work, tokenizer, pages)
    print(f"{len(pages)} pages, {len(stream) / 1e6:.2f} M tokens; {len(heldout)} pages held out", flush=True)
    model = Llama(config)
    log = train(model, stream, args)

    args.out.mkdir(parents=True, exist_ok=True)
    export(model, config, tokenizer, args.out)
    text = "\n".join(page["text"] for page in heldout)[:HELDOUT_BYTES]
    (args.out / "heldout.txt").write_text(text)
    notices = (f"{page['name']}\n{'=' * len(page['name'])}\n\n{page['notice']}\n" for page in heldout)
    (args.out / "heldout.notices.txt").write_text("\n\n".join(notices))

    model.bfloat16().float()  # from here on, the numbers are those of the weights shipped
    context, temperature = config.max_position_embeddings, 0.7
    facts = asdict(config) | {
        "parameters": f"{sum(p.numel() for p in model.parameters()):,}",
        "megabytes": f"{(args.out / 'model.safetensors').stat().st_size / 1e6:.2f}",
        "corpus_pages": f"{len(set(pages)):,}",
        "corpus_megabytes": f"{sum(map(len, set(pages))) / 1e6:.1f}",
        "corpus_tokens": f"{len(stream) / 1e6:.2f}",
        "heldout_pages": ", ".join(page["name"] for page in heldout),
        "heldout_count": len(heldout),
        "steps": f"{log['step']:,}",
        "tokens": f"{log['tokens'] / 1e6:.1f}",
        "minutes": f"{log['seconds'] / 60:.0f}",
        "loss": f"{log['loss']:.2f}",
        "batch_tokens": args.batch * context,
        "muon_lr": args.muon_lr,
        "adam_lr": args.adam_lr,
        "machine": machine(),
        "torch": torch.__version__,
        "chunked": f"{bits_per_byte(model, tokenizer, text, context):.3f}",
        "sliding": f"{bits_per_byte(model, tokenizer, text, context // 2):.3f}",
        "xz": f"{len(lzma.compress(text.encode(), preset=9)) * 8 / HELDOUT_BYTES:.2f}",
        "temperature": temperature,
        "seed": args.seed,
        "sample": sample(model, tokenizer, "NAME\n       open", 400, temperature, args.seed),
        "packages": "\n".join(f"| {name} | {versions[name]} | {licence} |" for name, licence in SOURCES.items()),
    }
    (args.out / "README.md").write_text(Template((HERE / "README.template.md").read_text()).substitute(facts))
    print(f"{facts['chunked']} bits per byte held out (chunked), {facts['sliding']} (sliding)")


if __name__ == "__main__":
    main()
