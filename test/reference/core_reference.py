"""Reference numbers for src/core, from NumPy and transformers: writes test/fixtures/core/reference.json.

    python test/reference/core_reference.py
"""
import json
from pathlib import Path

import numpy as np
import torch
from components_reference import reference
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

OUT = Path(__file__).parents[1] / "fixtures" / "core" / "reference.json"
rng = np.random.default_rng(20)


def rounded(array, digits=9):
    return np.asarray(array, dtype=np.float64).round(digits).tolist()


def distributions():
    """Softmax, entropy in bits and log-sum-exp of logits, ordinary and extreme."""
    rows = [rng.normal(size=7), rng.normal(size=50) * 10, np.array([1000.0, 999.0, -1000.0]), np.array([-3.0e38, 0.0]), np.zeros(4)]
    cases = []
    for row in rows:
        logits = np.float32(row)
        z = torch.tensor(logits, dtype=torch.float64)
        for temperature in (0.25, 1.0, 2.0):
            p = torch.softmax(z / temperature, -1)
            entropy = float(-(p * torch.where(p > 0, p, 1).log2()).sum())
            cases.append(dict(logits=logits.tolist(), temperature=temperature, probs=rounded(p), entropy=entropy, lse=float((z / temperature).logsumexp(-1))))
    return cases


def warpers():
    """What transformers' logits warpers leave, in generate()'s order: temperature, top-k, top-p, min-p."""
    settings = [(1, 0, 1, 0), (0.7, 5, 1, 0), (1.3, 0, 0.9, 0), (1, 0, 1, 0.1), (0.8, 20, 0.8, 0.05), (2, 3, 0.3, 0.5), (0.1, 0, 0.99, 0.001), (1, 1, 1, 0), (5, 40, 0.5, 0.2)]
    cases = []
    for vocab in (12, 300):
        for temperature, top_k, top_p, min_p in settings:
            logits = np.float32(rng.normal(size=vocab) * 3)
            z = torch.tensor(logits)[None]
            if temperature != 1:
                z = TemperatureLogitsWarper(float(temperature))(None, z)
            if top_k:
                z = TopKLogitsWarper(top_k)(None, z)
            if top_p < 1:
                z = TopPLogitsWarper(float(top_p))(None, z)
            if min_p > 0:
                z = MinPLogitsWarper(float(min_p))(None, z)
            cases.append(dict(logits=logits.tolist(), settings=dict(temperature=temperature, topK=top_k, topP=top_p, minP=min_p), final=rounded(z.softmax(-1)[0])))
    return cases


def components():
    """Principal components by singular value decomposition."""
    low_rank = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 8))
    rows = [rng.normal(size=(5, 12)), rng.normal(size=(40, 6)), low_rank, np.vstack([np.full((1, 10), 50.0), rng.normal(size=(20, 10))]), rng.normal(size=(2, 4)), np.ones((3, 4)), rng.normal(size=(1, 4))]
    cases = []
    for row in rows:
        x = np.float32(row).astype(np.float64)
        for skip in (False, True):
            points, explained, _ = reference(x, skip, smallest=1e-9)
            cases.append(dict(dims=list(x.shape), rows=np.float32(row).ravel().tolist(), skipFirst=skip, points=rounded(points.ravel(), 7), explained=rounded(explained, 9)))
    return cases


def heads():
    """Head metrics and thumbnails by NumPy, straight from their definitions."""
    ids = [7, 3, 9, 3, 7, 7, 2, 9, 3]
    count = len(ids)
    scores = rng.normal(size=(3, count, count)) * 3
    scores[:, np.triu(np.ones((count, count), bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights = np.float32(weights / weights.sum(-1, keepdims=True))
    metrics = []
    for w in weights.astype(np.float64):
        # What followed an earlier occurrence, the query itself left out: j + 1 < q.
        follow = [sum(w[q, j + 1] for j in range(q - 1) if ids[j] == ids[q]) for q in range(1, count) if ids[q] in ids[: q - 1]]
        entropy = [-sum(p * np.log2(p) for p in w[q] if p > 0) for q in range(count)]
        metrics.append([np.mean([w[q, q - 1] for q in range(1, count)]), np.mean(follow), np.mean(w[1:, 0]), np.mean(entropy)])
    size = 4
    cell = [t * size // count for t in range(count)]
    small = np.zeros((3, size, size))
    for h in range(3):
        for q in range(count):
            for k in range(q + 1):
                small[h, cell[q], cell[k]] = max(small[h, cell[q], cell[k]], np.floor(weights[h, q, k] * 255 + 0.5))
    return dict(ids=ids, weights=weights.ravel().tolist(), dims=list(weights.shape), metrics=rounded(metrics), size=size, thumbnails=small.ravel().astype(int).tolist())


OUT.parent.mkdir(parents=True, exist_ok=True)
OUT.write_text(json.dumps(dict(distributions=distributions(), warpers=warpers(), components=components(), heads=heads())))
print(OUT.stat().st_size, "bytes")
