"""Reference for test/unit/tokenizer/kinds.test.ts: a small tokenizer of every kind that decoder families use, and what the Python library makes of hard strings.

Writes to test/fixtures/tokenizer:
kinds.json.gz: {"lines": [...], "tokenizers": {NAME: tokenizer.json}, "shifted": {NAME: [line, ...]}, "splits": [...], "normal": {...}}
kinds.bin.gz: for each tokenizer, in order, four little-endian uint16 arrays: tokens of each line; ids; start of each token minus the end of the one before it
(modulo 65536); length. Places are the library's offsets, in code points.
Run with the packages `tokenizers`, `sentencepiece` and `protobuf` (the last two for one charsmap):
    python test/reference/tokenizer_kinds.py
Training breaks ties by chance: the tokenizers differ a little from run to run, so run chat_template_reference.py after it.
"""

import array
import gzip
import io
import json
import random

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_reference import OUT, SENTENCES, SPECIALS, sentencepiece_vocabulary

LINES = 2000
EXTRA = [
    "e\u0301\u0327 q\u0307\u0323 a\u0302\u0325\u0301 \u0344 \u212b \u2126 \uac00\u11a8 \u1100\u1161\u11a8 \u1100\u1161 \u09c7\u09be \u0dd9\u0dcf\u0dca",
    "ﬃ ﷺ ㍿ ㌀ ｱﾞ ｶﾞ ﾊﾟ ㈱ ℃ № ™ … ⅷ ¾ ﬁﬂ ｆｕｌｌ　ｗｉｄｔｈ １２３ ㋿ ꟲ",
    "\u0301start with a mark, \u0345\u0334 both, x\u0345\u0334\u0301\u0301\u0327 many",
    "I\u0307 İ ẞ ΑΣ Σ ΟΔΟΣ ǅ Ⓐ ᲀ Ꭰ ꭰ 𐐀 𝔸",
    "  two spaces  and\u00a0more\u2009of\u3000them \u200b\u2060zero \u0085nel\u1680ogham\u180e\u2028",
    "a,b;c. d!? e… f。g، h۔ i। (j) [k] {l} «m» ‘n’ “o” –p— q_r s-t u·v ¿w ¡x §y ¶z †",
    "1 12 123 1234 12345 ² x² ½ ¼ ³ ¹ ۱۲۳ ٤٥ ①② ⅣⅤ 〇 1,234.56 2024-01-02 0x1F",
    "HelloWorld camelCase XMLHttpRequest snake_case SCREAMING_CASE iPhone McDonald's ÉCOLE Été ΑΒΓαβγ don't DON'T",
    "\u0001\u0002control\u0008 at\u000b the\u001f start \u007f\u009f\u008f",
    "\u0915\u094d\u0937 \u0e01\u0e33 \u0e4d \u0bca \u1b06 \U0001d15e \U000110ab \u0958 \u2adc \ufb1d",
    "\u05e9\u05bc\u05c1 \u05e9\u05c1\u05bc \u0627\u0653 \u0622 \u064b\u0651 \u0651\u064b \ufefb \ufdfa",
    "<extra_0> <EXTRA_0>word<extra_0>  <|user|>\n hi <|end|>\n\n<|assistant|>   ok <|system|>",
]
GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK_LETTERS = "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+"
DEEPSEEK_V3 = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
CLASSES = r"[\p{Han}]++|[\p{L}\p{M}&&[^\p{Han}]]++(?i:'s|'t)?|\d+|[[:punct:]]*+x|\S"
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"


def hard_lines() -> list[str]:
    """Special cases, whole sentences, and seeded cuts and mixtures of them; cuts fall inside grapheme clusters."""
    rng = random.Random(20240301)
    sources = SENTENCES + EXTRA * 3
    lines = SPECIALS + SENTENCES + EXTRA
    joins = ["", "", "", " ", " ", "  ", "   ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u200d", "▁", "<|endoftext|>", "\u0001", " \n ", "\u0301", "<extra_0>", "<s>"]
    while len(lines) < LINES:
        line = ""
        for _ in range(rng.randint(1, 3)):
            sentence = rng.choice(sources)
            start = rng.randrange(len(sentence))
            line += (sentence[start : start + rng.randint(1, 16)] if rng.random() < 0.85 else rng.choice(SPECIALS)) + rng.choice(joins)
        lines.append(line)
    return lines


def byte_level(pre, normalizer=None, size=700, specials=("<|endoftext|>",), added=(), post=None, **model) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(**model))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator((SENTENCES + EXTRA) * 3, trainer)
    tokenizer.add_special_tokens(list(specials))
    tokenizer.add_tokens(list(added))
    if post is not None:
        tokenizer.post_processor = post(tokenizer)
    return tokenizer


def characters(pre, normalizer, specials=("<unk>", "<s>", "</s>"), size=700, added=(), **model) -> Tokenizer:
    """BPE over characters, with an unknown token."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", **model))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.train_from_iterator((SENTENCES + EXTRA) * 3, trainers.BpeTrainer(vocab_size=size, limit_alphabet=200, special_tokens=list(specials), show_progress=False))
    tokenizer.add_tokens(list(added))
    return tokenizer


def sentencepiece_bpe(normalizer, pre, added=(), bos=True) -> Tokenizer:
    vocab, merges = sentencepiece_vocabulary()
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre is not None:
        tokenizer.pre_tokenizer = pre
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in ("<unk>", "<s>", "</s>")])
    tokenizer.add_special_tokens(list(added))
    if bos:
        tokenizer.post_processor = template("<s> $A")(tokenizer)
    return tokenizer


def unigram(normalizer, pre, byte_fallback=False, size=900, single="$A </s>") -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", initial_alphabet=[], show_progress=False)
    tokenizer.train_from_iterator([s for s in SENTENCES if all(ord(c) < 0x2000 for c in s)] * 3, trainer)
    if byte_fallback:
        model = json.loads(tokenizer.to_str())["model"]
        vocab = [tuple(pair) for pair in model["vocab"]] + [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
        tokenizer.model = models.Unigram(vocab, model["unk_id"], True)
    tokenizer.post_processor = template(single)(tokenizer)
    return tokenizer


def template(single: str):
    def make(tokenizer: Tokenizer):
        names = [part for part in single.split(" ") if not part.startswith("$")]
        return processors.TemplateProcessing(single=single, special_tokens=[(name, tokenizer.token_to_id(name)) for name in names])

    return make


def charsmap() -> bytes:
    """SentencePiece's own rules (nmt_nfkc), compiled."""
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(SENTENCES[:4]), model_writer=trained, model_type="char", vocab_size=60, hard_vocab_limit=False, minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(trained.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def kinds() -> dict[str, Tokenizer]:
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False)
    no_regex = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trim = lambda _: processors.ByteLevel(trim_offsets=True)
    keep = lambda _: processors.ByteLevel(trim_offsets=False)
    split = lambda pattern, behavior="isolated", invert=False: pre_tokenizers.Split(Regex(pattern), behavior, invert)
    sequence = pre_tokenizers.Sequence
    metaspace = pre_tokenizers.Metaspace
    spaces = [AddedToken(" " * n, normalized=True) for n in (8, 4, 3, 2)]
    precompiled = normalizers.Precompiled(charsmap())
    return {
        "gpt_neox": byte_level(plain, normalizers.NFC(), added=spaces, post=trim),
        "qwen2": byte_level(sequence([split(GPT4), no_regex]), normalizers.NFC(), added=[AddedToken("<extra_0>", normalized=False)], post=keep),
        "gpt_oss": byte_level(sequence([split(O200K), no_regex]), specials=("<|endoftext|>", "<|end|>", "<|user|>"), post=keep, ignore_merges=True),
        "glm4": byte_level(sequence([split(GPT4.replace(r"\p{N}|", r"\p{N}{1,3}|")), no_regex]), specials=("<|endoftext|>", "[gMASK]", "<sop>", "<|user|>"), post=lambda t: processors.Sequence([processors.ByteLevel(trim_offsets=False), template("[gMASK] <sop> $A")(t)])),
        "deepseek": byte_level(sequence([split("[\r\n]"), split(DEEPSEEK_LETTERS), split("\\s?[!-/:-~！-／：-～‘-‟　-。]+"), split("\\s+$"), split("[一-龥ࠀ-一가-퟿]+"), pre_tokenizers.Digits(individual_digits=True), no_regex]), normalizers.Sequence([]), post=keep),
        "deepseek_v3": byte_level(sequence([split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK_V3), no_regex]), normalizers.Sequence([]), post=keep),
        "falcon": byte_level(sequence([pre_tokenizers.Punctuation("contiguous"), plain, pre_tokenizers.Digits(individual_digits=False), split("[0-9][0-9][0-9]")]), post=keep),
        "bloom": byte_level(sequence([split(BLOOM), no_regex]), post=keep),
        "codegen": byte_level(plain, added=[AddedToken(" " * n, normalized=False) for n in (4, 3, 2)] + [AddedToken("\t\t", normalized=False)], post=trim),
        "starcoder2": byte_level(sequence([pre_tokenizers.Digits(individual_digits=True), plain]), post=trim),
        "cohere": byte_level(sequence([pre_tokenizers.Digits(individual_digits=True), plain]), normalizers.NFC(), specials=("<|endoftext|>", "<BOS>"), post=lambda t: processors.Sequence([processors.ByteLevel(trim_offsets=True), template("<BOS> $A")(t)])),
        "roberta": byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True), specials=("<s>", "</s>"), post=lambda t: processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")), trim_offsets=True, add_prefix_space=True)),
        "byte_normalizer": byte_level(split("Ġ", "merged_with_next"), normalizers.Sequence([normalizers.NFKC(), normalizers.ByteLevel()])),
        "gemma": sentencepiece_bpe(normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), added=[AddedToken("<|user|>", normalized=False)]),
        "phi3": sentencepiece_bpe(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None, added=[AddedToken(t, rstrip=True, normalized=False) for t in ("<|user|>", "<|end|>", "<|assistant|>")], bos=False),
        "metaspace_first_nfkc": sentencepiece_bpe(normalizers.NFKC(), metaspace(prepend_scheme="first", split=True)),
        "metaspace_never": sentencepiece_bpe(normalizers.Sequence([normalizers.Strip(left=True, right=True), normalizers.Replace(Regex(r"\s+"), " ")]), metaspace(prepend_scheme="never", split=False)),
        "metaspace_first_stripped": sentencepiece_bpe(normalizers.Strip(), sequence([pre_tokenizers.WhitespaceSplit(), metaspace(prepend_scheme="first")])),
        "prepended_stripped": sentencepiece_bpe(normalizers.Sequence([normalizers.Strip(left=True, right=False), normalizers.NFKC(), normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), split("▁", "removed")),
        "xglm": unigram(precompiled, sequence([pre_tokenizers.WhitespaceSplit(), metaspace(prepend_scheme="always")]), single="</s> $A"),
        "unigram_bytes": unigram(normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]), metaspace(prepend_scheme="first"), byte_fallback=True),
        "unigram_nmt": unigram(normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]), sequence([metaspace(prepend_scheme="always"), pre_tokenizers.Punctuation("merged_with_previous")])),
        "lowered": characters(pre_tokenizers.Whitespace(), normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase(), normalizers.StripAccents(), normalizers.Strip()]), fuse_unk=True, added=[AddedToken("<extra_0>", normalized=True, single_word=True)]),
        "punctuated": characters(sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_next"), pre_tokenizers.Digits()]), normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]), fuse_unk=False),
        "unpunctuated": characters(pre_tokenizers.Punctuation("removed"), normalizers.Sequence([normalizers.StripAccents(), normalizers.Replace(Regex(r"\wx"), "ks")]), fuse_unk=False, added=[AddedToken("SCREAM", lstrip=True, rstrip=True)]),
        "decomposed": characters(sequence([split(r"[.,;!?]", "merged_with_previous"), split(r"\d", "contiguous"), split(r"\s", "merged_with_next"), pre_tokenizers.CharDelimiterSplit("_")]), normalizers.Sequence([normalizers.NFD(), normalizers.Replace("ss", "ß"), normalizers.Replace("the", "")])),
    }


def shifted(tokenizer: Tokenizer, line: str) -> bool:
    """Whether the library loses count: its Precompiled forgets characters that are dropped at the start of a stretch of text."""
    for token in [""] + [t.content for t in tokenizer.get_added_tokens_decoder().values()]:
        at = line.find(token)
        while at >= 0:
            rest = line[at + len(token) :]
            if rest and tokenizer.normalizer.normalize_str(rest[0]) == "":
                return True
            at = line.find(token, at + 1) if token else -1
    return False


MARKS = [*range(0x300, 0x370), 0x334, 0x345, 0x5B0, 0x5BC, 0x5C1, 0x5E9, 0x64B, 0x651, 0x653, 0x627, 0x93C, 0x915, 0x9C7, 0x9BE, 0x9D7, 0xDD9, 0xDCF, 0xDCA, 0x1100, 0x1161, 0x11A8, 0xAC00, 0xAC01, 0x3131, 0x314F]
MARKED = [0x1E9B, 0x1E69, 0xE9, 0xEA, 0x1EC7, 0x212B, 0x3A9, 0xBD, 0xFB01, 0xFF76, 0xFF9E, 0x3099, 0x30AB, 0x1D15E, 0x1D165, 0x110BA, 0x1109A, 0x8D3, 0x1ABF, 0x32FF, 0x2ADC, 0x2ADD, 0x338, 0xE33, 0xEB3, 0xF73, 0xF71, 0xF72, 0x1FB3, 0x390, 0x3B9, 0x308, 0x61, 0x65, 0x20, 0xFDFA, 0xB4]


def normal_forms() -> dict:
    """What the normal forms make of heaps of marks, and the place of every character of it, in code points."""
    rng = random.Random(5)
    lines = ["".join(chr(rng.choice(MARKS + MARKED)) for _ in range(rng.randint(1, 9))) for _ in range(2000)]
    forms = {}
    for name in ("NFC", "NFD", "NFKC", "NFKD"):
        tokenizer = Tokenizer(models.WordLevel({"x": 0}, unk_token="x"))
        tokenizer.normalizer = getattr(normalizers, name)()
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        forms[name] = [[tokenizer.normalizer.normalize_str(line), tokenizer.encode(line).offsets] for line in lines]
    return {"lines": lines, "forms": forms}


def main() -> None:
    lines = hard_lines()
    made = kinds()
    packed = io.BytesIO()
    for tokenizer in made.values():
        encodings = [tokenizer.encode(line) for line in lines]
        counts, ids, gaps, lengths = array.array("H"), array.array("H"), array.array("H"), array.array("H")
        for encoding in encodings:
            counts.append(len(encoding.ids))
            end = 0
            for token, (start, stop) in zip(encoding.ids, encoding.offsets):
                ids.append(token)
                gaps.append((start - end) % 65536)
                lengths.append(stop - start)
                end = stop
        for part in (counts, ids, gaps, lengths):
            packed.write(part.tobytes())
    (OUT / "kinds.bin.gz").write_bytes(gzip.compress(packed.getvalue(), 9, mtime=0))
    splits = []
    for pattern in ({"String": "a"}, {"String": ""}, {"Regex": "[aeiou]+"}, {"Regex": r"\s"}, {"Regex": r"(?=\p{Lu})"}, {"Regex": CL100K}, {"Regex": CLASSES}):
        for behavior in ("isolated", "removed", "merged_with_previous", "merged_with_next", "contiguous"):
            for invert in (False, True):
                step = pre_tokenizers.Split(Regex(pattern["Regex"]) if "Regex" in pattern else pattern["String"], behavior, invert)
                name = "".join(part.capitalize() for part in behavior.split("_"))
                pieces = [[piece for piece, _ in step.pre_tokenize_str(line)] for line in lines[40:120]]
                splits.append({"pattern": pattern, "behavior": name, "invert": invert, "pieces": pieces})
    document = {
        "lines": lines,
        "tokenizers": {name: json.loads(tokenizer.to_str()) for name, tokenizer in made.items()},
        "shifted": {"xglm": [i for i, line in enumerate(lines) if shifted(made["xglm"], line)]},
        "splits": splits,
        "normal": normal_forms(),
    }
    (OUT / "kinds.json.gz").write_bytes(gzip.compress(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), 9, mtime=0))
    print(f"{len(lines)} lines;", ", ".join(f"{name} {tokenizer.get_vocab_size()}" for name, tokenizer in made.items()))


if __name__ == "__main__":
    main()
