"""Logits under interventions, by PyTorch hooks on transformers' models: expectations of the tests of recipes.

    python test/reference/intervention_cases.py

Needs torch, transformers 5.18 and safetensors. Reads the models under test/fixtures/models and writes there interventions.json, the recipes by name, and interventions.safetensors, of
float32 eager models: CASE/RECIPE/logits [T,vocab]; of the recipe `several` also CASE/attentions.l [H,T,T] and CASE/gradient [T,D], how the logit of token TOKEN at the last position
changes with the first block's input.
Heads and neurons: a hook before the output projection changes its input's columns. MLPs: a hook changes the module's output, or of families that add the residual inside it that of its
last projection. Residuals: a hook before the block, or after the last. Cuts: a hook before attention writes the lowest number into its mask. Patterns: the softmax that makes the weights.
A recipe that does not fit a model (single neurons of experts) is left out for it. `values` of a recipe here is a seed: see `vector`.
"""
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from direct_cases import ATTENTION, MLP_OUT
from gradient_cases import DOWN, PROJECTIONS, blocks_of, load, streams_of, submodule

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"
# Parallel blocks, norms behind, experts, latent attention, sinks, soft caps, ALiBi from either end, windows, joined projections, grouped heads, layers without positions.
CASES = ["gpt2", "llama", "qwen3.1", "gemma2.3", "gemma3_text.2", "phi.1", "falcon.2", "bloom.1", "mpt.3", "opt.1", "gpt_neox.1", "gpt_neo.1", "gpt_oss.1", "deepseek_v3.1",
         "mixtral.1", "qwen2_moe.1", "mistral.3", "olmo2.1", "cohere.1", "exaone4.1", "smollm3.1", "glm4.1", "granite.1", "gemma3n_text.3"]
TOKEN = 5
RECIPES = {
    "headZero": [{"kind": "head", "layer": 1, "head": 2, "action": "zero"}],
    "headScale": [{"kind": "head", "layer": 0, "head": 1, "action": "scale", "factor": -1.5}],
    "mlpZero": [{"kind": "mlp", "layer": 0, "action": "zero"}],
    "mlpScale": [{"kind": "mlp", "layer": 1, "action": "scale", "factor": 0.25}],
    "keyCut": [{"kind": "key", "key": 2, "action": "cut"}],
    "keyCutInLayer": [{"kind": "key", "key": 3, "layer": 1, "action": "cut"}],
    "keyCutInHead": [{"kind": "key", "key": 0, "layer": 0, "head": 2, "action": "cut"}],
    "keyCutInHeads": [{"kind": "key", "key": 1, "head": 1, "action": "cut"}],
    "edgeCut": [{"kind": "edge", "query": 6, "key": 5, "action": "cut"}],
    "edgeCutInHead": [{"kind": "edge", "query": 4, "key": 2, "layer": 0, "head": 3, "action": "cut"}],
    "means": [{"kind": "head", "layer": 0, "head": 1, "action": "mean"}, {"kind": "mlp", "layer": 1, "action": "mean"}],
    "sets": [
        {"kind": "head", "layer": 0, "head": 2, "token": 3, "action": "set", "values": 1},
        {"kind": "head", "layer": 1, "head": 0, "action": "set", "values": 2},
        {"kind": "mlp", "layer": 0, "token": 5, "action": "set", "values": 3},
    ],
    "neurons": [{"kind": "neuron", "layer": 0, "neuron": 3, "action": "zero"}, {"kind": "neuron", "layer": 1, "neuron": 5, "action": "scale", "factor": -3}],
    "patterns": [
        {"kind": "pattern", "layer": 0, "head": 1, "action": "previous"},
        {"kind": "pattern", "layer": 1, "head": 2, "action": "uniform"},
        {"kind": "pattern", "layer": 1, "head": 3, "action": "previous"},
        {"kind": "key", "key": 2, "action": "cut"},
    ],
    "residual": [
        {"kind": "residual", "layer": 0, "token": 2, "action": "move", "values": 4},
        {"kind": "residual", "layer": 1, "token": 4, "action": "set", "values": 5},
        {"kind": "residual", "layer": 2, "token": 6, "action": "move", "values": 6},
    ],
    "direction": [{"kind": "residual", "layer": 1, "token": 3, "action": "move", "direction": 7, "strength": 1.5}],
    "several": [
        {"kind": "head", "layer": 0, "head": 3, "action": "zero"},
        {"kind": "key", "key": 1, "action": "cut"},
        {"kind": "key", "key": 2, "layer": 1, "head": 0, "action": "cut"},
        {"kind": "edge", "query": 7, "key": 6, "head": 2, "action": "cut"},
        {"kind": "mlp", "layer": 0, "action": "scale", "factor": 0.5},
    ],
}


def vector(seed, width):
    """Numbers that need not be stored: of `values`, a seed, as wide as what they stand for."""
    return torch.tensor([((7 * i + 3 * seed) % 11 - 5) / 5 for i in range(width)])


def factor_of(step):
    return 0 if step["action"] == "zero" else step["factor"]


def change(value, step, clean):
    """In place: at the step's token or at all, of [1, T, width], multiplied or set; `clean`: the same in the run without the recipe."""
    places = slice(None) if "token" not in step else slice(step["token"], step["token"] + 1)
    if step["action"] == "set":
        value[:, places] = vector(step["values"], value.shape[-1])
    elif step["action"] == "move":
        value[:, places] += step["vector"] if "vector" in step else vector(step["values"], value.shape[-1])
    elif step["action"] == "mean":
        value[:, places] = clean.mean(1, keepdim=True)
    else:
        value[:, places] *= factor_of(step)


def change_columns(step, columns, clean=None):
    """Before a projection: of its input the columns of a head or a neuron."""
    def hook(_, args):
        joined = args[0].clone()
        change(joined[..., columns(joined.shape[-1])], step, None if clean is None else clean[..., columns(joined.shape[-1])])
        return (joined, *args[1:])
    return hook


def change_output(step, clean=None):
    def hook(_, args, output):
        first = (output[0] if isinstance(output, tuple) else output).clone()
        if first.ndim == 4:
            change(first[0], step, clean)
            return first
        change(first.view(1, -1, first.shape[-1]), step, None if clean is None else clean.view(1, -1, first.shape[-1]))
        return (first, *output[1:]) if isinstance(output, tuple) else first
    return hook


def change_input(step, model, layer):
    """Of several streams the active one, which is the first; before the first layer the residual that all are made of."""
    def hook(_, args, options):
        value = (args[0] if args else options["hidden_states"]).clone()
        change(value[0] if value.ndim == 4 else value, step, None)
        if value.ndim == 4 and layer == 0:
            value = streams_of(model, value[0])
        return ((value, *args[1:]), options) if args else (args, {**options, "hidden_states": value})
    return hook


class Patterns:
    """Replaces the attention weights of heads, which every model's attention has from a softmax of four axes; a sink is one more column."""

    def __init__(self, model, recipe):
        self.steps = [step for step in recipe if step["kind"] == "pattern"]
        self.layer, self.hooks, self.kept = -1, [], None
        if not self.steps:
            return
        self.hooks = [block.register_forward_pre_hook(self.enter(layer)) for layer, block in enumerate(blocks_of(model))]
        self.kept = [(owner, getattr(owner, "softmax")) for owner in (torch.nn.functional, torch.Tensor, torch)]
        for owner, known in self.kept:
            owner.softmax = lambda *args, known=known, **options: self.told(known(*args, **options))

    def enter(self, layer):
        def hook(*_):
            self.layer = layer
        return hook

    def told(self, weights):
        length = weights.shape[-2]
        if weights.dim() != 4 or weights.shape[-1] not in (length, length + 1):
            return weights
        weights = weights.clone()
        for step in self.steps:
            if step["layer"] != self.layer:
                continue
            own = weights[:, step["head"]]
            seen = own[0, :, :length] > 0
            own.zero_()
            for query in range(length):
                if step["action"] == "uniform":
                    own[:, query, :length] = seen[query].float() / seen[query].sum()
                else:
                    own[:, query, query - 1 if query > 0 and seen[query, query - 1] else query] = 1
        return weights

    def remove(self):
        for hook in self.hooks:
            hook.remove()
        for owner, known in self.kept or []:
            owner.softmax = known


def cut_mask(step, heads):
    def changed(mask):
        mask = mask.expand(-1, heads, -1, -1).clone()
        length = mask.shape[-1]
        queries = [step["query"]] if step["kind"] == "edge" else range(step["key"] + 1, length)
        for head in range(heads) if "head" not in step else [step["head"]]:
            for query in queries:
                mask[:, head, query, step["key"]] = True if mask.dtype == torch.bool else torch.finfo(mask.dtype).min
        return mask

    def hook(_, args, options):
        if options.get("attention_mask") is not None:
            return args, {**options, "attention_mask": changed(options["attention_mask"])}
        place = next(i for i, value in enumerate(args) if isinstance(value, torch.Tensor) and value.dim() == 4 and value.shape[-1] == value.shape[-2])
        return (*args[:place], changed(args[place]), *args[place + 1:]), options
    return hook


HEADS_OUT = PROJECTIONS + ["self_attn.out_proj", "attn.out_proj", "attn.attention.out_proj"]
NEURONS = DOWN + ["fc2", "ffn.down_proj"]


def clean_values(model, ids):
    """Of the run without a recipe: heads' outputs and MLPs' outputs of each layer, and residuals."""
    seen, hooks = {}, []

    def keep(name, side):
        def hook(_, args, output):
            value = args[0] if side == "in" else output[0] if isinstance(output, tuple) else output
            seen[name] = value.detach().clone()
        return hook

    def enter(layer):
        def hook(_, args, options):
            seen[f"resid.{layer}"] = (args[0] if args else options["hidden_states"]).detach().clone()
        return hook

    for layer, block in enumerate(blocks_of(model)):
        hooks.append(submodule(block, HEADS_OUT).register_forward_hook(keep(f"head.{layer}", "in")))
        hooks.append(submodule(block, MLP_OUT + ["ffn.down_proj"]).register_forward_hook(keep(f"mlp.{layer}", "out")))
        hooks.append(block.register_forward_pre_hook(enter(layer), with_kwargs=True))
    with torch.no_grad():
        model(ids[None], use_cache=False)
    for hook in hooks:
        hook.remove()
    return seen


def fits(model, recipe):
    """Whether the model has what the recipe names: neurons of one MLP a layer, an unembedding that reads the residual."""
    kinds = {step["kind"] for step in recipe}
    if "neuron" in kinds and any(submodule(block, NEURONS) is None for block in blocks_of(model)):
        return False
    wide = model.get_output_embeddings().weight.shape[-1] == clean_width(model) and not hasattr(model.config, "altup_num_inputs")
    return wide or not any("direction" in step for step in recipe)


def clean_width(model):
    return getattr(model.config, "hidden_size", None) or model.config.d_model


def install(model, recipe, clean=None):
    clean = clean or {}
    heads = model.config.num_attention_heads
    blocks = blocks_of(model)
    hooks = [Patterns(model, recipe)]
    for step in recipe:
        for layer in range(len(blocks)) if "layer" not in step else [step["layer"]]:
            if step["kind"] == "residual":
                if "direction" in step:
                    row = model.get_output_embeddings().weight[step["direction"]].detach()
                    length = clean[f"resid.{layer}"][0, step["token"]].norm()
                    step = {**step, "values": None, "vector": row / row.norm() * length * step["strength"]}
                if layer == len(blocks):
                    hooks.append(blocks[-1].register_forward_hook(change_output(step)))
                else:
                    hooks.append(blocks[layer].register_forward_pre_hook(change_input(step, model, layer), with_kwargs=True))
                continue
            block = blocks[layer]
            if step["kind"] == "head":
                columns = lambda width, head=step["head"]: slice(head * width // heads, (head + 1) * width // heads)
                hooks.append(submodule(block, HEADS_OUT).register_forward_pre_hook(change_columns(step, columns, clean.get(f"head.{layer}"))))
            elif step["kind"] == "neuron":
                columns = lambda _, neuron=step["neuron"]: slice(neuron, neuron + 1)
                hooks.append(submodule(block, NEURONS).register_forward_pre_hook(change_columns(step, columns)))
            elif step["kind"] == "mlp":
                hooks.append(submodule(block, MLP_OUT + ["ffn.down_proj"]).register_forward_hook(change_output(step, clean.get(f"mlp.{layer}"))))
            elif step["kind"] in ("key", "edge"):
                hooks.append(submodule(block, ATTENTION).register_forward_pre_hook(cut_mask(step, heads), with_kwargs=True))
    return hooks


def main():
    found = {}
    for case in CASES:
        model, cap, golden = load(case)
        if cap is not None:
            model.config.final_logit_softcapping = cap
        ids, plain = golden["input_ids"], golden["logits"]
        changes = []
        clean = clean_values(model, ids)
        for name, recipe in RECIPES.items():
            if not fits(model, recipe):
                print(f"{case}: {name} does not fit")
                continue
            hooks = install(model, recipe, clean)
            entered = []

            def keep(_, args, options):
                value = (args[0] if args else options["hidden_states"]).detach()
                entered.append((value[0] if value.ndim == 4 else value).requires_grad_())
                value = streams_of(model, entered[0]) if value.ndim == 4 else entered[0]
                return ((value, *args[1:]), options) if args else (args, {**options, "hidden_states": value})

            hooks.append(blocks_of(model)[0].register_forward_pre_hook(keep, with_kwargs=True))
            result = model(ids[None], use_cache=False, output_attentions=name == "several")
            logits = result.logits[0]
            if name == "several":
                found.update({f"{case}/attentions.{layer}": weights[0].detach().contiguous() for layer, weights in enumerate(result.attentions)})
                found[f"{case}/gradient"] = torch.autograd.grad(logits[-1, TOKEN], entered[0])[0][0].contiguous()
            for hook in hooks:
                hook.remove()
            found[f"{case}/{name}/logits"] = logits.detach().clone().contiguous()
            changes.append((logits - plain).abs().max().item() / plain.abs().max().item())
        with torch.inference_mode():
            assert (model(ids[None], use_cache=False).logits[0] - plain).abs().max() < 1e-4, case
        print(f"{case}: heads {model.config.num_attention_heads}, logits change by {min(changes):.1e} .. {max(changes):.1e} of the largest", flush=True)
    (FIXTURES / "interventions.json").write_text(json.dumps(RECIPES, indent=1) + "\n")
    save_file(found, FIXTURES / "interventions.safetensors")


if __name__ == "__main__":
    main()
