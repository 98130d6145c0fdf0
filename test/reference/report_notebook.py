"""Runs the programs in test/fixtures/report, which "Copy for a Notebook" copies, and writes what they read to results.json.

first.* are of the first version of the format. Both reports hold the same numbers.

test/unit/report/notebookCode.test.ts writes the report and the program with FIXTURE=write.

Usage: python test/reference/report_notebook.py
"""

import json
import os
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "test" / "fixtures" / "report"
os.chdir(FOLDER)


def exact(array):
    """Shape, dtype and bytes."""
    return {"shape": list(array.shape), "dtype": array.dtype.str, "hex": array.tobytes().hex()}


def read(program):
    """What a program reads."""
    scope: dict = {}
    exec(compile((FOLDER / program).read_text(), program, "exec"), scope)
    results = {name: exact(scope[name]) for name in ("logprob", "rank", "entropy", "top_ids", "top_probs")}
    results["attention"] = {f"{layer}.{head}": exact(weights) for (layer, head), weights in scope["attention"].items()}
    return results | {"text": scope["head"]["text"], "notes": scope["head"]["notes"]}


results = read("notebook.py")
assert read("first.py") == results
(FOLDER / "results.json").write_text(json.dumps(results, indent=1) + "\n")
