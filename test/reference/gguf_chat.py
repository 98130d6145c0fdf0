"""Reference for test/cli/gguf.test.ts: tiny models with tokenizer and chat template, as GGUF files of llama.cpp's own converter, and how transformers chats with them.

    LLAMA_CPP=CHECKOUT python test/reference/gguf_chat.py

CHECKOUT is llama.cpp's source (its conversion/ and gguf-py/ are used). Needs torch, transformers 5.18, sentencepiece, protobuf and tokenizers.
Writes test/fixtures/models/ggufChat/NAME.gguf.gz and chats.json: {NAME: {"text", "prompt": ids of the rendered chat, "answer": ids of the greedy answer, which ends
at a token that ends answers, "plain": {text: ids}}}. Weights are random float16 numbers.
"""
import gzip
import json
import os
import sys
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer, normalizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LlamaConfig, Qwen3Config

sys.path[:0] = [os.environ["LLAMA_CPP"], os.environ["LLAMA_CPP"] + "/gguf-py"]
import gguf  # noqa: E402
from conversion import get_model_class  # noqa: E402
from gguf_tokenizers import REFERENCE, converted, trained  # noqa: E402
from tokenizer_reference import SENTENCES  # noqa: E402

OUT = Path(__file__).parent.parent / "fixtures" / "models" / "ggufChat"
TEXT = "Why is  the sky blue? é 🦊"
SIZES = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=8, intermediate_size=32, max_position_embeddings=128, tie_word_embeddings=False)
CHATML = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
INST = "{{ bos_token }}{% for message in messages %}{{ '[INST] ' + message['content'] | trim + ' [/INST]' }}{% endfor %}"


def chatml():
    tokenizer = Tokenizer.from_str(json.dumps(REFERENCE["tokenizers"]["qwen2"]))
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    return tokenizer, None, {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "add_bos_token": False, "chat_template": CHATML}, ["<|im_end|>", "<|endoftext|>"], "qwen2"


def inst():
    model = trained(True)
    tokenizer = converted(model, normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), {}, "<s>", "<unk>")
    return tokenizer, model, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True, "add_eos_token": False, "chat_template": INST}, ["</s>"], None


CASES = {
    "qwen3": (chatml, lambda size: Qwen3Config(vocab_size=size, **SIZES)),
    "llama": (inst, lambda size: LlamaConfig(vocab_size=size, **SIZES)),
}


def ids_of(tokenizer, **arguments):
    found = tokenizer.apply_chat_template([{"role": "user", "content": TEXT}], add_generation_prompt=True, **arguments)
    return found["input_ids"] if not isinstance(found, list) else found


def convert(folder: Path, architecture: str, pre: str | None, path: Path) -> None:
    made = get_model_class(architecture)
    made.get_vocab_base_pre = lambda self, tokenizer: pre
    made(folder, gguf.LlamaFileType.MOSTLY_F16, path, model_name="tiny").write()


def make(name: str) -> dict:
    tokens, pieces, config, ends, pre = CASES[name][0]()
    size = tokens.get_vocab_size() + 3
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "tokenizer.json").write_text(tokens.to_str(), encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **{k: v for k, v in config.items() if k != "added_tokens_decoder"}}), encoding="utf-8")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        prompt = ids_of(tokenizer)
        stops = [tokenizer.convert_tokens_to_ids(token) for token in ends]
        torch.manual_seed(7)
        model = AutoModelForCausalLM.from_config(CASES[name][1](size), attn_implementation="eager").eval()
        greedy = lambda: model.generate(torch.tensor([prompt]), generation_config=GenerationConfig(do_sample=False, max_new_tokens=16, eos_token_id=stops, pad_token_id=0))[0, len(prompt) :].tolist()
        with torch.no_grad():
            for parameter in model.parameters():
                torch.nn.init.normal_(parameter, std=0.4 if parameter.ndim > 1 else 0.1)
                parameter.copy_(parameter.half().float() if parameter.ndim > 1 else parameter)
            # What comes first after five tokens becomes the end: the two change places in the unembedding.
            free = greedy()
            place = next(i for i in range(5, 16) if free[i] not in free[:i])
            rows = model.lm_head.weight
            rows[[free[place], stops[0]]] = rows[[stops[0], free[place]]].clone()
        answer = greedy()
        assert answer == [*free[:place], stops[0]], (free, answer)
        model.save_pretrained(folder)
        if pieces is not None:
            (folder / "tokenizer.model").write_bytes(pieces.serialized_model_proto())
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
        convert(folder, type(model).__name__, pre, folder / "model.gguf")
        written = (folder / "model.gguf").read_bytes()
        (OUT / f"{name}.gguf.gz").write_bytes(gzip.compress(written, 9, mtime=0))
        plain = {text: tokenizer(text)["input_ids"] for text in [SENTENCES[13]]}
        print(name, f"{len(written)} bytes, answer {tokenizer.convert_ids_to_tokens(answer)}")
        return {"text": TEXT, "prompt": prompt, "answer": answer, "stops": stops, "plain": plain}


def main() -> None:
    OUT.mkdir(exist_ok=True, parents=True)
    (OUT / "chats.json").write_text(json.dumps({name: make(name) for name in CASES}, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


if __name__ == "__main__":
    main()
