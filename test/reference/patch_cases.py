"""Patching between two texts by PyTorch hooks on transformers' models: expectations of the tests of patching.

    python test/reference/patch_cases.py

Needs torch, transformers 5.18 and safetensors. Reads the models under test/fixtures/models and writes test/fixtures/models/patches.safetensors. The clean text is that of the golden
case; in the corrupted one, CASE/corrupted [T], two tokens differ. CASE/target [3]: position (the last but one), the clean text's best token there and the best other one of the corrupted
text; CASE/values [2]: their logits' difference, before a final soft cap, in each text. CASE/residual, CASE/attention, CASE/mlp [L, position + 1] and CASE/heads [L,H]: the share of the
difference that is restored where one number of the corrupted run is set to that of the clean run, by the hooks of intervention_cases.py: the input of a block, the input of attention's
output projection (of all heads or of one, at all tokens) and the MLP's output. CASE/estimate [L, position + 1]: the gradient of autograd at the input of each block of the corrupted run
times what the clean run's input differs by, as a share.
"""
import torch
from safetensors.torch import save_file

from direct_cases import MLP_OUT
from gradient_cases import blocks_of, gradients, load, streams_of, submodule
from intervention_cases import FIXTURES, HEADS_OUT, clean_values

CASES = ["gpt2", "llama", "qwen3.1", "gemma2.3", "phi.1", "falcon.2", "bloom.1", "mpt.3", "gpt_oss.1", "deepseek_v3.1", "mixtral.1", "olmo2.1", "cohere.1", "glm4.1", "gemma3n_text.1"]


def patched(model, ids, place, kind, layer, columns, clean):
    """Logits of the run in which rows `place` and `columns` of a value are the clean run's."""
    block = blocks_of(model)[layer]
    source = clean[f"{kind}.{layer}"]

    def put(value):
        value = value.clone()
        if value.ndim == 4:
            # Of several streams the active one, which is the first; before the first layer the residual that all are made of.
            value[0][:, place, columns] = source[0][:, place, columns]
            return streams_of(model, value[0]) if layer == 0 else value
        flat, wanted = value.view(1, len(ids), -1), source.view(1, len(ids), -1)
        flat[:, place, columns] = wanted[:, place, columns]
        return value

    if kind == "resid":
        def hook(_, args, options):
            return ((put(args[0]), *args[1:]), options) if args else (args, {**options, "hidden_states": put(options["hidden_states"])})
        handle = block.register_forward_pre_hook(hook, with_kwargs=True)
    elif kind == "head":
        handle = submodule(block, HEADS_OUT).register_forward_pre_hook(lambda _, args: (put(args[0]), *args[1:]))
    else:
        def hook(_, args, output):
            return (put(output[0]), *output[1:]) if isinstance(output, tuple) else put(output)
        handle = submodule(block, MLP_OUT + ["ffn.down_proj"]).register_forward_hook(hook)
    with torch.no_grad():
        logits = model(ids[None], use_cache=False).logits[0]
    handle.remove()
    return logits


def main():
    found = {}
    for case in CASES:
        model, _, golden = load(case)
        ids = golden["input_ids"]
        corrupted = ids.clone()
        vocab = model.config.vocab_size
        corrupted[2], corrupted[4] = (ids[2] + 3) % vocab, (ids[4] + 5) % vocab
        position = len(ids) - 2
        with torch.no_grad():
            of = [model(one[None], use_cache=False).logits[0] for one in (ids, corrupted)]
        token = of[0][position].argmax().item()
        rival = next(id for id in of[1][position].argsort(descending=True).tolist() if id != token)
        difference = lambda logits: (logits[position, token] - logits[position, rival]).item()
        values = [difference(logits) for logits in of]
        share = lambda logits: (difference(logits) - values[1]) / (values[0] - values[1])
        clean = clean_values(model, ids)
        layers, heads, everything = len(blocks_of(model)), model.config.num_attention_heads, slice(None)
        cell = lambda place, kind, layer, columns=everything: share(patched(model, corrupted, place, kind, layer, columns, clean))
        for grid, kind in (("residual", "resid"), ("attention", "head"), ("mlp", "mlp")):
            found[f"{case}/{grid}"] = torch.tensor([[cell(slice(token, token + 1), kind, layer) for token in range(position + 1)] for layer in range(layers)])
        width = clean["head.0"].shape[-1] // heads
        found[f"{case}/heads"] = torch.tensor([[cell(slice(0, position + 1), "head", layer, slice(head * width, (head + 1) * width)) for head in range(heads)] for layer in range(layers)])
        own = clean_values(model, corrupted)
        slopes = gradients(model, None, corrupted, ("difference", position, token, rival), False)
        found[f"{case}/estimate"] = torch.stack([
            ((clean[f"resid.{layer}"] - own[f"resid.{layer}"]).reshape(-1, len(ids), own[f"resid.{layer}"].shape[-1])[0] * slopes[f"resid.{layer}"]).sum(-1)[: position + 1] / (values[0] - values[1]) for layer in range(layers)
        ]).detach().contiguous()
        found[f"{case}/corrupted"], found[f"{case}/target"], found[f"{case}/values"] = corrupted, torch.tensor([position, token, rival]), torch.tensor(values)
        print(f"{case}: clean {values[0]:.3f}, corrupted {values[1]:.3f}", flush=True)
    save_file(found, FIXTURES / "patches.safetensors")


if __name__ == "__main__":
    main()
