"""Turn the corpus into token ids.

    python prepare.py --corpus CORPUS --node-modules ../node_modules --tokenizer ../media/models/explain-tokens-9m --out DATA

CORPUS holds the text part as `{subset}.{train|heldout}.jsonl.zst`, a document `{"s": source, "p": path, "t": text}` a line.
Code is read from the installed packages (code_corpus.py). DATA receives, for every subset:

    {subset}.train.npy        uint16 ids; every document begins with <|endoftext|> = 0
    {subset}.heldout.jsonl    the held-out documents, as text: bits per byte need their bytes
    packages.json             the packages read for code, with version and licence
"""

import argparse
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import zstandard
from tokenizers import Tokenizer

from code_corpus import read_code

TEXT_SUBSETS = ("en_prose", "en_general", "en_docs", "bi_pairs", "zh_docs", "zh_general", "zh_lit", "zh_law")
LEFT_OUT = {"uberspot/OpenTriviaQA"}         # its origin is not documented
FACTBOOK = "factbook/factbook.json"
MAX_DIGIT_SHARE = 0.08                        # of a factbook line's characters: of the lines of figures above it one half is kept,
                                              # as all of them teach runs of digits and none of them leaves the held-out ones dear


def read_documents(path: Path) -> Iterator[dict[str, str]]:
    """The documents of one compressed shard."""
    with path.open("rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf8"):
            yield json.loads(line)


def training_text(document: dict[str, str]) -> str:
    """A training document's text, the factbook's without half of its digit-heavy lines."""
    text = document["t"]
    if document["s"] != FACTBOOK:
        return text
    lines = [line for line in text.split("\n") if sum(c.isdigit() for c in line) <= MAX_DIGIT_SHARE * len(line) or hashlib.sha1(line.encode()).digest()[0] % 2]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def encode(tokenizer: Tokenizer, texts: Iterable[str]) -> np.ndarray:
    """Ids of all texts in one array, each text led by id 0."""
    ids: list[np.ndarray] = []
    batch: list[str] = []

    def flush() -> None:
        for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
            ids.append(np.array([0, *encoding.ids], np.uint16))
        batch.clear()

    for text in texts:
        batch.append(text)
        if len(batch) == 256:
            flush()
    flush()
    return np.concatenate(ids)


def write_subset(out: Path, tokenizer: Tokenizer, subset: str, train: Iterable[str], heldout: Iterable[dict[str, str]]) -> None:
    """Write one subset's training ids and held-out texts."""
    ids = encode(tokenizer, train)
    np.save(out / f"{subset}.train.npy", ids)
    with (out / f"{subset}.heldout.jsonl").open("w", encoding="utf8") as file:
        for document in heldout:
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
    print(f"{subset:11s} {len(ids) / 1e6:6.2f} M training tokens", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--node-modules", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with tokenizer.json")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(options.tokenizer / "tokenizer.json"))

    code, packages = read_code(options.node_modules)
    (options.out / "packages.json").write_text(json.dumps(packages, indent=1, ensure_ascii=False) + "\n", "utf8")
    for subset, split in code.items():
        heldout = ({"s": d.source, "p": d.path, "t": d.text} for d in split["heldout"])
        write_subset(options.out, tokenizer, subset, (d.text for d in split["train"]), heldout)
    for subset in TEXT_SUBSETS:
        train = (training_text(d) for d in read_documents(options.corpus / f"{subset}.train.jsonl.zst") if d["s"] not in LEFT_OUT)
        write_subset(options.out, tokenizer, subset, train, read_documents(options.corpus / f"{subset}.heldout.jsonl.zst"))


if __name__ == "__main__":
    main()
