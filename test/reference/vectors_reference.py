"""What NumPy and PyTorch compute about vectors with the bundled model and a fixture model: expectations of test/worker and test/cli.

    python test/reference/vectors_reference.py

Needs torch, transformers, tokenizers, safetensors and numpy. Writes test/fixtures/models/vectors.json:
- per model, of the static table in float64, as stored and less its mean: `neighbours` of ids and of a - b + c (the best by
  cosine, the terms' own ids left out), `map`: principal components and cosines of words, and `typical`: mean and standard
  deviation of the cosines of random pairs of rows, those that the product draws;
- of the bundled model's text, as stored and less the mean of its tokens without the first (before the first layer: less the
  table's): `similarity` of all tokens at places of the residual stream, `wordByLayer` of one word at two places with the mean
  cosine of all pairs (first token left out), and `lensTop` of a token;
- `bitsPerByte` of texts: the surprisal of all tokens over the bytes of the text;
- `comparison`: KL in bits between next-token distributions of two texts (every position with every other), and of one text by two models.
"""
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file as load_numpy
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM

ROOT = Path(__file__).parent.parent.parent
sys.path.append(str(ROOT / "training"))
from measures import uniform_at  # noqa: E402

MODEL = ROOT / "media" / "models" / "explain-tokens-9m"
GPT2 = ROOT / "test" / "fixtures" / "models" / "gpt2"
TEXT = "She ate a red apple after lunch. Shares of apple rose after the company showed a new phone."
WORDS = ["good", "bad", "excellent", "poor", "happy", "sad"]
COUNT = 12


def cosines(rows, vector):
    return rows @ vector / (np.linalg.norm(rows, axis=1) * np.linalg.norm(vector))


PAIRS = 2000


def framed(table, frame):
    """The rows that are compared."""
    return table if frame == "stored" else table - table.mean(0)


def typical(table, frame):
    """Mean and standard deviation of the cosines of the pairs that the product draws."""
    rows = framed(table, frame)[[math.floor(uniform_at(0, draw) * len(table)) for draw in range(2 * PAIRS)]]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = (unit[0::2] * unit[1::2]).sum(1)[(rows[0::2] != rows[1::2]).any(1)]
    return {"mean": float(found.mean()), "deviation": float(found.std())}


def neighbours(table, terms, frame):
    """terms: (ids, weight); the mean of the ids' rows times the weight."""
    table = framed(table, frame)
    vector = sum(weight * table[ids].mean(0) for ids, weight in terms)
    found = cosines(table, vector)
    for ids, _ in terms:
        found[ids] = -np.inf
    best = np.argsort(-found, kind="stable")[:COUNT]
    return {"frame": frame, "terms": [{"ids": list(ids), "weight": weight} for ids, weight in terms], "ids": best.tolist(), "cosines": found[best].tolist(),
            "compared": int(np.isfinite(found).sum()), "length": float(np.linalg.norm(vector))}


def principal(rows):
    centred = rows - rows.mean(0)
    _, s, vt = np.linalg.svd(centred, full_matrices=False)
    points = centred @ vt[:3].T
    points *= np.sign(points[np.abs(points).argmax(0), range(3)])
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return {"points": points.tolist(), "explained": (s[:3] ** 2 / (s ** 2).sum()).tolist(), "norms": np.linalg.norm(rows, axis=1).tolist(), "cosines": (unit @ unit.T).tolist()}


def pairwise(rows):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit @ unit.T


def mean_of_pairs(rows):
    all_pairs = pairwise(rows)
    n = len(rows)
    return float(all_pairs[~np.eye(n, dtype=bool)].mean())


def pair_facts(rows):
    found = pairwise(rows)[~np.eye(len(rows), dtype=bool)]
    return {"mean": float(found.mean()), "deviation": float(found.std())}


def two_texts(places, token, ids):
    """The text's beginning as a text of its own, and the whole: what both have in common is taken off, so the same vectors are still alike."""
    short = token + 1
    cosines = []
    for layer, rows in enumerate(places[1:]):
        both = np.concatenate([rows[1:short], rows[1:]]).mean(0)
        second = [i for i, other in enumerate(ids) if other == ids[token]][1]
        cosines.append(float(pairwise((rows - both)[[token, second]])[0, 1]))
    return {"tokens": short, "cosines": cosines}


FRAMES = ("stored", "centred")


def bundled():
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    table = load_file(MODEL / "model.safetensors")["model.embed_tokens.weight"].double().numpy()
    word = lambda text: tokenizer.encode(" " + text, add_special_tokens=False).ids
    plain = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    model = AutoModelForCausalLM.from_pretrained(MODEL, attn_implementation="eager", dtype=torch.float32).eval()
    ids = tokenizer.encode(TEXT).ids
    with torch.inference_mode():
        out = model(torch.tensor([ids]), output_hidden_states=True)
    # transformers norms the last hidden state; the residual before the final norm is recorded instead.
    resid = []
    handle = model.model.norm.register_forward_pre_hook(lambda _m, args: resid.append(args[0][0].detach()))
    with torch.inference_mode():
        model(torch.tensor([ids]))
    handle.remove()
    places = [table[ids]] + [h[0].double().numpy() for h in out.hidden_states[:-1]] + [resid[0].double().numpy()]
    layers = range(-1, len(places) - 1)

    def at(layer, frame):
        """The vectors at a place, less the table's mean or that of the text's tokens but the first."""
        rows = places[layer + 1]
        return rows if frame == "stored" else rows - (table.mean(0) if layer == -1 else rows[1:].mean(0))

    apple, = word("apple")
    first, second = [i for i, token in enumerate(ids) if token == apple]
    lens = []
    for layer in (0, 3, 6):
        with torch.inference_mode():
            probs = model.lm_head(model.model.norm(torch.tensor(places[layer + 1][first], dtype=torch.float32))).double().softmax(-1)
        best = probs.topk(8)
        lens.append({"layer": layer, "ids": best.indices.tolist(), "probs": best.values.tolist()})
    king, man, woman = word("king"), word("man"), word("woman")
    good, bad, excellent = word("good"), word("bad"), word("excellent")
    return {
        "words": {text: {"spaced": word(text), "plain": tokenizer.encode(text, add_special_tokens=False).ids} for text in [*WORDS, "king", "lighthouses", "苹果", "zebra crossing"]},
        "neighbours": [neighbours(table, terms, frame) for frame in FRAMES for terms in (
            [(word("apple"), 1)], [(plain("苹果"), 1)], [(plain("优秀"), 1)], [(word("lighthouses"), 1)], [(king, 1), (man, -1), (woman, 1)], [(excellent, 1), (good, -1), (bad, 1)])],
        "map": [{"frame": frame, "ids": [word(text) for text in WORDS], **principal(np.stack([framed(table, frame)[word(text)].mean(0) for text in WORDS]))} for frame in FRAMES],
        "typical": {frame: typical(table, frame) for frame in FRAMES},
        "text": TEXT, "ids": ids, "first": first, "second": second,
        "similarity": [{"frame": frame, "layer": layer, "cosines": pairwise(at(layer, frame)).round(7).tolist(), "typical": pair_facts(at(layer, frame)[1:])} for frame in FRAMES for layer in (-1, 0, 6)],
        "wordByLayer": [{"frame": frame, "cosines": [float(pairwise(at(layer, frame)[[first, second]])[0, 1]) for layer in layers], "typical": [mean_of_pairs(at(layer, frame)[1:]) for layer in layers]} for frame in FRAMES],
        "twoTexts": two_texts(places, first, ids),
        "lensTop": lens,
    }


def gpt2():
    table = load_numpy(GPT2 / "model.safetensors")
    table = next(tensor for name, tensor in table.items() if name.endswith("wte.weight")).astype(np.float64)
    return {"neighbours": [neighbours(table, terms, frame) for frame in FRAMES for terms in ([([5], 1)], [([7, 11], 1)], [([1], 1), ([2], -1), ([3], 1)])], "typical": {frame: typical(table, frame) for frame in FRAMES}}


def bits_per_byte():
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(MODEL, attn_implementation="eager", dtype=torch.float32).eval()
    known = json.loads((ROOT / "test" / "fixtures" / "models" / "bundled.json").read_text())
    found = {}
    for name, text in [(name, entry["text"]) for name, entry in known.items()] + [("apple", TEXT)]:
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.inference_mode():
            loss = torch.nn.functional.cross_entropy(model(ids).logits[0, :-1].double(), ids[0, 1:], reduction="sum").item()
        found[name] = {"text": text, "bits": loss / math.log(2), "bytes": len(text.encode()), "bitsPerByte": loss / math.log(2) / len(text.encode())}
    return found


OTHER_TEXT = "She ate a green apple after lunch. Shares of the company rose after it showed a new phone."
OTHER_EPSILON = 0.05


def divergence(p, q):
    """KL(p || q) in bits of rows of logits."""
    p, q = p.double().log_softmax(-1), q.double().log_softmax(-1)
    return ((p.exp() * (p - q)).sum(-1) / math.log(2)).tolist()


def comparison():
    """The distributions that predicted the tokens both texts begin with, and those after the ends; and one text by a model with another epsilon in its norms."""
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(MODEL, attn_implementation="eager", dtype=torch.float32).eval()
    ids, others = tokenizer.encode(TEXT).ids, tokenizer.encode(OTHER_TEXT).ids
    with torch.inference_mode():
        own, other = model(torch.tensor([ids])).logits[0], model(torch.tensor([others])).logits[0]
    same = next(i for i, (a, b) in enumerate(zip(ids, others)) if a != b)
    config = AutoConfig.from_pretrained(MODEL)
    config.rms_norm_eps = OTHER_EPSILON
    changed = AutoModelForCausalLM.from_pretrained(MODEL, config=config, attn_implementation="eager", dtype=torch.float32).eval()
    with torch.inference_mode():
        by_other = changed(torch.tensor([ids])).logits[0]
    losses = torch.nn.functional.cross_entropy(by_other[:-1].double(), torch.tensor(ids[1:]), reduction="sum").item()
    return {"text": TEXT, "other": OTHER_TEXT, "ids": ids, "otherIds": others, "firstDifference": same, "matrix": [[divergence(own[[i]], other[[j]])[0] for j in range(len(others))] for i in range(len(ids))],
            "epsilon": OTHER_EPSILON, "byModel": divergence(own, by_other), "otherBitsPerByte": losses / math.log(2) / len(TEXT.encode())}


if __name__ == "__main__":
    (ROOT / "test" / "fixtures" / "models" / "vectors.json").write_text(json.dumps({"bundled": bundled(), "gpt2": gpt2(), "bitsPerByte": bits_per_byte(), "comparison": comparison()}, ensure_ascii=False) + "\n")
