"""Scores of whole texts by strided windows and by lm-eval's rolling log-likelihood: expectations of `explain-tokens score`.

    python test/reference/rolling_scores.py

Needs torch, transformers 5.18 and tokenizers. Writes test/fixtures/models/rollingScores.json:
- bundled: a text longer than the context, its ids, and for three strides the log-probability (natural) of each token by the loop of "Perplexity of fixed-length models".
- rolling: for two fixture models ids whose first stands before the text, and per length L the log-probabilities by `get_rolling_token_windows` of lm-eval
  (lm_eval/utils.py, written again here) with context_len 1 and that first id as the prefix token, and how many tokens its last window predicts.
"""
import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).parent.parent.parent
MODELS = ROOT / "test" / "fixtures" / "models"
BUNDLED = ROOT / "media" / "models" / "explain-tokens-9m"
STRIDES = [256, 512, 1023]
PROSE = "In year {0} the keeper wrote {1} lines about ship number {2}.\r\nIt was late; the lamp burned — 第{0}年，灯还亮着。\n\n\tfor (let i = {1}; i < {2}; i++) total += i;\n"


def opened(folder):
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()


def predicted(model, inputs, targets):
    """Log-probabilities of the targets, which the last of the inputs' positions predict."""
    with torch.inference_mode():
        logprobs = model(torch.tensor([inputs])).logits[0].double().log_softmax(-1)[len(inputs) - len(targets):]
    return [round(float(row[target]), 6) for row, target in zip(logprobs, targets)]


def strided(model, ids, length, stride):
    found, prev_end = [None] * len(ids), 0
    for begin in range(0, len(ids), stride):
        end = min(begin + length, len(ids))
        first = max(prev_end, begin + 1)
        found[first:end] = predicted(model, ids[begin:end - 1], ids[first:end])
        prev_end = end
        if end == len(ids):
            return found


def rolling_windows(tokens, prefix, max_seq_len):
    """`get_rolling_token_windows(..., context_len=1)` followed by `make_disjoint_window`: (context, continuation)."""
    first = min(max_seq_len, len(tokens))
    yield [prefix], tokens[:first]
    done = first
    while done < len(tokens):
        count = min(len(tokens) - done, max_seq_len)
        end = done + count
        inputs, continuation = tokens[end - max_seq_len - 1:end - 1], tokens[done:end]
        yield inputs[:len(inputs) - (len(continuation) - 1)], continuation
        done = end


def rolling(model, ids, length):
    found = [None]
    for context, continuation in rolling_windows(ids[1:], ids[0], length):
        found += predicted(model, context + continuation[:-1], continuation)
    return dict(length=length, last=len(continuation), logprob=found)


def main():
    torch.set_num_threads(1)
    text = "".join(PROSE.format(1800 + i, 7 * i % 31, i * i % 97) for i in range(29))
    ids = Tokenizer.from_file(str(BUNDLED / "tokenizer.json")).encode(text).ids
    model = opened(BUNDLED)
    assert len(ids) > 1.2 * model.config.max_position_embeddings, len(ids)
    cases = [dict(stride=stride, logprob=strided(model, ids, model.config.max_position_embeddings, stride)) for stride in STRIDES]
    written = dict(bundled=dict(text=text, ids=ids, cases=cases), rolling={})
    for name in ("gpt2", "llama"):
        model = opened(MODELS / name)
        ids = [1] + torch.randint(2, model.config.vocab_size, (126,), generator=torch.Generator().manual_seed(17)).tolist()
        # 126 is two windows of 63, so none is shorter; of 40 the last is.
        written["rolling"][name] = dict(ids=ids, cases=[rolling(model, ids, length) for length in (63, 40)])
    (MODELS / "rollingScores.json").write_text(json.dumps(written, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
