"""Write a checkpoint as a Hugging Face folder with f16 weights.

    python export.py --checkpoint RUN/checkpoint.pt --tokenizer ../media/models/explain-tokens-9m --out MODEL
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import NORM_EPSILON, ModelConfig

BOS = EOS = 0
PAD = 1


def config_json(config: ModelConfig) -> dict[str, object]:
    """`config.json` in the words of transformers' LlamaConfig."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab,
        "hidden_size": config.dim,
        "intermediate_size": config.mlp_dim,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.heads,
        "head_dim": config.dim // config.heads,
        "hidden_act": "silu",
        "max_position_embeddings": config.context,
        "rms_norm_eps": NORM_EPSILON,
        "rope_theta": config.rope_theta,
        "rope_scaling": None,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": BOS,
        "eos_token_id": EOS,
        "pad_token_id": PAD,
        "initializer_range": 0.02,
        "use_cache": True,
        "torch_dtype": "float16",
    }


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with tokenizer.json and tokenizer_config.json")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    state = torch.load(options.checkpoint, map_location="cpu")
    config = ModelConfig(**state["config"])
    weights = {f"model.{name}": value.to(torch.float16).contiguous() for name, value in state["model"].items()}
    if not all(torch.isfinite(value).all() for value in weights.values()):
        raise ValueError(f"{options.checkpoint}: a weight does not fit into float16")
    save_file(weights, options.out / "model.safetensors", metadata={"format": "pt"})
    write_json(options.out / "config.json", config_json(config))
    write_json(options.out / "generation_config.json", {"bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD, "do_sample": True, "temperature": 0.8, "top_k": 50})
    if options.tokenizer.resolve() != options.out.resolve():
        shutil.copyfile(options.tokenizer / "tokenizer.json", options.out / "tokenizer.json")
    tokenizer_config = json.loads((options.tokenizer / "tokenizer_config.json").read_text("utf8"))
    write_json(options.out / "tokenizer_config.json", tokenizer_config | {"model_max_length": config.context})
    total = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{options.out}: {total / 1e6:.1f} MB after {state['seen'] / 1e6:.2f} M tokens ({state['step']} steps)")


if __name__ == "__main__":
    main()
