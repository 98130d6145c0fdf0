"""What transformers makes of files as people publish them: generation_config.json, tokens that only tokenizer_config.json names, Jinja2's own ways.

    python test/reference/published_files.py

Needs torch, transformers 5.18, tokenizers and Jinja2. Writes test/fixtures/core/generationRules.json (scores before and after each logits processor),
test/fixtures/models/generationRules.json (ids that `generate` chooses greedily with generation_config.json in the fixture models' folders),
test/fixtures/tokenizer/namedTokens.json (files of a folder, texts and AutoTokenizer's ids) and test/fixtures/tokenizer/jinja.json (templates and what
`apply_chat_template`'s environment writes).
"""
import json
import math
import shutil
import tempfile
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging
from transformers.utils.chat_template_utils import _compile_jinja_template

FIXTURES = Path(__file__).parent.parent / "fixtures"
MODELS = FIXTURES / "models"
VOCAB = 24
PROMPT = [5, 7, 9, 7, 9, 5, 7]
EOS = [3, 4]

# One option each, the places where it begins or ends to act, and some together.
RULES = [
    (dict(repetition_penalty=1.3), PROMPT),
    (dict(repetition_penalty=0.7), PROMPT),
    (dict(no_repeat_ngram_size=1), PROMPT),
    (dict(no_repeat_ngram_size=2), PROMPT),
    (dict(no_repeat_ngram_size=3), PROMPT),
    (dict(no_repeat_ngram_size=9), PROMPT),
    (dict(bad_words_ids=[[5], [7, 9], [9, 7], [3], [5, 7, 11], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]), PROMPT),
    (dict(sequence_bias=[[[5], 1.5], [[7, 9], -2.0], [[5, 7, 9], 0.25], [[8, 9], 9.0]]), PROMPT),
    (dict(min_length=7), PROMPT),
    (dict(min_length=8), PROMPT),
    (dict(min_new_tokens=2), PROMPT),
    (dict(min_new_tokens=2), PROMPT + [1]),
    (dict(min_new_tokens=2), PROMPT + [1, 1]),
    (dict(forced_bos_token_id=6), [5]),
    (dict(forced_bos_token_id=6), PROMPT),
    (dict(exponential_decay_length_penalty=[1, 1.5]), PROMPT + [1]),
    (dict(exponential_decay_length_penalty=[1, 1.5]), PROMPT + [1, 2, 6]),
    (dict(suppress_tokens=[0, 23, 99]), PROMPT),
    (dict(begin_suppress_tokens=[0, 3]), PROMPT),
    (dict(begin_suppress_tokens=[0, 3]), PROMPT + [1]),
    (dict(begin_suppress_tokens=[0], suppress_tokens=[1], no_repeat_ngram_size=2, repetition_penalty=1.1, bad_words_ids=[[2]], exponential_decay_length_penalty=[0, 1.2]), PROMPT),
    (dict(suppress_tokens=[1], no_repeat_ngram_size=2, repetition_penalty=1.1, bad_words_ids=[[2]], sequence_bias=[[[9], 0.5]], exponential_decay_length_penalty=[0, 1.2]), PROMPT + [1, 9]),
]

# Options of published files, with fixture models in whose text they show.
SEQUENCES = [
    dict(repetition_penalty=1.05), dict(repetition_penalty=1.3), dict(no_repeat_ngram_size=2), dict(min_new_tokens=6), dict(suppress_tokens=[17, 200, 201]),
    dict(repetition_penalty=1.1, min_length=9, bad_words_ids=[[12], [40, 41]], begin_suppress_tokens=[220]), dict(exponential_decay_length_penalty=[3, 1.6]),
]
NEW_TOKENS = 16


def finite(scores):
    return [None if score == -math.inf else score for score in scores]


def rule_cases(model):
    generator = torch.Generator().manual_seed(3)
    cases = []
    for options, ids in RULES:
        scores = (torch.rand(1, VOCAB, generator=generator) * 8 - 4).float()
        config = GenerationConfig(**options)
        config._eos_token_tensor = torch.tensor(EOS)
        processors = model._get_logits_processor(config, input_ids_seq_length=1 if len(ids) == 1 else len(PROMPT))
        after = processors(torch.tensor([ids]), scores.clone())[0].tolist()
        cases.append(dict(options=options, ids=ids, prompt=1 if len(ids) == 1 else len(PROMPT), eos=EOS, before=scores[0].tolist(), after=finite(after)))
    return cases


def sequence_cases():
    from safetensors.torch import load_file
    cases = []
    for name in ("llama", "gpt2"):
        prompt = load_file(MODELS / name / "golden.safetensors")["input_ids"][:6]
        with tempfile.TemporaryDirectory() as folder:
            for file in ("config.json", "model.safetensors"):
                shutil.copy(MODELS / name / file, folder)
            plain = written(folder, prompt, dict(eos_token_id=250))
            # An end that comes early, so that what forbids it shows.
            end = plain[4]
            for options in [{}, *SEQUENCES]:
                own = dict(eos_token_id=end if any(key.startswith(("min", "exp")) for key in options) else 250, do_sample=True, temperature=0.7, **options)
                cases.append(dict(model=name, prompt=prompt.tolist(), config=own, greedy=written(folder, prompt, own)))
    assert len({tuple(case["greedy"]) for case in cases}) > 8
    return cases


def written(folder, prompt, config):
    Path(folder, "generation_config.json").write_text(json.dumps(config))
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    return model.generate(prompt[None], do_sample=False, max_new_tokens=NEW_TOKENS, pad_token_id=0, attention_mask=torch.ones_like(prompt)[None])[0, len(prompt):].tolist()


def byte_level(added):
    vocab = {chr(0x21 + i): i for i in range(94)} | {"Ġ": 94}
    vocab["<old>"] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens(added)
    return json.loads(tokenizer.to_str())


def token(content, special=True, **flags):
    return dict(content=content, lstrip=False, rstrip=False, normalized=False, single_word=False, special=special) | flags


def named_token_cases():
    end = AddedToken("<|end|>", special=True, normalized=False)
    known = {"96": token("<|end|>")}
    folders = {
        "a decoder with more tokens": ([end], {"tokenizer_config.json": dict(eos_token="<|end|>", pad_token="[PAD]", additional_special_tokens=["<|mine|>"], added_tokens_decoder=known | {"97": token("<|mine|>"), "98": token("[PAD]")})}),
        "tokens by name alone": ([end], {"tokenizer_config.json": dict(eos_token="<|end|>", pad_token="[PAD]", unk_token="<old>", additional_special_tokens=["<|mine|>", "[PAD]"], added_tokens_decoder=known)}),
        "a list of extra tokens": ([end], {"tokenizer_config.json": dict(extra_special_tokens=["<|mine|>"], added_tokens_decoder=known)}),
        "extra tokens by name": ([end], {"tokenizer_config.json": dict(extra_special_tokens={"image_token": "<|mine|>"}, boi_token="[PAD]", added_tokens_decoder=known)}),
        "other options for a token": ([end], {"tokenizer_config.json": dict(added_tokens_decoder={"96": token("<|end|>", lstrip=True, rstrip=True)})}),
        "ordinary tokens, ids not in order": ([end], {"tokenizer_config.json": dict(added_tokens_decoder={"99": token("[PAD]", special=False), "97": token("<|mine|>", special=False, single_word=True)} | known)}),
        "no decoder, a map of special tokens": ([end], {"tokenizer_config.json": dict(pad_token="<|mine|>"), "special_tokens_map.json": dict(pad_token=token("[PAD]"), additional_special_tokens=["<|mine|>"])}),
        "no decoder, a list of added tokens": ([end], {"tokenizer_config.json": dict(pad_token="[PAD]"), "added_tokens.json": {"[PAD]": 97, "<|mine|>": 98}}),
        "no file beside it": ([end], {}),
        "no added tokens": ([], {"tokenizer_config.json": dict(bos_token="<old>", eos_token="<|end|>")}),
    }
    texts = ["a<|mine|>[PAD]<|end|>b", "a <|end|> b", "x<|mine|>y <|mine|> <old>"]
    cases = []
    for name, (added, beside) in folders.items():
        files = {"tokenizer.json": byte_level(added), **beside}
        with tempfile.TemporaryDirectory() as folder:
            for file, content in files.items():
                if file == "tokenizer_config.json":
                    content = dict(tokenizer_class="PreTrainedTokenizerFast", **content)
                Path(folder, file).write_text(json.dumps(content))
            Path(folder, "config.json").write_text(json.dumps(dict(model_type="llama")))
            tokenizer = AutoTokenizer.from_pretrained(folder)
            assert type(tokenizer).__name__ in ("TokenizersBackend", "PreTrainedTokenizerFast"), type(tokenizer)
            cases.append(dict(name=name, files=files, ids={text: tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts}))
    return cases


SAID = "{{ messages[0].content }}"
TEMPLATES = [
    SAID + "{{ none }}|{{ true }}|{{ false }}|{{ missing }}",
    "{% set m = {'a': 1} %}" + SAID + "{{ m.get('x') }}|{{ m.get('a') }}|{{ m.get('x', 'y') }}",
    SAID + "{{ -7 % 3 }}|{{ 7 % -3 }}|{{ 7 % 3 }}|{{ 7.5 % 2 }}|{{ '%s and %d' % ('a', 3) }}|{{ '%s' % true }}",
    SAID + "{{ [1, 'a', none, true, 1.5] }}|{{ {'a': 'it\\'s'} }}|{{ 2.0 }}|{{ ('a', 2) }}",
    SAID + "{{ 'a' ~ none ~ true ~ 1 ~ 2.0 }}|{{ true|string }}|{{ none|string }}|{{ [none, true, 1]|join(',') }}",
    SAID + "{% for i in range(5) %}{{ i }}{% if i == 2 %}!{% break %}{% endif %},{% endfor %}.",
    SAID + "{% for i in range(4) %}{{ i }}{% if i is odd %}{% continue %}{% endif %},{% endfor %}.",
    "{% for m in messages %}{{ m.content }}{% if m.role == 'user' %}{% break %}{% else %}x{% endif %}after{% endfor %}end",
    SAID + "{% for i in range(2) %}{% for j in range(3) %}{{ i }}{{ j }}{% if j == 1 %}{% break %}{% endif %} {% endfor %}{% if i == 0 %}{% continue %}{% endif %}z{% endfor %}",
    SAID + "{% for i in range(3) %}{% continue %}{% else %}none{% endfor %}.",
    SAID + "{% for i in range(3) %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% else %}none{% endfor %}{% for i in [1] %}{% break %}{% else %}none{% endfor %}{% for i in [] %}{% break %}{% else %}empty{% endfor %}",
    SAID + "{% if true +%}\n  a\n{% endif %}\nb\n",
    "x\n  {%+ if true %}\n" + SAID + "\n  {% endif %}\n",
    SAID + "{{ '%s-%05.1f-%3d'|format('a', 2.25, 7) }}|{{ [3, 1, 2]|min }}|{{ [3, 1, 2]|max }}|{{ ['b', 'A']|min }}",
    SAID + "{{ messages|length }}{{ add_generation_prompt }}{{ tools }}",
    "{% for m in messages %}\r\n<{{ m.role }}>\r\n{{ m.content }}\r\n{% endfor %}\r\n{% if add_generation_prompt %}\r\n<bot>\r\n{% endif %}\r\n",
    "{% for m in messages %}\r<{{ m.role }}>\r{{ m.content }}\r{% endfor %}\r",
    "{% macro shout(x) %}{{ x }}{{ none }}{% endmacro %}" + SAID + "{{ shout('a') }}",
]


def jinja_cases():
    messages = [dict(role="user", content="hello")]
    cases = []
    for template in TEMPLATES:
        written = _compile_jinja_template(template).render(messages=messages, add_generation_prompt=True, tools=None, documents=None)
        cases.append(dict(template=template, written=written))
    return cases


def rows(path, cases):
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


def main():
    logging.set_verbosity_error()
    model = AutoModelForCausalLM.from_pretrained(MODELS / "llama", dtype=torch.float32)
    rows(FIXTURES / "core" / "generationRules.json", rule_cases(model))
    rows(MODELS / "generationRules.json", sequence_cases())
    rows(FIXTURES / "tokenizer" / "namedTokens.json", named_token_cases())
    rows(FIXTURES / "tokenizer" / "jinja.json", jinja_cases())


if __name__ == "__main__":
    main()
