"""Principal components by NumPy's singular value decomposition, of rows that are hard for an iteration: writes
test/fixtures/core/components.json.

    python test/reference/components_reference.py
"""
import base64
import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).parents[1] / "fixtures" / "core" / "components.json"
rng = np.random.default_rng(41)


def orthonormal(rows, columns):
    return np.linalg.qr(rng.normal(size=(rows, columns)))[0]


def centred_directions(tokens, count):
    """[tokens, count] orthonormal columns whose mean is zero, so that centring leaves the singular values as they are."""
    return np.linalg.qr(np.column_stack([np.ones(tokens), rng.normal(size=(tokens, count))]))[0][:, 1:]


def with_values(tokens, dim, values):
    return centred_directions(tokens, len(values)) * values @ orthonormal(dim, len(values)).T


outlier = rng.normal(size=(60, 24))
outlier[:, 7] *= 1e4
sink = rng.normal(size=(50, 32))
sink[0] *= 3000
CASES = {
    "one token": rng.normal(size=(1, 5)),
    "two tokens": rng.normal(size=(2, 9)),
    "three tokens": rng.normal(size=(3, 9)),
    "four tokens": rng.normal(size=(4, 9)),
    "one dimension": rng.normal(size=(12, 1)),
    "two dimensions": rng.normal(size=(12, 2)),
    "equal vectors": np.tile(rng.normal(size=(1, 11)), (7, 1)),
    "equal vectors but one": np.vstack([np.tile(rng.normal(size=(1, 11)), (7, 1)), rng.normal(size=(1, 11))]),
    "two vectors, repeated": np.tile(rng.normal(size=(2, 11)), (9, 1)),
    "rank 1": np.outer(rng.normal(size=30), rng.normal(size=16)),
    "rank 2": rng.normal(size=(30, 2)) @ rng.normal(size=(2, 16)),
    "an outlier dimension": outlier,
    "a first token 3,000 times as long": sink,
    "a mean far from zero": rng.normal(size=(40, 20)) + 500 * rng.normal(size=(1, 20)),
    "tiny numbers": 1e-18 * rng.normal(size=(20, 12)),
    "huge numbers": 1e18 * rng.normal(size=(20, 12)),
    "more dimensions than tokens": rng.normal(size=(16, 90)),
    "more tokens than dimensions": rng.normal(size=(150, 8)),
    "a fast decay": with_values(40, 24, 10.0 ** -np.arange(12)),
    "the first two equal": with_values(40, 24, [5, 5, 3, 2, 1, 0.5]),
    "the last two equal": with_values(40, 24, [5, 3, 3, 2, 1, 0.5]),
    "the third and fourth equal": with_values(40, 24, [5, 4, 3, 3, 1, 0.5]),
    "all three equal": with_values(40, 24, [5, 5, 5, 2, 1, 0.5]),
    "five equal": with_values(40, 24, [5, 5, 5, 5, 5, 0.5]),
    "all equal": with_values(40, 12, np.ones(12)),
    "nearly equal": with_values(50, 30, 2 + 0.03 * np.linspace(1, 0, 30)),
}


def reference(x, skip, smallest=1e-7):
    """Components whose singular values are above `smallest` of the largest; the values tell which are determined."""
    fitted = x[1:] if skip and len(x) > 1 else x
    centred = x - fitted.mean(0)
    _, s, vt = np.linalg.svd(fitted - fitted.mean(0), full_matrices=False)
    total = (s**2).sum()
    points, explained = np.zeros((len(x), 3)), np.zeros(3)
    for c in range(min(3, len(s))):
        # Smaller than the rounding of centring, or of squares of the largest: no component.
        if s[c] <= 1e-12 * np.linalg.norm(x) or s[c] <= smallest * s[0]:
            continue
        coordinates = centred @ vt[c]
        inside = coordinates[len(x) - len(fitted) :]
        points[:, c] = coordinates * np.sign(inside[np.abs(inside).argmax()])
        explained[c] = s[c] ** 2 / total
    return points, explained, s


def case(name, rows):
    rows = np.float32(rows)
    answers = []
    for skip in (False, True):
        points, explained, s = reference(rows.astype(np.float64), skip)
        singular = np.zeros(4)
        singular[: min(4, len(s))] = s[:4]
        answers.append(dict(skipFirst=skip, points=digits(points, 7), explained=digits(explained, 9), singular=digits(singular, 9)))
    return dict(name=name, dims=list(rows.shape), rows=base64.b64encode(rows.astype("<f4").tobytes()).decode(), answers=answers)


def digits(numbers, count):
    return [float(f"{value:.{count}g}") for value in numbers.ravel()]


if __name__ == "__main__":
    OUT.write_text(json.dumps([case(name, rows) for name, rows in CASES.items()]) + "\n")
    print(OUT.stat().st_size, "bytes")
