"""What PyTorch computes with the bundled model on English, Chinese and code: expectations of test/golden/bundled.test.ts.

    python test/reference/bundled_model.py

Needs torch, transformers and tokenizers. Writes test/fixtures/models/bundled.json: per text its ids, and per position
log-probability (natural), rank (1 = best) and entropy (bits) of the distribution that predicts the token (null at 0),
and the five best ids after it with their log-probabilities.
"""
import json
import math
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).parent.parent.parent
MODEL = ROOT / "media" / "models" / "explain-tokens-9m"
TEXTS = {
    "english": "The old lighthouse keeper climbed the stairs every evening. He lit the lamp, wrote the weather in his book, and watched the ships pass. "
               "One night the lamp would not burn, and he understood that the ships had been watching him too.",
    "chinese": "语言模型读到一段文字时，会先把它分成许多小块，然后计算下一个小块出现的概率。今天天气很好，我们决定去公园散步，顺便买一些水果回来。",
    "code": "export function sum(values: readonly number[]): number {\n  let total = 0;\n  for (const value of values) {\n    total += value;\n  }\n  return total;\n}\n\n"
            "console.log(sum([1, 2, 3])); // 6\n",
}


def expectations(model, ids):
    with torch.inference_mode():
        logprobs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    predicted = [None] + [logprobs[i, token].item() for i, token in enumerate(ids[1:])]
    ranks = [None] + [int((logprobs[i] > logprobs[i, token]).sum()) + 1 for i, token in enumerate(ids[1:])]
    entropy = [None] + (-(logprobs.exp() * logprobs).sum(-1) / math.log(2))[:-1].tolist()
    best = logprobs.topk(5, dim=-1)
    return {"ids": ids, "logprob": predicted, "rank": ranks, "entropy": entropy, "topIds": best.indices.tolist(), "topLogprobs": best.values.tolist()}


if __name__ == "__main__":
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(MODEL, attn_implementation="eager", dtype=torch.float32).eval()
    found = {name: {"text": text, **expectations(model, tokenizer.encode(text).ids)} for name, text in TEXTS.items()}
    (ROOT / "test" / "fixtures" / "models" / "bundled.json").write_text(json.dumps(found, ensure_ascii=False) + "\n")
