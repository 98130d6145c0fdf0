"""Reference for test/unit/chatTemplate.test.ts: chat templates of the known styles, and what transformers makes of them.

Writes test/fixtures/tokenizer/chats.json.gz: {"lines": [...], "chats": {NAME: {"kind": a tokenizer of kinds.json.gz, "added_tokens": [...], "config": tokenizer_config.json,
"texts": [rendered chat or null where the message is changed, ...], "ids": [[...], ...]}}}. Run after tokenizer_kinds.py, with transformers:
    python test/reference/chat_template_reference.py
"""

import gzip
import json
import pathlib

from tokenizers import AddedToken, Tokenizer
from transformers import PreTrainedTokenizerFast

OUT = pathlib.Path(__file__).resolve().parents[2] / "test" / "fixtures" / "tokenizer"

CHATML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
CHATML_SYSTEM = """{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
LLAMA3 = "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
MISTRAL = "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
GEMMA = "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}"
PLAIN = "{% for message in messages %}{{ message['role'] | capitalize + ': ' + message['content'] + '\\n\\n' }}{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"

CHATS = {
    "chatml": ("qwen2", CHATML, {"eos_token": "<|im_end|>"}, ["<|im_start|>", "<|im_end|>"]),
    "chatml_system": ("deepseek_v3", CHATML_SYSTEM, {"eos_token": "<|im_end|>"}, ["<|im_start|>", "<|im_end|>"]),
    "llama3": ("gpt_oss", LLAMA3, {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}, ["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"]),
    "mistral": ("metaspace_first_nfkc", MISTRAL, {"bos_token": "<s>", "eos_token": "</s>"}, []),
    "gemma": ("gemma", GEMMA, {"bos_token": "<s>"}, ["<start_of_turn>", "<end_of_turn>"]),
    "plain": ("codegen", PLAIN, {}, []),
    "plain_unigram": ("xglm", PLAIN, {}, []),
}


def main() -> None:
    document = json.loads(gzip.decompress((OUT / "kinds.json.gz").read_bytes()))
    lines = [line for line in document["lines"] if line][:160] + [" \x85padded\ufeff ", "\ufeffmark\x1f", "  both sides \n\n"]
    chats = {}
    for name, (kind, source, tokens, added) in CHATS.items():
        tokenizer = Tokenizer.from_str(json.dumps(document["tokenizers"][kind]))
        tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in added])
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=source, **tokens)
        messages = [[{"role": "user", "content": line}] for line in lines]
        chats[name] = {
            "kind": kind,
            "added_tokens": json.loads(fast.backend_tokenizer.to_str())["added_tokens"],
            "config": {"chat_template": source, **tokens},
            "texts": [fast.apply_chat_template(message, tokenize=False, add_generation_prompt=True) for message in messages],
            "ids": [fast.apply_chat_template(message, tokenize=True, add_generation_prompt=True, return_dict=False) for message in messages],
        }
    (OUT / "chats.json.gz").write_bytes(gzip.compress(json.dumps({"lines": lines, "chats": chats}, ensure_ascii=False, separators=(",", ":")).encode(), 9, mtime=0))
    print(", ".join(f"{name} {len(chat['ids'])}" for name, chat in chats.items()))


if __name__ == "__main__":
    main()
