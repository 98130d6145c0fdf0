"""Times transformers for `npm run bench compare`, which drives it: a line of JSON in, a line of JSON out.

Needs torch and transformers; where they are missing, the one line it writes says so. Eager attention, since no other gives
attention weights; float32; as many threads as it is told. Times are milliseconds around the computation alone.
"""
import json
import os
import sys
import time

try:
    import torch
    import transformers
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit()

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

model = None
cache = None
last = None


def timed(work):
    start = time.perf_counter()
    result = work()
    return (time.perf_counter() - start) * 1000, result


def load(folder, threads):
    global model
    torch.set_num_threads(threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    return {}


def shown(ids, top):
    """All attentions, all hidden states, the likeliest next tokens of every position."""
    def work():
        out = model(torch.tensor([ids]), output_attentions=True, output_hidden_states=True, use_cache=False)
        return out, torch.softmax(out.logits[0], -1).topk(top)
    ms, (out, best) = timed(work)
    config = model.config
    # One for the embedding; and really all heads, which an attention that is not eager would not give.
    assert len(out.hidden_states) == config.num_hidden_layers + 1
    assert [tuple(each.shape) for each in out.attentions] == [(1, config.num_attention_heads, len(ids), len(ids))] * config.num_hidden_layers
    return {"ms": ms, "ids": best.indices[-1].tolist(), "probabilities": best.values[-1].tolist()}


def forward(ids):
    """Nothing but the next token's distribution."""
    ms, _ = timed(lambda: torch.softmax(model(torch.tensor([ids]), use_cache=False, logits_to_keep=1).logits[0], -1))
    return {"ms": ms}


def prompt(ids):
    global cache, last
    out = model(torch.tensor([ids]), use_cache=True, logits_to_keep=1)
    cache, last = out.past_key_values, out.logits[0, -1]
    return {}


def write(count):
    """Draws a token, runs it on the keys and values of those before, and so on."""
    def work():
        global cache, last
        for _ in range(count):
            token = torch.multinomial(torch.softmax(last, -1), 1)
            out = model(token[None], past_key_values=cache, use_cache=True)
            cache, last = out.past_key_values, out.logits[0, -1]
    ms, _ = timed(work)
    return {"ms": ms / count}


def matmul(size):
    """Rate in GFLOP/s of a product of two square float32 matrices; the best of three, as a machine's rate is what it can do."""
    a, b = torch.rand(size, size), torch.rand(size, size)
    ms = min(timed(lambda: a @ b)[0] for _ in range(3))
    return {"rate": 2 * size**3 / ms / 1e6}


CALLS = {call.__name__: call for call in (load, shown, forward, prompt, write, matmul)}

print(json.dumps({"pid": os.getpid(), "torch": torch.__version__, "transformers": transformers.__version__}), flush=True)
with torch.inference_mode():
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(CALLS[request.pop("call")](**request)), flush=True)
