"""What PyTorch computes inside single layers, for one token, and what transformers' rotary positions make of real queries and keys.

    python test/reference/path_cases.py

Needs torch, transformers 5.18 and safetensors. Reads the models under test/fixtures/models and writes test/fixtures/models/paths/CASE.safetensors:
`token` [1]; LAYER.STAGE [n], the flat vector of all heads or neurons at that token, seen by forward hooks;
and for CASES_OF_TURNS LAYER.turn.{query,key} [1], LAYER.turn.byDistance [heads, N], q . k of the turned part alone, the query 0..N-1 tokens behind the key.
"""
import importlib
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from transformers.activations import ACT2FN

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"
OUT = FIXTURES / "paths"
DISTANCES = 32
CASES = ["llama", "gpt2", "llama_yarn", "families/qwen3.1", "families/gemma2.3", "families/phi.1", "families/granite.1"]
CASES_OF_TURNS = ["llama", "llama_yarn", "llama3_rope", "llama_linear_rope", "families/qwen3.1", "families/phi.1", "families/cohere.1", "families/glm.1", "families/deepseek_v3.1", "families/deepseek_v3.2", "families/gpt_neox.1"]
# stage -> (modules of a layer, input or output)
STAGES = {
    "ln1Out": (["input_layernorm", "ln_1"], "out"),
    "query": (["self_attn.q_proj"], "out"), "key": (["self_attn.k_proj"], "out"), "value": (["self_attn.v_proj"], "out"),
    "fused": (["attn.c_attn"], "out"),
    "queryNormed": (["self_attn.q_norm"], "out"), "keyNormed": (["self_attn.k_norm"], "out"),
    "concatenatedHeads": (["self_attn.o_proj", "self_attn.dense", "attn.c_proj"], "in"),
    "attentionOutput": (["self_attn.o_proj", "self_attn.dense", "attn.c_proj"], "out"),
    "ln2Out": (["pre_feedforward_layernorm", "post_attention_layernorm", "ln_2"], "out"),
    "gate": (["mlp.gate_proj"], "out"), "up": (["mlp.up_proj", "mlp.fc1", "mlp.c_fc"], "out"),
    "activated": (["mlp.act_fn"], "out"), "plainActivated": (["mlp.act", "mlp.activation_fn"], "out"),
    "hidden": (["mlp.down_proj", "mlp.fc2", "mlp.c_proj"], "in"),
    "mlpOutput": (["mlp.down_proj", "mlp.fc2", "mlp.c_proj"], "out"),
    "mlpPostNorm": (["post_feedforward_layernorm"], "out"),
}
# Gemma 2 calls the norm behind attention what Llama calls the one before the MLP.
BEHIND = {"gemma2": {"attentionPostNorm": (["post_attention_layernorm"], "out")}}


def layers_of(model):
    base = model.base_model
    for name in ("layers", "h"):
        if hasattr(base, name):
            return getattr(base, name)
    raise ValueError("no layers")


def submodule(layer, name):
    try:
        return layer.get_submodule(name)
    except AttributeError:
        return None


def watch(layer, found, token, family):
    stages = {**STAGES, **BEHIND.get(family, {})}
    if family == "gemma2":
        stages["ln2Out"] = (["pre_feedforward_layernorm"], "out")
    for stage, (names, side) in stages.items():
        module = next((m for m in (submodule(layer, name) for name in names) if m is not None), None)
        if module is None:
            continue

        def hook(_module, args, output, stage=stage, side=side):
            value = args[0] if side == "in" else output
            # The norm of each head sees [1, T, heads, headDim].
            found[stage] = value[0, token].detach().flatten().clone()

        module.register_forward_hook(hook)


def load(case):
    return AutoModelForCausalLM.from_pretrained(FIXTURES / case, attn_implementation="eager", dtype=torch.float32).eval()


def stages_of(case):
    model = load(case)
    ids = load_file(FIXTURES / case / "golden.safetensors")["input_ids"]
    token = len(ids) - 3
    per_layer = []
    for layer in layers_of(model):
        per_layer.append({})
        watch(layer, per_layer[-1], token, model.config.model_type)
    final = {}
    norm = getattr(model.base_model, "norm", None) or getattr(model.base_model, "ln_f", None) or getattr(model.base_model, "final_layernorm", None)
    norm.register_forward_hook(lambda _m, _a, output: final.__setitem__("lnFinalOut", output[0, token].detach().clone()))
    with torch.no_grad():
        model(ids[None])
    tensors = {"token": torch.tensor([token])}
    for index, found in enumerate(per_layer):
        if "fused" in found:
            found["query"], found["key"], found["value"] = found.pop("fused").chunk(3)
        found.pop("plainActivated", None)
        tensors.update({f"{index}.{stage}": value.clone().contiguous() for stage, value in found.items()})
    tensors.update(final)
    return tensors


def turns_of(case):
    """q . k of what transformers' own function turns, for a query moved along."""
    model = load(case)
    family = model.config.model_type
    ids = load_file(FIXTURES / case / "golden.safetensors")["input_ids"]
    modeling = importlib.import_module(type(model).__module__)
    name = "apply_rotary_pos_emb_interleave" if family == "deepseek_v3" and getattr(model.config, "rope_interleave", True) else "apply_rotary_pos_emb"
    original = getattr(modeling, name)
    calls = []

    def recorded(q, k, *rest, **named):
        calls.append((q.detach().clone(), k.detach().clone()))
        return original(q, k, *rest, **named)

    setattr(modeling, name, recorded)
    with torch.no_grad():
        model(ids[None])
    setattr(modeling, name, original)
    query, key = len(ids) - 1, 3
    rotary = model.base_model.rotary_emb
    tensors = {}
    for layer, (q, k) in enumerate(calls):
        groups = q.shape[1] // k.shape[1]
        dots = []
        for distance in range(DISTANCES):
            positions = torch.tensor([[key, key + distance]])
            cos, sin = rotary(q, positions)
            pair = lambda x, token: torch.stack([x[:, :, token], x[:, :, token]], dim=2)
            turned_q, turned_k = original(pair(q, query), pair(k, key), cos, sin)
            dots.append((turned_q[0, :, 1] * turned_k[0, :, 0].repeat_interleave(groups, 0)).double().sum(-1))
        tensors[f"{layer}.turn.query"] = torch.tensor([query])
        tensors[f"{layer}.turn.key"] = torch.tensor([key])
        tensors[f"{layer}.turn.byDistance"] = torch.stack(dots, 1).float().contiguous()
    return tensors


OUT.mkdir(parents=True, exist_ok=True)
for case in sorted({*CASES, *CASES_OF_TURNS}):
    tensors = {**(stages_of(case) if case in CASES else {}), **(turns_of(case) if case in CASES_OF_TURNS else {})}
    save_file(tensors, OUT / f"{case.removeprefix('families/')}.safetensors")
    print(case, sorted(tensors))

# "Attention Is All You Need", section 3.5, in NumPy.
count, dim = 40, 10
angle = np.arange(count)[:, None] / 10000 ** (2 * (np.arange(dim) // 2)[None] / dim)
table = np.where(np.arange(dim) % 2 == 0, np.sin(angle), np.cos(angle))
unit = table / np.linalg.norm(table, axis=1, keepdims=True)
(FIXTURES.parent / "core" / "sinusoids.json").write_text(json.dumps({"count": count, "dim": dim, "table": table.flatten().tolist(), "cosine": (unit @ unit.T).flatten().tolist()}))

# Every activation by its name in src/core/activationFunctions.ts, in float64.
NAMES = {"gelu": "gelu", "geluTanh": "gelu_pytorch_tanh", "geluClipped": "gelu_10", "geluQuick": "quick_gelu", "hardSwish": "hardswish", "laplace": "laplace", "leakyRelu": "leaky_relu",
         "linear": "linear", "mish": "mish", "relu": "relu", "relu2": "relu2", "relu6": "relu6", "sigmoid": "sigmoid", "silu": "silu", "sqrtSoftplus": "sqrtsoftplus", "tanh": "tanh"}
inputs = torch.linspace(-12, 12, 97, dtype=torch.float64)
(FIXTURES.parent / "core" / "activations.json").write_text(json.dumps({"input": inputs.tolist(), **{ours: ACT2FN[theirs](inputs).tolist() for ours, theirs in NAMES.items()}}))
