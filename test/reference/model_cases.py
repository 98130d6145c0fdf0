"""What transformers computes for tiny llama and gpt2 models of every option: expectations of the golden tests.

    python test/reference/model_cases.py

Needs torch, transformers 5.18 and safetensors. Writes whole model folders (test/fixtures/models/llama and so on), test/fixtures/models/weights (weights shared by cases),
test/fixtures/models/variants/CASE/{config.json,golden.safetensors} and test/fixtures/models/variants.json (case -> weights).
golden.safetensors: input_ids [T], logits [T,V], resid.0 .. resid.L [T,D] (i = after block i, before the final norm),
attentions.l [H,T,T], k.l and v.l [kvHeads,T,headDim]; float32, eager attention.
"""
import json
import math
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig
from transformers.activations import ACT2CLS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"
WEIGHTS = FIXTURES / "weights"
VARIANTS = FIXTURES / "variants"
TOKENS = 24
VOCAB = 64

LLAMA = dict(model_type="llama", vocab_size=VOCAB, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, head_dim=8, max_position_embeddings=64, rms_norm_eps=1e-5, hidden_act="silu",
             tie_word_embeddings=False, attention_bias=False, mlp_bias=False)
GPT2 = dict(model_type="gpt2", vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=64, n_inner=40, tie_word_embeddings=False)


def rope(**parameters):
    """Rope in the words of transformers 5."""
    return {"rope_parameters": {"rope_theta": 10000.0, **parameters}}


def rope4(theta=10000.0, **scaling):
    """Rope in the words of transformers 4."""
    return {"rope_theta": theta, "rope_scaling": scaling or None, "torch_dtype": "float32"}


LONG = dict(short_factor=[1.0, 1.1, 1.3, 1.7], long_factor=[1.0, 2.0, 4.0, 8.0])
# case -> (weights, options changed, options left out)
CASES = {
    "rope_theta_v4": ("llama", rope4(5000.0), ()),
    "rope_linear": ("llama", rope(rope_type="linear", factor=3.0), ()),
    "rope_linear_v4": ("llama", rope4(type="linear", factor=2.0), ()),
    "rope_dynamic_below": ("llama", rope(rope_type="dynamic", factor=2.0), ()),
    "rope_dynamic_above": ("llama", dict(max_position_embeddings=16, **rope(rope_type="dynamic", factor=2.5)), ()),
    "rope_dynamic_above_v4": ("llama", dict(max_position_embeddings=10, **rope4(type="dynamic", factor=4.0)), ()),
    "rope_llama3": ("llama", rope(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32), ()),
    "rope_llama3_v4": ("llama", rope4(500000.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192), ()),
    "rope_yarn_mscale": ("llama", rope(rope_type="yarn", factor=4.0, mscale=0.8, mscale_all_dim=0.5, original_max_position_embeddings=16), ()),
    "rope_yarn_attention_factor": ("llama", rope(rope_type="yarn", factor=4.0, attention_factor=1.3, original_max_position_embeddings=16), ()),
    "rope_yarn_betas": ("llama", rope(rope_type="yarn", factor=4.0, beta_fast=8.0, beta_slow=0.25, original_max_position_embeddings=16), ()),
    "rope_yarn_untruncated": ("llama", rope(rope_type="yarn", factor=4.0, beta_fast=4.0, beta_slow=0.5, truncate=False, original_max_position_embeddings=32), ()),
    "rope_yarn_factor_null": ("llama", rope(rope_type="yarn", factor=None, original_max_position_embeddings=16), ()),
    "rope_yarn_original_outside": ("llama", dict(original_max_position_embeddings=24, **rope4(type="yarn", factor=2.0)), ()),
    "rope_yarn_v4": ("llama", rope4(type="yarn", factor=4.0, beta_fast=4), ()),
    "rope_longrope_long": ("llama", rope(rope_type="longrope", original_max_position_embeddings=16, **LONG), ()),
    "rope_longrope_short_v4": ("llama", rope4(type="longrope", original_max_position_embeddings=32, factor=3.0, **LONG), ()),
    "rope_longrope_attention_factor": ("llama", rope(rope_type="longrope", attention_factor=1.5, original_max_position_embeddings=16, **LONG), ()),
    "rope_proportional": ("llama", rope(rope_type="proportional", partial_rotary_factor=0.5), ()),
    "rope_default_ignores_partial": ("llama", dict(partial_rotary_factor=0.5, **rope(rope_type="default")), ()),
    "biases": ("llama_biases", dict(attention_bias=True, mlp_bias=True), ()),
    "attention_bias_alone": ("llama_attention_bias", dict(attention_bias=True), ()),
    "tied_but_both_stored": ("llama", dict(tie_word_embeddings=True), ()),
    "llama_defaults": ("llama", {}, ("rms_norm_eps", "hidden_act", "head_dim", "tie_word_embeddings", "attention_bias", "mlp_bias", "max_position_embeddings")),
    "llama_nulls": ("llama_full_heads", dict(head_dim=None, num_key_value_heads=None, rope_scaling=None), ()),
    "llama_tied": ("llama_tied", dict(tie_word_embeddings=True), ()),
    "llama_tied_head_stored": ("llama_head_only", dict(tie_word_embeddings=True), ()),
    "llama_bare": ("llama_bare", dict(tie_word_embeddings=True), ()),
    "multi_query_wide_heads": ("llama_mqa", dict(num_key_value_heads=1, head_dim=12), ()),
    "float16": ("llama_f16", {}, ()),
    "bfloat16": ("llama_bf16", dict(attention_bias=True), ()),
    "sharded": ("llama_sharded", {}, ()),
    "gpt2_untied": ("gpt2", {}, ()),
    "gpt2_scale_by_layer": ("gpt2", dict(scale_attn_by_inverse_layer_idx=True), ()),
    "gpt2_unscaled": ("gpt2", dict(scale_attn_weights=False), ()),
    "gpt2_unscaled_by_layer": ("gpt2", dict(scale_attn_weights=False, scale_attn_by_inverse_layer_idx=True), ()),
    "gpt2_reorder": ("gpt2", dict(reorder_and_upcast_attn=True, scale_attn_by_inverse_layer_idx=True), ()),
    "gpt2_common_names": ("gpt2", dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64), ("n_embd", "n_layer", "n_head", "n_positions")),
    "gpt2_bare": ("gpt2_bare", dict(layer_norm_epsilon=1e-3), ("tie_word_embeddings", "n_inner")),
    "gpt2_bare_f16": ("gpt2_bare_f16", {}, ("tie_word_embeddings", "n_inner")),
}


def tiny(config_class, seed, **options):
    """A random model whose attention and predictions are far from uniform."""
    torch.manual_seed(seed)
    options = {**options}
    options.pop("model_type", None)
    model = AutoModelForCausalLM.from_config(config_class(**options), attn_implementation="eager", dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim < 2:
                parameter.add_(torch.randn_like(parameter) * 0.15)
            elif any(part in name for part in ("embed", "wte", "wpe")):
                parameter.copy_(torch.randn_like(parameter) * 0.7)
            else:
                sharp = 1.5 if any(part in name for part in ("q_proj", "k_proj", "c_attn")) else 1.0
                parameter.copy_(torch.randn_like(parameter) * sharp * 1.3 / math.sqrt(parameter.shape[0]))
    return model


def state(model):
    return {name: tensor.clone().contiguous() for name, tensor in model.state_dict().items()}


def without(tensors, *names):
    return {name: tensor for name, tensor in tensors.items() if name not in names}


def make_weights():
    shutil.rmtree(WEIGHTS, ignore_errors=True)
    WEIGHTS.mkdir(parents=True)

    def save(name, tensors):
        save_file(tensors, WEIGHTS / f"{name}.safetensors", metadata={"format": "pt"})

    llama_model = tiny(LlamaConfig, 1, **{**LLAMA, "attention_bias": True, "mlp_bias": True})
    llama = state(llama_model)
    attention_bias = {name: tensor for name, tensor in llama.items() if not (".mlp." in name and name.endswith(".bias"))}
    plain = {name: tensor for name, tensor in llama.items() if not name.endswith(".bias")}
    save("llama_biases", llama)
    save("llama_attention_bias", attention_bias)
    save("llama", plain)
    save("llama_f16", {name: tensor.half() for name, tensor in plain.items()})
    save("llama_bf16", {name: tensor.bfloat16() for name, tensor in attention_bias.items()})
    save("llama_tied", without(plain, "lm_head.weight"))
    save("llama_head_only", without(plain, "model.embed_tokens.weight"))
    save("llama_bare", {name.removeprefix("model."): tensor for name, tensor in without(plain, "lm_head.weight").items()})
    for name in list(llama):
        if name.endswith(".bias"):
            module, _, _ = name.rpartition(".")
            llama_model.get_submodule(module).bias = None
    llama_model.save_pretrained(WEIGHTS / "llama_sharded", max_shard_size="30KB")
    for extra in ("config.json", "generation_config.json"):
        (WEIGHTS / "llama_sharded" / extra).unlink(missing_ok=True)
    save("llama_full_heads", state(tiny(LlamaConfig, 2, **{**LLAMA, "num_key_value_heads": 4})))
    save("llama_mqa", state(tiny(LlamaConfig, 3, **{**LLAMA, "num_key_value_heads": 1, "head_dim": 12})))
    save("gpt2", state(tiny(GPT2Config, 4, **GPT2)))
    tied = without(state(tiny(GPT2Config, 5, **{**GPT2, "n_inner": None, "n_positions": 64, "tie_word_embeddings": True})), "lm_head.weight")
    bare = {name.removeprefix("transformer."): tensor for name, tensor in tied.items()}
    # The first published GPT-2 files keep the causal mask as a weight.
    for layer in range(2):
        bare[f"h.{layer}.attn.bias"] = torch.tril(torch.ones(1, 1, 8, 8))
    save("gpt2_bare", bare)
    save("gpt2_bare_f16", {name: tensor.half() for name, tensor in bare.items()})


def load(config, weights):
    """The model as transformers reads it from a folder of this config and these weights."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(config))
        if (WEIGHTS / weights).is_dir():
            shutil.copytree(WEIGHTS / weights, folder, dirs_exist_ok=True)
        else:
            shutil.copy(WEIGHTS / f"{weights}.safetensors", Path(folder, "model.safetensors"))
        return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()


def golden(model, ids):
    """Everything the tests compare, of one forward pass."""
    blocks = model.model.layers if hasattr(model, "model") else model.transformer.h
    resid = []
    hooks = [blocks[0].register_forward_pre_hook(lambda _, inputs: resid.append(inputs[0][0].clone()))]
    for block in blocks:
        hooks.append(block.register_forward_hook(lambda _, __, output: resid.append((output[0] if isinstance(output, tuple) else output)[0].clone())))
    with torch.inference_mode():
        result = model(ids[None], output_attentions=True, use_cache=True)
    for hook in hooks:
        hook.remove()
    found = {"input_ids": ids, "logits": result.logits[0]}
    found.update({f"resid.{i}": value for i, value in enumerate(resid)})
    found.update({f"attentions.{i}": value[0] for i, value in enumerate(result.attentions)})
    for i, layer in enumerate(result.past_key_values.layers):
        found[f"k.{i}"] = layer.keys[0]
        found[f"v.{i}"] = layer.values[0]
    return {name: value.clone().contiguous() for name, value in found.items()}


def make_variants():
    shutil.rmtree(VARIANTS, ignore_errors=True)
    ids = torch.randint(0, VOCAB, (TOKENS,), generator=torch.Generator().manual_seed(7))
    for case, (weights, changed, left_out) in CASES.items():
        base = GPT2 if weights.startswith("gpt2") else LLAMA
        config = {name: value for name, value in {**base, **changed}.items() if name not in left_out}
        folder = VARIANTS / case
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        save_file(golden(load(config, weights), ids), folder / "golden.safetensors")
    (FIXTURES / "variants.json").write_text(json.dumps({case: spec[0] for case, spec in CASES.items()}, indent=1) + "\n")


BASE_SIZE = dict(vocab_size=300, hidden_size=64, intermediate_size=112, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64)
BASE_ROPE = {
    "llama3_rope": {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16},
    "llama_linear_rope": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0},
    "llama_yarn": {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 16},
}
BASE = {
    "gpt2": lambda: GPT2Config(vocab_size=300, n_embd=64, n_layer=2, n_head=4, n_positions=64),
    "llama": lambda: LlamaConfig(**BASE_SIZE, tie_word_embeddings=False),
    "llama3_rope": lambda: LlamaConfig(**BASE_SIZE, tie_word_embeddings=True, rope_parameters={**BASE_ROPE["llama3_rope"]}),
    "llama_linear_rope": lambda: LlamaConfig(**BASE_SIZE, attention_bias=True, mlp_bias=True, rope_parameters={**BASE_ROPE["llama_linear_rope"]}),
    "llama_yarn": lambda: LlamaConfig(**BASE_SIZE, rope_parameters={**BASE_ROPE["llama_yarn"]}),
}


def make_base():
    """Whole folders as `save_pretrained` writes them, with the same config in the words of transformers 4 beside it."""
    ids = torch.randint(5, 300, (13,), generator=torch.Generator().manual_seed(7))
    for case, make_config in BASE.items():
        torch.manual_seed(1234 + sum(map(ord, case)))
        model = AutoModelForCausalLM.from_config(make_config(), attn_implementation="eager", dtype=torch.float32).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.ndim < 2:
                    parameter.add_(torch.randn_like(parameter) * 0.15)
                    continue
                conv1d = case == "gpt2" and name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight"))
                scale = 0.7 if any(part in name for part in ("embed", "wte", "wpe")) else 1.3 / math.sqrt(parameter.shape[0 if conv1d else -1])
                sharp = 1.5 if any(part in name for part in ("q_proj", "k_proj", "c_attn")) else 1.0
                parameter.copy_(torch.randn_like(parameter) * scale * sharp)
        folder = FIXTURES / case
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        loaded = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
        save_file(golden(loaded, ids), folder / "golden.safetensors")
        if case == "gpt2":
            continue
        config = json.loads((folder / "config.json").read_text())
        config["torch_dtype"] = config.pop("dtype")
        config["rope_scaling"] = config.pop("rope_parameters")
        config["rope_theta"] = config["rope_scaling"].pop("rope_theta")
        kind = config["rope_scaling"].pop("rope_type")
        config["rope_scaling"] = None if kind == "default" else {"rope_type" if kind == "llama3" else "type": kind, **config["rope_scaling"]}
        config["transformers_version"] = "4.46.0"
        (folder / "config.v4.json").write_text(json.dumps(config, indent=1) + "\n")


def make_activations():
    """Logits of the gpt2 and llama weights with every activation of ACT2FN that has no parameters."""
    ids = torch.arange(8)
    found = {"input_ids": ids}
    for name in sorted(set(ACT2CLS) - {"prelu", "xielu"}):
        with torch.inference_mode():
            found[f"gpt2.{name}"] = load({**GPT2, "activation_function": name}, "gpt2")(ids[None]).logits[0].clone()
            found[f"llama.{name}"] = load({**LLAMA, "hidden_act": name}, "llama")(ids[None]).logits[0].clone()
    save_file(found, FIXTURES / "activations.safetensors")


def make_rope():
    """Frequencies and the factor of cosine and sine at the size of real models, by text length."""
    long = dict(short_factor=[1 + i / 64 for i in range(64)], long_factor=[1 + i for i in range(64)])
    cases = [
        (rope(rope_type="default", rope_theta=500000.0), 8192, 100),
        (rope(rope_type="linear", factor=8.0), 2048, 100),
        (rope(rope_type="dynamic", factor=2.0), 2048, 2048),
        (rope(rope_type="dynamic", factor=2.0), 2048, 5000),
        (rope(rope_type="llama3", rope_theta=500000.0, factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192), 131072, 100),
        (rope(rope_type="yarn", factor=16.0, original_max_position_embeddings=4096), 65536, 100),
        (rope(rope_type="longrope", original_max_position_embeddings=4096, **long), 131072, 4096),
        (rope(rope_type="longrope", original_max_position_embeddings=4096, **long), 131072, 4097),
    ]
    found = []
    for parameters, limit, length in cases:
        config = {**LLAMA, "hidden_size": 512, "head_dim": 128, "max_position_embeddings": limit, **parameters}
        module = LlamaRotaryEmbedding(LlamaConfig(**{k: v for k, v in config.items() if k != "model_type"}))
        cos, sin = module(torch.zeros(1), torch.tensor([[length - 1]]))
        found.append({"config": config, "length": length, "frequencies": module.inv_freq.tolist(), "cos": cos[0, 0].tolist(), "sin": sin[0, 0].tolist()})
    (FIXTURES / "rope.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    make_base()
    make_weights()
    make_variants()
    make_activations()
    make_rope()
