"""What is measured of an exported model: bits per byte, head scores, predictions after prompts, neighbours of tokens.

Models are read through `transformers`, the reference implementation of the layout; arithmetic is float32.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

BOS = 0
BATCH_TOKENS = 4_096
RANDOM_SEQUENCES, RANDOM_TOKENS, RANDOM_SEED = 8, 50, 0
RANDOM_SHARES = (0.02, 0.5)                     # of the vocabulary: above the bytes and most common tokens, below the rare ones
RANDOM_ROW = 10_001                              # draws that each sequence has to itself
HEAD_SCORES = ("previous token", "induction", "duplicate token", "first token")


@dataclass(frozen=True)
class Window:
    """`inputs` begin with BOS; `targets` are the tokens that follow each input; those from `first` on are scored."""

    inputs: list[int]
    targets: list[int]
    first: int


class Reader:
    """A model folder with its tokenizer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
        self.context: int = self.model.config.max_position_embeddings

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def token(self, token_id: int) -> str:
        return self.tokenizer.decode([token_id], skip_special_tokens=False)


def windows(ids: list[int], context: int, stride: int) -> Iterator[Window]:
    """Windows of at most `context` tokens over one document; each token is scored once, after the first window with at least `context - stride` tokens before it."""
    end = 0
    while end < len(ids):
        start = 0 if end == 0 else end + stride - context
        stop = min(len(ids), start + context)
        yield Window([BOS, *ids[start : stop - 1]], ids[start:stop], end - start)
        end = stop


@torch.no_grad()
def window_nats(model: LlamaForCausalLM, batch: list[Window]) -> list[float]:
    """Summed negative log-probability of each window's scored targets. Padding on the right cannot reach back."""
    longest = max(len(window.inputs) for window in batch)
    inputs = torch.tensor([window.inputs + [BOS] * (longest - len(window.inputs)) for window in batch])
    hidden = model.model(inputs).last_hidden_state
    nats = []
    for row, window in enumerate(batch):
        logits = model.lm_head(hidden[row, window.first : len(window.targets)])
        nats.append(F.cross_entropy(logits, torch.tensor(window.targets[window.first :]), reduction="sum").item())
    return nats


def document_bits(reader: Reader, text: str, context: int, stride: int) -> float:
    """Bits that the model needs for one document, read after BOS."""
    return sum(sum(window_nats(reader.model, [w])) for w in windows(reader.ids(text), context, stride)) / math.log(2)


def bits_per_byte(reader: Reader, texts: list[str], context: int) -> float:
    """Bits per UTF-8 byte over documents kept apart, windows overlapping by half."""
    pending = sorted((w for text in texts for w in windows(reader.ids(text), context, context // 2)), key=lambda w: len(w.inputs))
    nats = 0.0
    while pending:
        count = max(1, BATCH_TOKENS // len(pending[-1].inputs))
        batch, pending = pending[-count:], pending[:-count]
        nats += sum(window_nats(reader.model, batch))
    return nats / math.log(2) / sum(len(text.encode()) for text in texts)


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox 4x32-10 (Salmon et al. 2011)."""
    (a, b, c, d), (k0, k1) = counter, key
    for _ in range(10):
        first, second = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (second >> 32) ^ b ^ k0, second & 0xFFFFFFFF, (first >> 32) ^ d ^ k1, first & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return a, b, c, d


def uniform_at(seed: int, index: int) -> float:
    """The product's random number for a seed and an index: 53 bits of Philox, from 0 up to, not including, 1."""
    a, b, _, _ = philox((index % 2**32, index >> 32, 0, 0), (seed % 2**32, seed >> 32))
    return ((a >> 5) * 2**26 + (b >> 6)) / 2**53


@torch.no_grad()
def head_scores(reader: Reader) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Mean attention of every head [layer, head] on BOS and random tokens repeated once, and the mean loss in nats on each copy.

    The sequences are those of the product's "Score on repeated random tokens" (src/core/repeatedTokens.ts), drawn by the same generator.

    previous token: from each token to the one before it. induction: from the second copy to the token after the same token's
    first occurrence (Olsson et al. 2022). duplicate token: to that first occurrence. first token: from the second copy to BOS.
    """
    low, high = (math.floor(share * reader.model.config.vocab_size) for share in RANDOM_SHARES)
    draw = np.array([[low + math.floor(uniform_at(RANDOM_SEED, row * RANDOM_ROW + i) * (high - low)) for i in range(RANDOM_TOKENS)] for row in range(RANDOM_SEQUENCES)])
    ids = torch.tensor(np.concatenate([np.full((RANDOM_SEQUENCES, 1), BOS), draw, draw], 1))
    reader.model.set_attn_implementation("eager")              # the only one that returns attention weights
    output = reader.model(ids, output_attentions=True)
    reader.model.set_attn_implementation("sdpa")
    attention = torch.stack(output.attentions).mean(1)                                         # [layer, head, query, key]
    every, second = torch.arange(2, 2 * RANDOM_TOKENS + 1), torch.arange(RANDOM_TOKENS + 1, 2 * RANDOM_TOKENS + 1)
    pairs = {
        "previous token": (every, every - 1),
        "induction": (second, second - RANDOM_TOKENS + 1),
        "duplicate token": (second, second - RANDOM_TOKENS),
        "first token": (second, torch.zeros_like(second)),
    }
    scores = {name: attention[:, :, query, key].mean(-1).numpy() for name, (query, key) in pairs.items()}
    nats = -output.logits.log_softmax(-1)[:, :-1].gather(-1, ids[:, 1:, None])[..., 0]
    return scores, {"first copy": nats[:, :RANDOM_TOKENS].mean().item(), "second copy": nats[:, RANDOM_TOKENS:].mean().item()}


@torch.no_grad()
def top_tokens(reader: Reader, prompt: str, count: int = 5) -> list[tuple[str, float]]:
    """The most likely next tokens with their probabilities."""
    probabilities = reader.model(torch.tensor([[BOS, *reader.ids(prompt)]])).logits[0, -1].softmax(-1)
    values, ids = probabilities.topk(count)
    return [(reader.token(i), p) for i, p in zip(ids.tolist(), values.tolist(), strict=True)]


@torch.no_grad()
def neighbours(reader: Reader, token: str, count: int = 8) -> list[tuple[str, float]]:
    """The vocabulary's nearest token embeddings by cosine, the table's mean taken off (Mu and Viswanath 2018, "All-but-the-Top")."""
    ids = reader.ids(token)
    if len(ids) != 1:
        raise ValueError(f"{json.dumps(token)} is not one token")
    table = reader.model.model.embed_tokens.weight.double()
    table = F.normalize(table - table.mean(0), dim=-1)
    values, nearest = (table @ table[ids[0]]).topk(count + 1)
    return [(reader.token(i), v) for i, v in zip(nearest.tolist(), values.tolist(), strict=True) if i != ids[0]][:count]
