"""Assemble the model card: what card.md says, the measured tables, the sources.

    python card.py --evaluation EVALUATION --data DATA --sources sources.json --out MODEL/README.md
"""

import argparse
import json
from pathlib import Path

from data import MIXTURES
from evaluate import table

HERE = Path(__file__).parent


def sources_table(path: Path) -> str:
    """The text corpus: repository, commit, licence and size."""
    used = [source for source in json.loads(path.read_text("utf8"))["sources"] if source["subset"] in MIXTURES["broad"]]
    rows = [[s["subset"], s["repo"], s["commit"][:12], s["licence"], f"{s['bytes'] / 1e6:.1f}"] for s in sorted(used, key=lambda s: (s["subset"], -s["bytes"]))]
    return table(["subset", "repository", "commit", "licence", "MB"], rows)


def packages_table(path: Path) -> str:
    """The packages read for code; an installed package is named by its version."""
    packages = json.loads(path.read_text("utf8"))
    rows = [[p["subset"], f"{p['name']} {p['version']}", p["licence"], f"{p['bytes'] / 1e6:.2f}", "yes" if p["heldout"] else ""] for p in packages]
    return table(["subset", "package", "licence", "MB", "held out"], rows)


def mixture_table() -> str:
    return table(["subset", *(f"share of rows, `{name}`" for name in MIXTURES)], [[subset, *(f"{mixture[subset]:.1%}" for mixture in MIXTURES.values())] for subset in MIXTURES["broad"]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluation", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    parts = [
        (HERE / "card.md").read_text("utf8"),
        (options.evaluation / "tables.md").read_text("utf8"),
        "## Data\n\n" + mixture_table(),
        "### Text\n\n" + sources_table(options.sources),
        "### Code\n\nThe files of these installed packages, without tests, generated, bundled and vendored files.\n\n" + packages_table(options.data / "packages.json"),
    ]
    options.out.write_text("\n".join(parts), "utf8")


if __name__ == "__main__":
    main()
