"""Batches of token ids: a fixed mixture of subsets, and a share of rows in which a chunk occurs again."""

from pathlib import Path

import numpy as np
import torch

# Shares of the rows, by name: `broad` for the first long stages, `prose` for a last one, as prose gains least from a token.
MIXTURES = {
    "broad": {                                              # 62.5 % English, 23.5 % Chinese, 14 % code
        "en_prose": 0.29, "en_general": 0.175, "en_docs": 0.15, "bi_pairs": 0.01,
        "zh_docs": 0.10, "zh_general": 0.115, "zh_lit": 0.015, "zh_law": 0.005,
        "code_ts": 0.07, "code_js": 0.01, "code_py": 0.06,
    },
    "prose": {                                              # 76.5 % English, 15.5 % Chinese, 8 % code
        "en_prose": 0.48, "en_general": 0.17, "en_docs": 0.11, "bi_pairs": 0.005,
        "zh_docs": 0.06, "zh_general": 0.08, "zh_lit": 0.01, "zh_law": 0.005,
        "code_ts": 0.035, "code_js": 0.005, "code_py": 0.04,
    },
}


class Batches:
    """Rows drawn from `{subset}.train.npy`. The batch of a step depends on seed, step and length alone, so a resumed run sees the same rows."""

    def __init__(self, folder: Path, mixture: dict[str, float], seed: int, repeat_share: float) -> None:
        self.subsets = {name: np.load(folder / f"{name}.train.npy", mmap_mode="r") for name in mixture}
        self.shares = np.array(list(mixture.values())) / sum(mixture.values())
        self.seed = seed
        self.repeat_share = repeat_share

    def batch(self, step: int, rows: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets, both [rows, length]; position 0 is always <|endoftext|>."""
        generator = np.random.default_rng([self.seed, step])
        ids = np.zeros((rows, length + 1), np.int64)
        names = list(self.subsets)
        for row, choice in enumerate(generator.choice(len(names), rows, p=self.shares)):
            source = self.subsets[names[choice]]
            start = int(generator.integers(0, len(source) - length))
            ids[row, 1:] = source[start : start + length]
            if generator.random() < self.repeat_share:
                repeat_chunk(ids[row, 1:], generator)
        return torch.from_numpy(ids[:, :-1]), torch.from_numpy(ids[:, 1:])


def repeat_chunk(row: np.ndarray, generator: np.random.Generator) -> None:
    """Write a chunk of the row, of 16 tokens to half the row, over every later stretch of its length, so that only looking back predicts it.

    In half of the rows the chunk's tokens are shuffled first: then nothing but the earlier copy helps.
    """
    length = int(generator.integers(16, len(row) // 2 + 1))
    start = int(generator.integers(0, len(row) - 2 * length + 1))
    chunk = row[start : start + length].copy()
    if generator.random() < 0.5:
        generator.shuffle(chunk)
    rest = len(row) - start
    row[start:] = np.tile(chunk, -(-rest // length))[:rest]
