"""Direct logit attribution by PyTorch hooks and autograd through transformers' models whose norms hold their scale: expectations of the tests of direct attribution.

    python test/reference/direct_cases.py

Needs torch, transformers 5.18 and safetensors. Reads the models under test/fixtures/models and writes test/fixtures/models/direct.safetensors, for the difference of the
two best logits of the last position, before a final soft cap: CASE/token [2], CASE/target [1], CASE/embedding [1], CASE/heads [L,H], CASE/mlp [L].
Norms become linear by hooks (their output divided by their input is a constant), and what attention and MLP read is cut off.
"""
from pathlib import Path

import torch
from safetensors.torch import save_file

from gradient_cases import PROJECTIONS, blocks_of, load, submodule

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"
CASES = ["gpt2", "llama", "gemma2.1", "gemma3_text.2", "phi.1", "bloom.1", "bloom.2", "olmo2.1", "deepseek_v3.1", "granite.1", "falcon.2", "glm4.1", "mixtral.1", "qwen2_moe.1", "gpt_oss.1", "cohere.1", "opt.1", "opt.2", "gpt_neox.1", "exaone4.1"]
ATTENTION = ["self_attn", "self_attention", "attention", "attn"]
# BLOOM's attention and MLP add the residual themselves; OPT has no module for its MLP.
MLP_IN, MLP_OUT = ["mlp", "fc1"], ["mlp.dense_4h_to_h", "mlp", "fc2"]


def hold_scale(module, args, output):
    """The norm as a linear map of its input."""
    x = args[0]
    if "LayerNorm" not in type(module).__name__:
        return x * (output / x).detach()
    centred = x - x.mean(-1, keepdim=True)
    bias = getattr(module, "bias", None)
    bias = 0 if bias is None else bias
    return centred * ((output - bias) / centred).detach() + bias


def cut(_, args, options):
    return ((args[0].detach(), *args[1:]), options) if args else (args, {**options, "hidden_states": options["hidden_states"].detach()})


def direct(model, ids, best):
    seen = {}

    def keep(name, side):
        def hook(_, args, output):
            value = args[0] if side == "in" else output[0] if isinstance(output, tuple) else output
            value.retain_grad()
            seen[name] = value
            # Falcon adds to the output of its MLP in place.
            copy = value.clone()
            return None if side == "in" else (copy, *output[1:]) if isinstance(output, tuple) else copy
        return hook

    def enter(_, args, options):
        value = args[0] if args else options["hidden_states"]
        value.retain_grad()
        seen["embedding"] = value

    blocks = blocks_of(model)
    blocks[0].register_forward_pre_hook(enter, with_kwargs=True)
    for module in model.modules():
        if type(module).__name__.endswith(("Norm", "Norm1P")):
            module.register_forward_hook(hold_scale)
    for layer, block in enumerate(blocks):
        for names in (ATTENTION, MLP_IN):
            submodule(block, names).register_forward_pre_hook(cut, with_kwargs=True)
        submodule(block, PROJECTIONS + ["self_attn.out_proj"]).register_forward_hook(keep(f"heads.{layer}", "in"))
        submodule(block, MLP_OUT).register_forward_hook(keep(f"mlp.{layer}", "out"))
    logits = model(ids[None], use_cache=False).logits[0, -1]
    target = logits[best[0]] - logits[best[1]]
    target.backward()
    terms = {name: (value * value.grad).reshape(len(ids), -1)[-1].detach() for name, value in seen.items()}
    heads = model.config.num_attention_heads
    layers = range(len(blocks))
    return {
        "target": target.detach()[None],
        "embedding": terms["embedding"].sum()[None],
        "heads": torch.stack([terms[f"heads.{layer}"].reshape(heads, -1).sum(-1) for layer in layers]),
        "mlp": torch.stack([terms[f"mlp.{layer}"].sum() for layer in layers]),
    }


def main():
    found = {}
    for case in CASES:
        model, _, golden = load(case)
        best = golden["logits"][-1].topk(2).indices.tolist()
        terms = direct(model, golden["input_ids"], best)
        found.update({f"{case}/{name}": value.contiguous() for name, value in terms.items()})
        found[f"{case}/token"] = torch.tensor(best)
        rest = terms["target"] - terms["embedding"] - terms["heads"].sum() - terms["mlp"].sum()
        print(f"{case}: target {terms['target'].item():.4f}, of it biases {rest.item():.4f}", flush=True)
    save_file(found, FIXTURES / "direct.safetensors")


if __name__ == "__main__":
    main()
