"""Measure an exported model beside an earlier one and write the tables of its card.

    python evaluate.py --data DATA --model MODEL --baseline EARLIER --out EVALUATION
    python evaluate.py ... --engine-check 'node ../dist/cli.js'

EVALUATION receives `evaluation.json` (every number) and `tables.md` (the card's tables). The engine check runs a held-out document
of each of six domains through the product's own engine, by its command line's `trace --model MODEL --ids IDS`.
"""

import argparse
import hashlib
import json
import math
import shlex
import subprocess
from pathlib import Path

import torch

from measures import BOS, HEAD_SCORES, RANDOM_SEQUENCES, RANDOM_TOKENS, Reader, bits_per_byte, document_bits, head_scores, neighbours, top_tokens

DOMAINS = {
    "English prose": "en_prose", "general English": "en_general", "English docs": "en_docs", "Chinese docs": "zh_docs",
    "general Chinese": "zh_general", "TypeScript": "code_ts", "Python": "code_py",
    "Chinese literature": "zh_lit", "Chinese law": "zh_law",
}
CHECKED_DOMAINS = ("en_general", "en_docs", "zh_docs", "zh_general", "code_ts", "code_py")
ENGINE_TOKENS = 500
HERE = Path(__file__).parent


def held_out(data: Path, subset: str, limit: int = 0) -> list[str]:
    """The held-out documents in the order of their hashes; with a limit the first of them up to so many characters, the last one cut."""
    texts = [json.loads(line)["t"] for line in (data / f"{subset}.heldout.jsonl").open(encoding="utf8")]
    texts.sort(key=lambda text: hashlib.sha1(text.encode()).digest())
    if not limit:
        return texts
    kept: list[str] = []
    for text in texts:
        kept.append(text[: limit - sum(map(len, kept))])
    return [text for text in kept if text]


def shown(text: str) -> str:
    """A token or prompt as a Markdown table cell."""
    return "`" + json.dumps(text, ensure_ascii=False).replace("|", "\\|").replace("`", "'") + "`"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]) + "\n"


def measure_bits(reader: Reader, data: Path, contexts: list[int], limit: int) -> dict[str, dict[str, float]]:
    """{context: {domain: bits per byte}}."""
    return {str(context): {name: bits_per_byte(reader, held_out(data, subset, limit), context) for name, subset in DOMAINS.items()} for context in contexts}


def bits_table(model: dict[str, dict[str, float]], baseline: dict[str, dict[str, float]]) -> str:
    """One row a domain: the baseline at its context, the model at each of its contexts with the change."""
    old_context, old = next(iter(baseline.items()))
    head = ["held-out domain", f"earlier model, {old_context}"] + [cell for context in model for cell in (f"this model, {context}", "change")]
    rows = [[name, f"{old[name]:.3f}"] + [cell for bits in model.values() for cell in (f"{bits[name]:.3f}", f"{(bits[name] / old[name] - 1) * 100:+.1f} %")] for name in DOMAINS]
    return table(head, rows)


def heads_tables(reader: Reader) -> tuple[str, dict[str, object]]:
    scores, nats = head_scores(reader)
    layers, heads = next(iter(scores.values())).shape
    parts = [f"On BOS and {RANDOM_TOKENS} random tokens given twice, {RANDOM_SEQUENCES} sequences: mean loss {nats['first copy']:.2f} nats on the first copy, {nats['second copy']:.2f} on the second.\n"]
    for name in HEAD_SCORES:
        parts.append(f"**{name}**\n\n" + table(["layer", *(f"head {h}" for h in range(heads))], [[str(layer), *(f"{v:.2f}" for v in scores[name][layer])] for layer in range(layers)]))
    return "\n".join(parts), {"scores": {name: values.round(4).tolist() for name, values in scores.items()}, "nats": nats}


def prompts_table(reader: Reader) -> tuple[str, dict[str, object]]:
    """Top five after each prompt; sensible = one of them is in the prompt's list in prompts.json."""
    results, rows = [], []
    for entry in json.loads((HERE / "prompts.json").read_text("utf8")):
        top = top_tokens(reader, entry["prompt"])
        sensible = any(token in entry["sensible"] for token, _ in top)
        results.append({"prompt": entry["prompt"], "top": top, "sensible": sensible})
        rows.append([entry["group"], shown(entry["prompt"]), ", ".join(f"{shown(token)} {p:.2f}" for token, p in top), "yes" if sensible else "no"])
    count = sum(bool(result["sensible"]) for result in results)
    return f"A sensible continuation is among the five most likely for {count} of {len(rows)} prompts.\n\n" + table(["", "prompt", "five most likely next tokens", "sensible"], rows), {"count": count, "prompts": results}


def neighbours_table(reader: Reader) -> tuple[str, dict[str, object]]:
    found = {token: neighbours(reader, token) for token in json.loads((HERE / "neighbours.json").read_text("utf8"))}
    rows = [[shown(token), ", ".join(f"{shown(other)} {cosine:.2f}" for other, cosine in near)] for token, near in found.items()]
    return table(["token", "nearest by cosine, the table's mean taken off"], rows), found


def engine_check(reader: Reader, data: Path, command: str) -> tuple[str, dict[str, object]]:
    """Bits per byte of one held-out document a domain, cut to one window, by the product's engine and by the reference."""
    rows, results = [], {}
    for subset in CHECKED_DOMAINS:
        text = next(t for t in sorted(held_out(data, subset), key=len) if len(t.encode()) >= 1_000)
        ids = reader.ids(text)[: ENGINE_TOKENS]
        text = reader.tokenizer.decode(ids, skip_special_tokens=False).rstrip("\ufffd")      # a cut may fall inside a character
        ids = reader.ids(text)
        words = [*shlex.split(command), "trace", "--model", str(reader.folder), "--top", "1", "--ids", ",".join(map(str, [BOS, *ids]))]
        trace = json.loads(subprocess.run(words, capture_output=True, check=True, text=True).stdout)
        size = len(text.encode())
        engine = -sum(token["logprob"] for token in trace["tokens"][1:]) / math.log(2) / size
        reference = document_bits(reader, text, reader.context, reader.context // 2) / size
        results[subset] = {"engine": engine, "reference": reference, "tokens": len(ids)}
        rows.append([subset, str(len(ids)), f"{engine:.4f}", f"{reference:.4f}", "yes" if abs(engine - reference) < 0.0005 else "NO"])
    return table(["one document of", "tokens", "engine", "transformers", "equal to 3 digits"], rows), results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--baseline", type=Path, required=True, help="the model to compare with")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--contexts", type=int, nargs="*", help="default: the model's own and the baseline's")
    parser.add_argument("--limit", type=int, default=0, help="characters of a domain to measure, 0 for all")
    parser.add_argument("--engine-check", help="the product's command line")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)

    baseline = Reader(options.baseline)
    kept = options.out / f"baseline-{options.limit or 'all'}.json"
    if kept.exists():
        old_bits = json.loads(kept.read_text("utf8"))
    else:
        old_bits = measure_bits(baseline, options.data, [baseline.context], options.limit)
        kept.write_text(json.dumps(old_bits, indent=1) + "\n", "utf8")
    reader = Reader(options.model)
    bits = measure_bits(reader, options.data, options.contexts or sorted({reader.context, baseline.context}, reverse=True), options.limit)
    heads, head_values = heads_tables(reader)
    prompts, prompt_values = prompts_table(reader)
    near, near_values = neighbours_table(reader)
    sections = {"Held-out bits per byte": bits_table(bits, old_bits), "Heads": heads, "Predictions": prompts, "Neighbours": near}
    values = {"bits_per_byte": bits, "baseline_bits_per_byte": old_bits, "heads": head_values, "predictions": prompt_values, "neighbours": near_values}
    if options.engine_check:
        sections["The product's engine"], values["engine"] = engine_check(reader, options.data, options.engine_check)
    (options.out / "evaluation.json").write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", "utf8")
    (options.out / "tables.md").write_text("\n".join(f"## {name}\n\n{text}" for name, text in sections.items()), "utf8")
    print((options.out / "tables.md").read_text("utf8"))


if __name__ == "__main__":
    main()
