"""What transformers generates with the fixture models, and what its filters leave at the edges of their settings.

    python test/reference/generation_reference.py

Needs torch, numpy and transformers 5.18. Writes test/fixtures/core/generation.json: draws (Philox 4x32-10 in whole numbers of Python, checked against
the known answers of Random123), and the filters' results on ties and extreme settings; and test/fixtures/models/generation.json: per model the ids that
`generate` chooses greedily with its cache, and those drawn with our numbers from what the model's own logits processors leave.
"""
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GenerationConfig, LogitsProcessorList, MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper
from transformers.utils import logging

import family_cases  # noqa: F401  (mends what the reference does wrong with ALiBi)

FIXTURES = Path(__file__).parent.parent / "fixtures"
MODELS = FIXTURES / "models"
WORD = 0xFFFFFFFF
GREEDY_TOKENS = 12
DRAWN_TOKENS = 10
PROMPT = 5
DRAWN_MODELS = ["gpt2", "llama", "families/gemma2.3", "families/deepseek_v3.1", "families/gpt_oss.1", "families/bloom.2"]
SETTINGS = [
    dict(temperature=1.0, topK=0, topP=1.0, minP=0.0, seed=0),
    dict(temperature=0.7, topK=12, topP=0.9, minP=0.05, seed=42),
    dict(temperature=1.6, topK=0, topP=0.8, minP=0.0, seed=2**40 + 7),
    dict(temperature=100.0, topK=1000, topP=1.0, minP=0.2, seed=2**53 - 1),
]


def philox(counter, key):
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(10):
        first, second = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (second >> 32) ^ b ^ k0, second & WORD, (first >> 32) ^ d ^ k1, first & WORD
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return a, b, c, d


def check_known_answers():
    """`kat_vectors` of Random123 (Salmon et al. 2011)."""
    pi = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)
    assert philox((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    assert philox((WORD,) * 4, (WORD,) * 2) == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)
    assert philox(*pi) == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)


def uniform(seed, index):
    a, b, _, _ = philox((index & WORD, index >> 32, 0, 0), (seed & WORD, seed >> 32))
    return ((a >> 5) * 2**26 + (b >> 6)) / 2**53


def processors(settings):
    """In the order of `generate`, which leaves out those that are off."""
    found = LogitsProcessorList()
    if settings["temperature"] != 1:
        found.append(TemperatureLogitsWarper(float(settings["temperature"])))
    if settings["topK"]:
        found.append(TopKLogitsWarper(settings["topK"]))
    if settings["topP"] < 1:
        found.append(TopPLogitsWarper(float(settings["topP"])))
    if settings["minP"] > 0:
        found.append(MinPLogitsWarper(float(settings["minP"])))
    return found


def edge_cases():
    rows = {
        "all equal": [1.5] * 8,
        "equal at the edge": [3.0, 2.0, 2.0, 2.0, 2.0, 1.0, 0.0, -1.0],
        "two best": [4.0, 4.0, 0.0, -2.0],
        "far apart": [80.0, 0.0, -80.0, -900.0],
        "one": [0.25],
    }
    settings = [
        dict(temperature=100.0, topK=0, topP=1.0, minP=0.0), dict(temperature=0.01, topK=0, topP=1.0, minP=0.0), dict(temperature=1.0, topK=3, topP=1.0, minP=0.0),
        dict(temperature=1.0, topK=500, topP=1.0, minP=0.0), dict(temperature=1.0, topK=0, topP=0.0, minP=0.0), dict(temperature=1.0, topK=0, topP=0.5, minP=0.0),
        dict(temperature=1.0, topK=0, topP=0.7, minP=0.0), dict(temperature=1.0, topK=0, topP=1.0, minP=1.0), dict(temperature=1.0, topK=0, topP=1.0, minP=1e-9),
        dict(temperature=2.0, topK=5, topP=0.75, minP=0.3),
    ]
    cases = []
    for name, logits in rows.items():
        for setting in settings:
            scores = processors(setting)(None, torch.tensor([logits], dtype=torch.float32))
            cases.append(dict(name=name, logits=logits, settings=setting, kept=torch.isfinite(scores)[0].int().tolist(), final=scores.softmax(-1)[0].double().tolist()))
    return cases


def draw(final, number):
    """The inverse of the cumulative distribution over tokens in falling order, equal ones in order of id."""
    order = sorted(range(len(final)), key=lambda token: (-final[token], token))
    total = 0.0
    for token in order:
        total += final[token]
        if number < total:
            return token
    return next(token for token in reversed(order) if final[token] > 0)


def greedy(model, prompt):
    config = GenerationConfig(do_sample=False, max_new_tokens=GREEDY_TOKENS, eos_token_id=None, pad_token_id=0, bos_token_id=None)
    model.generation_config = GenerationConfig()
    return model.generate(prompt[None], generation_config=config, attention_mask=torch.ones_like(prompt)[None])[0, len(prompt):].tolist()


def drawn(model, prompt, settings):
    config = GenerationConfig(do_sample=True, temperature=settings["temperature"], top_k=settings["topK"], top_p=settings["topP"], min_p=settings["minP"] or None)
    own = model._get_logits_processor(config)
    assert [type(one) for one in own] == [type(one) for one in processors(settings)], own
    ids = prompt.tolist()
    for _ in range(DRAWN_TOKENS):
        with torch.inference_mode():
            logits = model(torch.tensor([ids]), use_cache=False).logits[:, -1].float()
        final = own(torch.tensor([ids]), logits).softmax(-1)[0].double().tolist()
        ids.append(draw(final, uniform(settings["seed"], len(ids))))
    return ids[len(prompt):]


def load(name):
    return AutoModelForCausalLM.from_pretrained(MODELS / name, attn_implementation="eager", dtype=torch.float32).eval()


def golden_ids(name):
    from safetensors.torch import load_file
    return load_file(MODELS / name / "golden.safetensors")["input_ids"]


def grows(name):
    """The reference keeps keys that were turned by frequencies which no longer hold: its cache does not equal a full pass."""
    return any(f'"{kind}"' in (MODELS / name / "config.json").read_text() for kind in ("dynamic", "longrope", "su"))


def main():
    logging.set_verbosity_error()
    check_known_answers()
    draws = [dict(seed=seed, index=index, uniform=uniform(seed, index)) for seed in (0, 1, 42, 2**32, 2**53 - 1) for index in (0, 1, 511, 2**32 + 5)]
    (FIXTURES / "core" / "generation.json").write_text(json.dumps(dict(draws=draws, filters=edge_cases())) + "\n")
    found = {}
    names = ["gpt2", "llama", "llama_yarn"] + sorted(f"families/{path.name}" for path in (MODELS / "families").iterdir() if path.name.endswith(".1"))
    for name in [*names, *(name for name in DRAWN_MODELS if name not in names)]:
        if grows(name):
            continue
        model, prompt = load(name), golden_ids(name)[:PROMPT]
        found[name] = dict(prompt=prompt.tolist(), greedy=greedy(model, prompt))
        if name in DRAWN_MODELS:
            found[name]["drawn"] = [dict(settings=settings, ids=drawn(model, prompt, settings)) for settings in SETTINGS]
    (MODELS / "generation.json").write_text("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in found.items()) + "\n}\n")


if __name__ == "__main__":
    main()
