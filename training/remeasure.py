"""Measure heads and neighbours again, and put them into the evaluation and the card; both need nothing but the model.

    python remeasure.py --model ../media/models/explain-tokens-9m --evaluation evaluation.json
"""

import argparse
import json
import re
from pathlib import Path

from evaluate import heads_tables, neighbours_table
from measures import Reader


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    options = parser.parse_args()
    reader = Reader(options.model)
    heads, head_values = heads_tables(reader)
    near, near_values = neighbours_table(reader)
    evaluation = json.loads(options.evaluation.read_text("utf8")) | {"heads": head_values, "neighbours": near_values}
    options.evaluation.write_text(json.dumps(evaluation, indent=1, ensure_ascii=False) + "\n", "utf8")
    card = options.model / "README.md"
    text = card.read_text("utf8")
    for name, section in (("Heads", heads), ("Neighbours", near)):
        text, count = re.subn(rf"(?ms)^## {name}\n\n.*?(?=^## )", lambda _: f"## {name}\n\n{section}\n", text)
        assert count == 1, name
    card.write_text(text, "utf8")


if __name__ == "__main__":
    main()
