"""Runs the programs in test/fixtures/code, which the panel copies, and writes what each computes to results.json.

Usage: python test/reference/code_snippets.py
"""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "test" / "fixtures" / "code"
MODEL = str(ROOT / "media" / "models" / "explain-tokens-9m")

results = {}
for path in sorted(FOLDER.glob("*.py")):
    text = path.read_text()
    named = 'MODEL = "explain-tokens-9m"'
    assert named in text, path
    scope: dict = {}
    exec(compile(text.replace(named, f"MODEL = {MODEL!r}"), str(path), "exec"), scope)
    results[path.stem] = scope["result"].tolist()
(FOLDER / "results.json").write_text(json.dumps(results) + "\n")
