"""Scores of a text longer than the context, as "Perplexity of fixed-length models" of Hugging Face's documentation reads it.

    python test/reference/window_scores.py

Needs torch and transformers 5.18. Writes test/fixtures/models/windowScores.json: for two fixture models a text of pseudo-random ids, and for each window length
and stride the documentation's loop: per token the natural log of its probability and its rank (`ties`: the ranks that it may have, where other logits are as good as equal), and the perplexity. That the loss of transformers, with all labels
but those of the window's new tokens -100, is their mean, is checked here.
"""
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

MODELS = Path(__file__).parent.parent / "fixtures" / "models"
TOKENS = 203
# The models' context is 64.
RULES = [dict(length=64, stride=16), dict(length=64, stride=48), dict(length=64, stride=64), dict(length=40, stride=1)]
BOS = 1
# Logits closer than this may change places in another order of summation.
CLOSE = 2e-4


def scores(model, ids, length, stride):
    """The loop of the documentation, with the numbers of each token besides their sum."""
    found, ranks, ties, sum_of_losses, count = [None] * len(ids), [0] * len(ids), {}, 0.0, 0
    prev_end_loc = 0
    for begin_loc in range(0, len(ids), stride):
        end_loc = min(begin_loc + length, len(ids))
        trg_len = end_loc - prev_end_loc
        input_ids = ids[begin_loc:end_loc][None]
        target_ids = input_ids.clone()
        target_ids[:, :-trg_len] = -100
        with torch.inference_mode():
            output = model(input_ids, labels=target_ids, use_cache=False)
        logits = output.logits[0].double()
        logprobs = logits.log_softmax(-1)
        window = []
        # The labels are shifted by one inside the model: a window's first token has no prediction.
        for token in range(max(prev_end_loc, begin_loc + 1), end_loc):
            own, row = int(ids[token]), token - begin_loc - 1
            assert found[token] is None
            found[token] = float(logprobs[row, own])
            rank = lambda shift: 1 + int((logits[row] > logits[row, own] + shift).sum())  # noqa: B023, E731
            ranks[token] = rank(0)
            if (low := rank(CLOSE)) != (high := rank(-CLOSE) - 1):
                ties[token] = [low, high]
            window.append(-found[token])
        assert abs(sum(window) / len(window) - float(output.loss)) < 1e-5, (sum(window) / len(window), float(output.loss))
        sum_of_losses += float(output.loss) * len(window)
        count += len(window)
        prev_end_loc = end_loc
        if end_loc == len(ids):
            break
    return dict(logprob=found, rank=ranks, ties=ties, perplexity=float(torch.tensor(sum_of_losses / count, dtype=torch.float64).exp()))


def main():
    written = {}
    for name in ("gpt2", "llama"):
        model = AutoModelForCausalLM.from_pretrained(MODELS / name, attn_implementation="eager", dtype=torch.float32).eval()
        generator = torch.Generator().manual_seed(15)
        ids = torch.cat([torch.tensor([BOS]), torch.randint(2, model.config.vocab_size, (TOKENS - 1,), generator=generator)])
        cases = [dict(**rule, **scores(model, ids, **rule)) for rule in RULES]
        written[name] = dict(ids=ids.tolist(), cases=[{**case, "logprob": [None if p is None else round(p, 7) for p in case["logprob"]]} for case in cases])
    (MODELS / "windowScores.json").write_text("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in written.items()) + "\n}\n")


if __name__ == "__main__":
    main()
