"""Runs the program in test/fixtures/report, which "Copy for a Notebook" copies, and writes what it reads to results.json.

test/unit/report/notebookCode.test.ts writes the report and the program with FIXTURE=write.

Usage: python test/reference/report_notebook.py
"""

import json
import os
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "test" / "fixtures" / "report"
os.chdir(FOLDER)
scope: dict = {}
exec(compile((FOLDER / "notebook.py").read_text(), "notebook.py", "exec"), scope)


def exact(array):
    """Shape, dtype and bytes."""
    return {"shape": list(array.shape), "dtype": array.dtype.str, "hex": array.tobytes().hex()}


results = {name: exact(scope[name]) for name in ("logprob", "rank", "entropy", "top_ids", "top_probs")}
results["attention"] = {f"{layer}.{head}": exact(weights) for (layer, head), weights in scope["attention"].items()}
results["text"] = scope["head"]["text"]
results["notes"] = scope["head"]["notes"]
(FOLDER / "results.json").write_text(json.dumps(results, indent=1) + "\n")
