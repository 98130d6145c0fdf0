"""What transformers takes an option to be that config.json leaves out: every supported model_type with all its defaults written out.

Writes test/fixtures/models/config_defaults.json: {model_type: config}, and config_windows.json: [[options, config]] of models whose layers
differ by few options. Run from the repository's root with transformers installed.
"""

import json
import re
from pathlib import Path

from transformers.models.auto.configuration_auto import CONFIG_MAPPING

families = Path("src/model/families/families.ts").read_text()
names = re.findall(r"^  \['([a-z0-9_-]+)', \w+\],$", families, re.M)
# What says nothing about the numbers, or is written into every file.
LEFT_OUT = re.compile(r"^(_.*|transformers_version|architectures|id2label|label2id|problem_type|output_.*|return_dict|chunk_size_.*|is_encoder_decoder|dtype|torch_dtype)$")


def finite(value: object) -> object:
    """The value with infinity in the words of transformers 5, as JSON has none."""
    if value == float("inf"):
        return {"__float__": "Infinity"}
    return [finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def written(name: str, **options: object) -> dict[str, object]:
    config = CONFIG_MAPPING[name](**options).to_dict()
    return {key: finite(value) for key, value in sorted(config.items()) if not LEFT_OUT.match(key)}


defaults = {name: written(name) for name in names}
Path("test/fixtures/models/config_defaults.json").write_text(json.dumps(defaults, indent=1) + "\n")
print(len(defaults), "families")

# The bound falls on a layer of the kind that it ends, so that a layer too many is seen.
FEW = {"num_hidden_layers": 7}
SLIDING = {"use_sliding_window": True, "max_window_layers": 4, **FEW}
WINDOWS = [
    *((name, SLIDING) for name in ("qwen2", "qwen2_moe", "qwen3", "qwen3_moe")),
    *((name, {"sliding_window_pattern": 3, **FEW}) for name in ("gemma3_text", "cohere2", "exaone4")),
    *((name, FEW) for name in ("gemma2", "gpt_oss", "olmo3", "afmoe", "granite_swa", "exaone_moe", "mimo_v2_flash")),
    ("cohere2_moe", {"first_k_dense_replace": 2, "prefix_dense_sliding_window_pattern": 2, "sliding_window_pattern": 3, **FEW}),
    ("smollm3", {"no_rope_layer_interval": 3, "use_sliding_window": True, "sliding_window": 16, **FEW}),
]
windows = [[{"model_type": name, **options}, written(name, **options)] for name, options in WINDOWS]
Path("test/fixtures/models/config_windows.json").write_text(json.dumps(windows, indent=1) + "\n")
print(len(windows), "models whose layers differ")
