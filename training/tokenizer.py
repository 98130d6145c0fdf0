"""Train the byte-level BPE tokenizer.

    python tokenizer.py --corpus CORPUS --node-modules ../node_modules --out TOKENIZER

The bundled model's tokenizer is kept between models: warm starts and comparisons need the same ids.
"""

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from code_corpus import read_code
from prepare import read_documents

VOCABULARY = 16_384
END, PAD = "<|endoftext|>", "<|pad|>"               # ids 0 and 1; <|endoftext|> is BOS, EOS and separator, and is put first
MEGABYTES = {"en_prose": 10, "en_general": 8, "en_docs": 9, "bi_pairs": 1.5, "zh_docs": 12, "zh_general": 8.5, "zh_lit": 4, "zh_law": 1.5,
             "code_ts": 11, "code_js": 4, "code_py": 10}
PIECE = 20_000                                       # characters given to the trainer at once

# Words split at camelCase, contractions kept on their word, Han, kana and hangul (\p{Lo}) apart from Latin, single digits, punctuation
# with its line end, indentation apart from the word it precedes. Only constructs that Oniguruma and JavaScript (u flag) read alike.
UPPER, LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{M}", r"\p{Ll}\p{Lm}\p{M}"
CONTRACTION = r"(?:'(?:[sdmtSDMT]|ll|ve|re|LL|VE|RE))?"
PATTERN = "|".join((
    rf"[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]*[{LOWER}]+{CONTRACTION}",
    rf"[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]+[{LOWER}]*{CONTRACTION}",
    r"\p{Lo}+",
    r"\p{N}",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*",
    r"\s*[\r\n]+",
    r"\s+(?!\S)",
    r"\s+",
))


def sample(texts: list[str], megabytes: float, generator: random.Random) -> Iterator[str]:
    """Pieces of randomly ordered texts, up to about so many megabytes."""
    remaining = megabytes * 1e6
    for text in generator.sample(texts, len(texts)):
        if remaining <= 0:
            return
        remaining -= len(text.encode())
        yield from (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--node-modules", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    code = {subset: [document.text for document in split["train"]] for subset, split in read_code(options.node_modules)[0].items()}

    def pieces() -> Iterator[str]:
        generator = random.Random(7)
        for subset, megabytes in MEGABYTES.items():
            texts = code.get(subset) or [document["t"] for document in read_documents(options.corpus / f"{subset}.train.jsonl.zst")]
            yield from sample(texts, megabytes, generator)

    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PATTERN), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, min_frequency=8, special_tokens=[END, PAD], initial_alphabet=alphabet, max_token_length=24)
    tokenizer.train_from_iterator(pieces(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{END} $A", pair=f"{END} $A $B:1", special_tokens=[(END, 0)])

    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.out / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END, "unk_token": END, "pad_token": PAD,
                "add_bos_token": True, "clean_up_tokenization_spaces": False, "model_max_length": 1_024}
    (options.out / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
