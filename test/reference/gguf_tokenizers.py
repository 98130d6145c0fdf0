"""Reference for test/unit/formats/ggufTokenizer.test.ts: tokenizers as llama.cpp's converter writes them into GGUF metadata, and what the Python libraries make of hard strings.

Writes test/fixtures/tokenizer/gguf.json.gz:
{"folders": {NAME: {"metadata": {KEY: value}, "ends": bool}},       the tokenizers of kinds.json.gz and {NAME}.json there, converted
 "pre": {"metadata": {...}, "kinds": {NAME: [[ids of a line], ...]}},  one vocabulary cut by each pre-tokenizer
 "pieces": {NAME: {"metadata", "tokenizer", "ids"}},                  SentencePiece models, and the tokenizer.json that transformers makes of them
 "lines": [index, ...]}                                               lines of kinds.json.gz that "pre" and "pieces" were run on
The metadata is written by the rules of convert_hf_to_gguf.py (TextModel.get_vocab_base, _create_vocab_sentencepiece), special tokens and merges by
gguf-py's own SpecialVocab. Run with the packages `gguf`, `sentencepiece`, `protobuf`, `transformers` and `tokenizers`:
    python test/reference/gguf_tokenizers.py
"""

import gzip
import io
import json
import pathlib
import re
import tempfile

import gguf
import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.convert_slow_tokenizer import generate_merges

from tokenizer_kinds import BLOOM, DEEPSEEK_V3, EXTRA, GPT4, O200K
from tokenizer_reference import OUT, SENTENCES

REFERENCE = json.loads(gzip.decompress((OUT / "kinds.json.gz").read_bytes()))
LINES = REFERENCE["lines"]
SAMPLE = sorted({*range(110), *range(110, len(LINES), 16)})
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
DEEPSEEK_LETTERS = (
    "41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 388-38a 38c 38e-3a1 3a3-3f5 3f7-481 48a-52f "
    "531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d "
    "1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 "
    "2107 210a-2113 2115 2119-211d 2124 2126 2128 212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee "
    "2cf2 2cf3 a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f 104b0-104d3 "
    "104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943"
)
# Fixture -> (tokenizer.ggml.pre, general.architecture, special tokens of tokenizer_config.json).
FOLDERS = {
    "gpt_neox": ("olmo", "gptneox", {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}),
    "qwen2": ("qwen2", "qwen2", {"eos_token": "<|endoftext|>", "add_bos_token": False}),
    "gpt_oss": ("gpt-4o", "gpt-oss", {"eos_token": "<|endoftext|>"}),
    "glm4": ("glm4", "glm4", {"eos_token": "<|endoftext|>"}),
    "deepseek_v3": ("deepseek-v3", "deepseek2", {"eos_token": "<|endoftext|>"}),
    "falcon": ("falcon", "falcon", {"eos_token": "<|endoftext|>"}),
    "bloom": ("bloom", "bloom", {"eos_token": "<|endoftext|>"}),
    "codegen": ("phi-2", "phi2", {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}),
    "starcoder2": ("starcoder", "starcoder2", {"eos_token": "<|endoftext|>"}),
    "cohere": ("command-r", "command-r", {"bos_token": "<BOS>", "eos_token": "<|endoftext|>", "add_bos_token": True}),
    "gpt2": ("gpt-2", "gpt2", {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}),
    "llama3": ("llama-bpe", "llama", {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}),
}


def looks_special(token: str) -> bool:
    """does_token_look_special"""
    return token in ("<pad>", "<mask>", "<2mass>", "[@BOS@]") or bool(re.fullmatch(r"<\|.*\|>|<｜.*｜>|<unused.*>", token, re.S))


def special_metadata(folder: pathlib.Path, merges: bool, count: int) -> dict:
    """What SpecialVocab writes: merges, special tokens, whether they are added, the chat template."""
    special = gguf.SpecialVocab(folder, load_merges=merges, n_vocab=count)
    names = {"unk": "unknown", "pad": "padding", "sep": "seperator"}
    found = {f"tokenizer.ggml.{names.get(kind, kind)}_token_id": value for kind, value in special.special_token_ids.items()}
    found |= {f"tokenizer.ggml.add_{kind}_token": value for kind, value in special.add_special_token.items()}
    if special.merges:
        found["tokenizer.ggml.merges"] = special.merges
    if special.chat_template is not None:
        found["tokenizer.chat_template"] = special.chat_template
    return found


def byte_level_metadata(tokenizer: Tokenizer, pre: str, architecture: str, config: dict) -> dict:
    """get_vocab_base and _set_vocab_gpt2; two ids more than there are tokens, as models padded to a round size have."""
    vocab = tokenizer.get_vocab(with_added_tokens=True)
    texts = {index: token for token, index in vocab.items()}
    added = tokenizer.get_added_tokens_decoder()
    tokens, types = [], []
    for index in range(max(texts) + 3):
        token = texts.get(index)
        if token is None:
            tokens.append(f"[PAD{index}]")
            types.append(UNUSED)
            continue
        if index in added:
            if not added[index].normalized:
                token = tokenizer.decode(tokenizer.encode(token, add_special_tokens=False).ids, skip_special_tokens=False)
            special = added[index].special or looks_special(token)
            types.append(CONTROL if special else USER_DEFINED)
            token = token if special else token.replace("▁", " ")
        else:
            types.append(NORMAL)
        tokens.append(token)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
        special = special_metadata(folder, True, len(tokens))
    return {"general.architecture": architecture, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre, "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types, **special}


def folders() -> dict:
    found = {}
    for name, (pre, architecture, config) in FOLDERS.items():
        source = REFERENCE["tokenizers"].get(name) or json.loads((OUT / f"{name}.json").read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_str(json.dumps(source))
        if tokenizer.decoder is None:
            tokenizer.decoder = decoders.ByteLevel()
        found[name] = {"metadata": byte_level_metadata(tokenizer, pre, architecture, config)}
    return found


def pre_tokenizer_kinds() -> dict:
    """Normalizer and pre-tokenizer of the models' own tokenizer.json (llama.cpp's llama-vocab.cpp quotes the patterns)."""
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False)
    no_regex = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    digits = pre_tokenizers.Digits(individual_digits=True)
    split = lambda pattern: pre_tokenizers.Split(Regex(pattern), "isolated")
    sequence = lambda *steps: pre_tokenizers.Sequence([*steps])
    han = split("[一-龥ࠀ-一가-퟿]+")
    letters = "\\s?[" + "".join("-".join(chr(int(code, 16)) for code in part.split("-")) for part in DEEPSEEK_LETTERS.split()) + "]+"
    tekken = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    qwen35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    seed = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
    llama3 = sequence(split(GPT4.replace(r"\p{N}|", r"\p{N}{1,3}|")), no_regex)
    return {
        "gpt-2": (None, plain),
        "olmo": (normalizers.NFC(), plain),
        "starcoder": (None, sequence(digits, plain)),
        "command-r": (normalizers.NFC(), sequence(digits, plain)),
        "falcon": (None, sequence(pre_tokenizers.Punctuation("contiguous"), plain, pre_tokenizers.Digits(individual_digits=False), split("[0-9][0-9][0-9]"))),
        "llama-bpe": (None, llama3),
        "dbrx": (None, llama3),
        "qwen2": (normalizers.NFC(), sequence(split(GPT4), no_regex)),
        "qwen35": (normalizers.NFC(), sequence(split(qwen35), no_regex)),
        "hunyuan": (None, sequence(split(GPT4), no_regex)),
        "seed-coder": (None, sequence(split(seed), no_regex)),
        "gpt-4o": (None, sequence(split(O200K), no_regex)),
        "tekken": (None, sequence(split(tekken), no_regex)),
        "deepseek-llm": (None, sequence(split("[\r\n]"), split(letters), split("\\s?[!-/:-~！-／：-～‘-‟　-。]+"), split("\\s+$"), han, digits, no_regex)),
        "deepseek-coder": (None, sequence(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), han, digits, no_regex)),
        "deepseek-v3": (None, sequence(split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK_V3), no_regex)),
        "bloom": (None, sequence(split(BLOOM), no_regex)),
        "viking": (None, sequence(split(BLOOM), digits, no_regex)),
    }


def pre() -> dict:
    """A vocabulary whose merges go across letters, digits, marks and spaces, so that every cut of a pre-tokenizer shows in the ids."""
    shared = Tokenizer(models.BPE())
    shared.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"[\s\S]{1,7}"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    shared.decoder = decoders.ByteLevel()
    lines = SENTENCES + EXTRA + LINES[::3]
    shared.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    shared.add_special_tokens(["<|endoftext|>"])
    metadata = byte_level_metadata(shared, "", "llama", {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "add_bos_token": False})
    model = json.loads(shared.to_str())["model"]
    kinds = {}
    for name, (normalizer, pre_tokenizer) in pre_tokenizer_kinds().items():
        whole_words = name in ("llama-bpe", "tekken")
        tokenizer = Tokenizer(models.BPE(vocab=model["vocab"], merges=[tuple(merge) for merge in model["merges"]], ignore_merges=whole_words))
        if normalizer is not None:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre_tokenizer
        tokenizer.add_special_tokens(["<|endoftext|>"])
        kinds[name] = [tokenizer.encode(LINES[index]).ids for index in SAMPLE]
    return {"metadata": metadata, "kinds": kinds}


def trained(prefix: bool, **options) -> sentencepiece.SentencePieceProcessor:
    """SentencePiece's own BPE, set up as Llama's and Gemma's models are."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([s for s in (SENTENCES + EXTRA) * 3 if "\0" not in s]), model_writer=model, model_type="bpe", vocab_size=900, character_coverage=0.985, byte_fallback=True, minloglevel=2,
        normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=prefix, split_digits=True, allow_whitespace_only_pieces=True, **options,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def sentencepiece_metadata(model, architecture: str, config: dict, added: dict[int, AddedToken], size: int, **more) -> dict:
    """_create_vocab_sentencepiece and _set_vocab_sentencepiece."""
    tokens, scores, types = [f"[PAD{i}]" for i in range(size)], [-10000.0] * size, [UNUSED] * size
    for index in range(model.vocab_size()):
        tokens[index], scores[index] = model.id_to_piece(index), model.get_score(index)
        types[index] = UNKNOWN if model.is_unknown(index) else CONTROL if model.is_control(index) else UNUSED if model.is_unused(index) else BYTE if model.is_byte(index) else NORMAL
    for index, token in added.items():
        special = token.special or looks_special(token.content)
        tokens[index] = token.content if special else token.content.replace("▁", " ")
        types[index], scores[index] = CONTROL if special else USER_DEFINED, -1000.0
    names = {name: value for name, value in config.items() if name.endswith("_token") and isinstance(value, str)}
    ids = {f"tokenizer.ggml.{ {'unk_token': 'unknown_token'}.get(name, name)}_id": tokens.index(value) for name, value in names.items()}
    flags = {f"tokenizer.ggml.{name}": value for name, value in config.items() if isinstance(value, bool)}
    return {"general.architecture": architecture, "tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": "default", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.scores": scores, "tokenizer.ggml.token_type": types, **ids, **flags, **more}


def converted(model, normalizer, added: dict[int, AddedToken], bos: str | None, unknown: str, tab=False) -> Tokenizer:
    """LlamaConverter and GemmaConverter: merges from the scores, byte fallback; `tab`: Gemma's byte token 9 is the letter itself."""
    scores = {model.id_to_piece(i): model.get_score(i) for i in range(model.vocab_size())}
    vocab = {token: index for index, token in enumerate(scores)}
    if tab and "\t" not in vocab:
        scores["\t"], vocab["\t"] = scores.pop("<0x09>"), vocab.pop("<0x09>")
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=generate_merges(vocab, scores), unk_token=unknown, fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizer
    controls = [AddedToken(model.id_to_piece(i), special=True, normalized=False) for i in range(model.vocab_size()) if model.is_control(i) or model.is_unknown(i)]
    tokenizer.add_special_tokens(controls)
    for index, token in sorted(added.items()):
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
        assert tokenizer.token_to_id(token.content) == index, (token.content, index)
    if bos is not None:
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))])
    return tokenizer


def pieces() -> dict:
    mark = normalizers.Replace(" ", "▁")
    prefixed = normalizers.Sequence([normalizers.Prepend("▁"), mark])
    llama = trained(True)
    size = llama.vocab_size()
    chat = {size: AddedToken("<|user|>", special=True, normalized=False), size + 1: AddedToken("<extra_0>", normalized=False)}
    phi = {size + i: AddedToken(token, special=True, normalized=False, rstrip=True) for i, token in enumerate(("<|user|>", "<|end|>", "<|assistant|>"))}
    runs = ["\n" * n for n in range(2, 8)] + ["▁" * n for n in range(2, 8)] + ["\t\t", "\t\t\t", "<extra_0>"]
    gemma = trained(False, pad_id=0, eos_id=1, bos_id=2, unk_id=3, user_defined_symbols=runs)
    defined = {gemma.piece_to_id(token): AddedToken(token, normalized=False) for token in runs}
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    cases = {
        "llama": (sentencepiece_metadata(llama, "llama", {**names, "add_bos_token": True, "add_eos_token": False}, chat, size + 5), converted(llama, prefixed, chat, "<s>", "<unk>"), llama),
        "gemma": (sentencepiece_metadata(gemma, "gemma2", {**names, "add_bos_token": True}, defined, gemma.vocab_size(), **{"tokenizer.ggml.add_space_prefix": False}), converted(gemma, mark, defined, "<s>", "<unk>", tab=True), gemma),
    }
    # Phi-3's `</s>` takes in the white space after it, as its other tokens do.
    rstripped = converted(llama, prefixed, phi, None, "<unk>")
    document = json.loads(rstripped.to_str())
    for entry in document["added_tokens"]:
        if entry["content"] == "</s>":
            entry["rstrip"] = True
    named = {"general.name": "Phi-3-mini-4k-instruct", "tokenizer.ggml.add_space_prefix": True}
    cases["phi3"] = (sentencepiece_metadata(llama, "phi3", {**names, "add_bos_token": False}, phi, size + 3, **named), Tokenizer.from_str(json.dumps(document)), None)
    found = {}
    for name, (metadata, tokenizer, model) in cases.items():
        ids = [tokenizer.encode(LINES[index]).ids for index in SAMPLE]
        if model is not None:
            contents = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
            plain = [(i, index) for i, index in enumerate(SAMPLE) if not any(content in LINES[index] for content in contents) and "\0" not in LINES[index]]
            other = [index for i, index in plain if model.encode(LINES[index]) != ids[i][1:]]
            print(f"{name}: SentencePiece itself gives the same ids on {len(plain) - len(other)} of {len(plain)} lines without added tokens; not on {other[:8]}")
        found[name] = {"metadata": metadata, "tokenizer": json.loads(tokenizer.to_str()), "ids": ids}
    return found


def main() -> None:
    document = {"lines": SAMPLE, "folders": folders(), "pre": pre(), "pieces": pieces()}
    packed = gzip.compress(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), 9, mtime=0)
    (OUT / "gguf.json.gz").write_bytes(packed)
    print(f"{len(document['folders'])} folders, {len(document['pre']['kinds'])} pre-tokenizers, {len(document['pieces'])} SentencePiece models, {len(SAMPLE)} lines; {len(packed)} bytes")


if __name__ == "__main__":
    main()
