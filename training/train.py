"""Train the bundled model on one GPU or on a few CPU cores.

    python train.py --data DATA --out RUN --tokens 40e6                       # deterministic: the schedule follows the tokens
    python train.py --data DATA --out RUN --deadline 2026-01-31T18:00         # the schedule follows the clock and ends at that time
    python train.py --data DATA --out RUN --start ../media/models/MODEL ...   # warm start from exported weights
    python train.py --data DATA --out RUN --tokens 40e6                       # again: resumes from RUN/checkpoint.pt

Muon for the matrices, AdamW for embeddings and norms; a short warm-up, then a linear decay to zero. Rows have 256 tokens, later also
512 and 1,024, in the end 1,024 only, while the tokens of a step stay the same. SIGTERM ends a run with a checkpoint. `--pause-file PATH` holds the run before a step while that file exists.
"""

import argparse
import json
import math
import os
import signal
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from data import MIXTURES, Batches
from model import Llama, ModelConfig, TiedCrossEntropy, probabilities_and_loss

# Up to this share of the schedule the steps go through these row lengths in turn. Long rows are expensive, but positions want time.
LENGTHS = ((0.4, (256,)), (0.92, (256, 512, 256, 512, 256, 1_024)), (1.0, (1_024,)))
WARMUP = 0.02
QUICK_ROWS, QUICK_LENGTH = 8, 512                          # of each subset, for the curve in the log
CHECKPOINT_SECONDS, QUICK_SECONDS, LOG_STEPS = 300, 1_500, 25


def row_length(progress: float, step: int) -> int:
    lengths = next((lengths for end, lengths in LENGTHS if progress < end), LENGTHS[-1][1])
    return lengths[step % len(lengths)]


def learning_rate_factor(progress: float) -> float:
    return min(1.0, progress / WARMUP) * max(0.0, 1.0 - progress)


def make_optimizers(model: Llama, rate: float, embedding_rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the blocks' matrices, AdamW for the embedding and the norm weights."""
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.dim() < 2 or "embed" in name]
    optimizers = [
        torch.optim.AdamW(others, lr=embedding_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0),
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.1, momentum=0.95, nesterov=True, adjust_lr_fn="match_rms_adamw"),
    ]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def held_out_rows(data: Path, subsets: Iterable[str], tokenizer: Tokenizer) -> dict[str, tuple[torch.Tensor, float]]:
    """For each subset a few rows of held-out ids, [rows, length + 1], and the bytes of a token; for the curve in the log only."""
    rows = {}
    for subset in subsets:
        texts = [json.loads(line)["t"] for line in (data / f"{subset}.heldout.jsonl").open(encoding="utf8")]
        ids = [i for e in tokenizer.encode_batch_fast(texts, add_special_tokens=False) for i in (0, *e.ids)]
        count = len(ids) // QUICK_LENGTH
        if count:
            table = torch.tensor(ids[: count * QUICK_LENGTH]).view(count, QUICK_LENGTH)
            chosen = table[torch.linspace(0, count - 1, min(count, QUICK_ROWS)).long()]
            rows[subset] = (torch.cat((torch.zeros(len(chosen), 1, dtype=torch.long), chosen), 1), sum(len(t.encode()) for t in texts) / len(ids))
    return rows


@torch.no_grad()
def quick_bits_per_byte(model: Llama, rows: dict[str, tuple[torch.Tensor, float]], device: torch.device, autocast) -> dict[str, float]:
    bits = {}
    for subset, (ids, bytes_per_token) in rows.items():
        ids = ids.to(device)
        with autocast():
            bits[subset] = round(model.loss(ids[:, :-1], ids[:, 1:]).item() / math.log(2) / bytes_per_token, 4)
    return bits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with tokenizer.json")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="exported model whose weights to start from")
    goal = parser.add_mutually_exclusive_group(required=True)
    goal.add_argument("--tokens", type=float, help="tokens to train on")
    goal.add_argument("--deadline", type=datetime.fromisoformat, help="local time at which the schedule ends")
    parser.add_argument("--batch-tokens", type=int, default=8_192, help="tokens of a step")
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate of Muon")
    parser.add_argument("--embedding-rate", type=float, default=3e-3, help="peak learning rate of AdamW")
    parser.add_argument("--repeat-share", type=float, default=0.03, help="share of rows with a repeated chunk")
    parser.add_argument("--mixture", choices=MIXTURES, default="broad", help="shares of the rows, in data.py")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--stop-after", type=int, default=0, help="steps after which to stop without ending the schedule (for measuring)")
    parser.add_argument("--pause-file", type=Path)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    autocast = (lambda: torch.autocast(device.type, torch.bfloat16)) if device.type in {"cpu", "cuda"} else nullcontext
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoint_path = options.out / "checkpoint.pt"

    model = Llama(ModelConfig()).to(device)
    optimizers = make_optimizers(model, options.rate, options.embedding_rate)
    step, seen, started, trained_seconds = 0, 0, time.time(), 0.0
    if checkpoint_path.exists():
        state = torch.load(checkpoint_path, map_location=device)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        step, seen, started, trained_seconds = state["step"], state["seen"], state["started"], state["trained_seconds"]
    elif options.start:
        weights = load_file(options.start / "model.safetensors", device=str(device))
        model.load_state_dict({name.removeprefix("model."): value.float() for name, value in weights.items()})
    plain_block = compiled_block = model.run_block
    if options.compile:
        compiled_block = torch.compile(plain_block, dynamic=False)
        TiedCrossEntropy.chunk_loss = torch.compile(probabilities_and_loss, dynamic=False)

    batches = Batches(options.data, MIXTURES[options.mixture], options.seed, options.repeat_share)
    if options.compile:                                     # every row length before the clock starts
        model.run_block = compiled_block
        for length in sorted({length for _, lengths in LENGTHS for length in lengths}):
            ids, targets = (t.to(device) for t in batches.batch(0, options.batch_tokens // length, length))
            with autocast():
                model.loss(ids, targets).backward()
            model.zero_grad(set_to_none=True)
            print(f"rows of {length} compiled after {time.time() - started:.0f} s", flush=True)
        started = started if step else time.time()
    quick_rows = held_out_rows(options.data, MIXTURES[options.mixture], Tokenizer.from_file(str(options.tokenizer / "tokenizer.json")))
    log_path = options.out / "log.jsonl"

    def log(**record: object) -> None:
        line = json.dumps({"time": datetime.now().strftime("%H:%M:%S"), "step": step, "tokens": seen, **record})
        print(line, flush=True)
        with log_path.open("a") as file:
            file.write(line + "\n")

    def save() -> None:
        state = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step, "seen": seen,
                 "started": started, "trained_seconds": trained_seconds, "config": asdict(model.config)}
        torch.save(state, checkpoint_path.with_suffix(".tmp"))
        os.replace(checkpoint_path.with_suffix(".tmp"), checkpoint_path)

    def quick() -> None:
        model.run_block = plain_block
        log(bits_per_byte=quick_bits_per_byte(model, quick_rows, device, autocast))

    log(config=asdict(model.config), parameters=sum(p.numel() for p in model.parameters()), options={k: str(v) for k, v in vars(options).items()})
    if step == 0:
        quick()
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))      # ends after the step in progress, with a checkpoint
    first_step, last_save, last_quick, last_log = step, time.time(), time.time(), (time.time(), seen)
    losses: list[torch.Tensor] = []
    while True:
        while options.pause_file and options.pause_file.exists():
            time.sleep(0.5)
        progress = seen / options.tokens if options.tokens else (time.time() - started) / (options.deadline.timestamp() - started)
        finished = progress >= 1
        if finished or stopping or (options.stop_after and step - first_step >= options.stop_after):
            break
        step_started = time.time()
        length = row_length(progress, step)
        factor = learning_rate_factor(progress)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
        ids, targets = (t.to(device) for t in batches.batch(step, options.batch_tokens // length, length))
        model.run_block = compiled_block
        with autocast():
            loss = model.loss(ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        seen += ids.numel()
        losses.append(loss.detach())
        trained_seconds += time.time() - step_started
        if step % LOG_STEPS == 0:
            now = time.time()
            log(loss=round(torch.stack(losses).mean().item(), 4), length=length, factor=round(factor, 4), tokens_per_second=round((seen - last_log[1]) / (now - last_log[0])))
            losses, last_log = [], (now, seen)
        if time.time() - last_save > CHECKPOINT_SECONDS:
            save()
            last_save = time.time()
        if time.time() - last_quick > QUICK_SECONDS:
            quick()
            last_quick = time.time()
    save()
    if finished:
        quick()
    log(finished=finished, trained_minutes=round(trained_seconds / 60, 1))


if __name__ == "__main__":
    main()
