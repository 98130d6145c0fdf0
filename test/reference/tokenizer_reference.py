"""Reference for test/unit/tokenizer.test.ts: hard lines, small tokenizers trained on them, and what the Python library makes of them.

Writes test/fixtures/tokenizer/{NAME}.json (the trained tokenizers) and lines.json.gz:
{"lines": [...], "tokenizers": {NAME: {"ids": [[...], ...], "offsets": [[start, end, start, end, ...], ...]}}}
Offsets are those of the library, in code points. Run with the packages `tokenizers` and nothing else:
    python test/reference/tokenizer_reference.py
"""

import gzip
import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "test" / "fixtures" / "tokenizer"
BUNDLED = ROOT / "media" / "models" / "explain-tokens-9m" / "tokenizer.json"

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "It's what we'd've said, isn't it? They'll DON'T and WE'RE.",
    "HTTPServer parsed 3.14159 and 1,000,000 on 2024-02-29 at 23:59:59.",
    "Attention weights are computed from queries and keys, then averaged over values.",
    "大型语言模型在你的电脑上运行,并解释每一个词元。",
    "床前明月光，疑是地上霜。举头望明月，低头思故乡。",
    "吾輩は猫である。名前はまだ無い。ｶﾀｶﾅと カタカナ、ひらがな。",
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "العربية تُكتب من اليمين إلى اليسار، مثل \u202bالعبرية\u202c و\u200fغيرها.",
    "עברית עם ניקוד: שָׁלוֹם עוֹלָם",
    "हिन्दी में लिखा हुआ वाक्य और संयुक्ताक्षर क्ष त्र ज्ञ।",
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ",
    "Привет, мир! Ёжик — это ёж. Ελληνικά με τόνους: άλφα, ΒΉΤΑ.",
    "naïve café résumé, e\u0301 combining, Z\u0351\u036b\u0343\u036aa\u0302\u033el\u0349\u032dg\u0330o\u033c",
    "👩‍👩‍👧‍👦 family, 👍🏽 skin tone, 🏳️‍🌈 flag, 🇨🇳🇯🇵 regions, 1️⃣ keycap, ❤️",
    "𝒜𝓁𝓅𝒽𝒶 𝔽𝕣𝕒𝕜𝕥𝕦𝕣 𝟘𝟙𝟚 𠀀𠀁𪚥 \U0001F9FF \U000E0041",
    "private use \ue000\uf8ff \U000F0000 and \ufdd0 noncharacter \uffff \ufffd",
    "<div class=\"a\"><img src=x onerror=alert(1)>&nbsp;&#60;</div>",
    "# Title\n\n- **bold** `code` [link](https://example.org/?q=1&r=%20)\n\n```ts\nconst x = 1;\n```",
    "export const add = (a: number, b: number): number => a + b; // sum\r\n",
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n",
    "for (int i = 0; i < n; ++i) { sum += a[i] * b[i]; }\t/* dot */",
    "SELECT COUNT(*) FROM tokens WHERE id >= 10 AND text LIKE '%▁%';",
    "fn main() { println!(\"{:?}\", vec![1u8, 0xFF, b'\\n']); }",
    "{\"key\": [1, 2.5e-10, null, true], \"emoji\": \"\\ud83d\\ude00\"}",
    "literal <|endoftext|> and <|pad|> and <s> </s> <unk> in text",
    "<|endoftext|><|endoftext|>  <|endoftext|>\n<|begin_of_text|>x<|eot_id|>",
    "literal ▁ and ▁▁▁ and <0x41><0x0A> <0xFF> bytes",
    "\u0000 NUL and \u0001\u0007\u001b[31m\u007f controls \u0085 next line \u2028 \u2029",
    "\ufeffbyte order mark\ufeff and zero\u200bwidth\u200d joiner\u2060 and soft\u00adhyphen",
    "tabs\t\tand   spaces\u00a0no-break\u2003em\u3000ideographic  \t \n \r\n\r\n\n  x",
    "½ ⅓ Ⅷ ① ² ³ ٣٤٥ १२३ ๑๒๓ 〇一二 ㊿ 𝟵",
    "ǅ ǆ Ǆ ß ẞ ŉ ﬀ ﬁ Å ℵ ª º ʰ ᴬ İ ı ſ K",
    "www.example.com/path?query=string#fragment user@example.org C:\\Windows\\System32",
    "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
    "!?!?!?... --- ___ *** ### $$$ %%% ^^^ &&& ((())) [[[]]] {{{}}} ;;; ::: \"\"\" ''' ``` ~~~",
    "'S 'T 'RE 'Ve 'M 'lL 'D I'M you'RE ſ's K'd",
]

SPECIALS = [
    "", " ", "  ", "\n", "\r\n", "\t", "\u0000", "\ufeff", "▁", "▁▁", " ▁", "▁ ", "<0x41>", "<0x", "<|endoftext|>", "<|endoftext", "x<|endoftext|>y", " <|endoftext|> ",
    "<s>", "<s> a", "a<s>", "a <s> b", "</s>", "<unk>", "a", " a", "a ", "é", "e\u0301", "😀", " 😀", "😀😀", "中", " 中", "\U0001F468\u200d\U0001F469\u200d\U0001F467",
    "\u0085", "a\u0085b", "\ufeffa", "a\ufeff b", "\u202e", "\u200f", "0", "00", "000", "0000", "12345678901234567890", "٣٣٣٣", "\ue000", "\U0010FFFF", "𝒜",
]
LONG = [" " * 10000, "\n" * 3000, "a" * 5000, "ab" * 3000, "x" + " " * 9999 + "y", "\t" * 2000, "中" * 2000, "😀" * 700, "0" * 3000, "é" * 1500, "=" * 2000, " \n" * 1500, "\u0301" * 1000, "\u0000" * 500, "\ue000" * 600, "Ab1 " * 1500]


def hard_lines() -> list[str]:
    """At least 1,000 lines: whole sentences, special cases, and seeded cuts and mixtures of them (cuts fall inside grapheme clusters)."""
    rng = random.Random(20240229)
    lines = SPECIALS + SENTENCES + LONG
    spaces = ["", " ", "  ", "   ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u200d", "▁", "<|endoftext|>", "\u0000", " \n ", "    "]
    while len(lines) < 1100:
        parts = []
        for _ in range(rng.randint(1, 5)):
            sentence = rng.choice(SENTENCES)
            start = rng.randrange(len(sentence))
            parts.append(sentence[start : start + rng.randint(1, 24)] if rng.random() < 0.8 else rng.choice(SPECIALS))
            parts.append(rng.choice(spaces))
        lines.append("".join(parts))
    return lines


def gpt2_style() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    return tokenizer


def gpt2_prefix_style() -> Tokenizer:
    """Prefix space, digits one by one, a control token that takes the white space on its left, one that stands alone."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=True)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.add_special_tokens([AddedToken("<|endoftext|>", lstrip=True), AddedToken("<|pad|>", rstrip=True)])
    tokenizer.add_tokens([AddedToken("and", single_word=True, normalized=False)])
    return tokenizer


def llama3_style() -> Tokenizer:
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=1000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    bos = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", special_tokens=[("<|begin_of_text|>", bos)]),
    ])
    return tokenizer


def sentencepiece_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """A vocabulary in Llama 2's layout: <unk> <s> </s>, 256 byte tokens, then characters and merges (of words marked with ▁, and runs of ▁)."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(split=True)
    common = [s for s in SENTENCES if all(ord(c) < 0x3000 for c in s)]
    trained.train_from_iterator(common * 3, trainers.BpeTrainer(vocab_size=520, limit_alphabet=120, special_tokens=[], show_progress=False))
    model = json.loads(trained.to_str())["model"]
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in model["merges"]]
    merges += [("▁" * 1, "▁" * 1), ("▁" * 2, "▁" * 2), ("▁" * 4, "▁" * 4)]
    tokens += [token for token, _ in sorted(model["vocab"].items(), key=lambda item: item[1])] + ["▁▁", "▁▁▁▁", "▁" * 8]
    return {token: index for index, token in enumerate(dict.fromkeys(tokens))}, list(dict.fromkeys(merges))


def llama2_style(kind: str) -> Tokenizer:
    vocab, merges = sentencepiece_vocabulary()
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if kind == "normalizer":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    elif kind == "metaspace":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    normalized = kind == "split"
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=normalized) for token in ("<unk>", "<s>", "</s>")])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return tokenizer


def normalized_added_style() -> Tokenizer:
    """As older Llama 2 files: control tokens matched in the normalized text; and no byte fallback, so unknown runs are fused."""
    vocab, merges = sentencepiece_vocabulary()
    vocab = {token: index for index, token in enumerate(t for t in vocab if not t.startswith("<0x"))}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=True) for token in ("<unk>", "<s>", "</s>")])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return tokenizer


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    made = {
        "gpt2": gpt2_style(),
        "gpt2-prefix": gpt2_prefix_style(),
        "llama3": llama3_style(),
        "llama2-normalizer": llama2_style("normalizer"),
        "llama2-metaspace": llama2_style("metaspace"),
        "llama2-split": llama2_style("split"),
        "unknown": normalized_added_style(),
    }
    for name, tokenizer in made.items():
        (OUT / f"{name}.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    made["bundled"] = Tokenizer.from_file(str(BUNDLED))
    lines = hard_lines()
    results = {}
    for name, tokenizer in made.items():
        encodings = [tokenizer.encode(line) for line in lines]
        results[name] = {
            "ids": [encoding.ids for encoding in encodings],
            "offsets": [[offset for pair in encoding.offsets for offset in pair] for encoding in encodings],
        }
    packed = json.dumps({"lines": lines, "tokenizers": results}, separators=(",", ":")).encode()
    (OUT / "lines.json.gz").write_bytes(gzip.compress(packed, 9, mtime=0))
    print(f"{len(lines)} lines, {', '.join(f'{name} {t.get_vocab_size()}' for name, t in made.items())}")


if __name__ == "__main__":
    main()
