"""Steps of blocks and what each adds to the logits, by PyTorch hooks on transformers' models: expectations of the tests of the lens of steps.

    python test/reference/lens_step_cases.py

Needs torch, transformers 5.18 and safetensors. Reads the models under test/fixtures/models and writes test/fixtures/models/lensSteps.safetensors:
CASE/after.l [T,D], what block l gives with its MLP's output at 0, which is the residual after its attention;
CASE/attention.l and CASE/mlp.l [V], at position AT: what each adds to the residual there (the difference of block l's input, that, and its output), as part of the last residual through
the final norm with its scale and centre held, and the unembedding without its bias, before a final soft cap.
"""
from pathlib import Path

import torch
from safetensors.torch import save_file

from direct_cases import MLP_OUT
from gradient_cases import blocks_of, load, submodule

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"
CASES = ["gpt2", "gemma2.1", "phi.1", "granite.1", "bloom.1", "olmo2.1"]
NORMS = ["ln_f", "norm", "final_layernorm"]
AT = 5


def outputs(model, ids, without=None):
    """The input of the first block and the outputs of all; of block `without` with its MLP's output at 0."""
    seen, hooks = [], []
    zero = lambda _, __, output: (torch.zeros_like(output[0]), *output[1:]) if isinstance(output, tuple) else torch.zeros_like(output)
    blocks = blocks_of(model)

    def enter(_, args, options):
        seen.append((args[0] if args else options["hidden_states"])[0].clone())

    def leave(_, __, output):
        seen.append((output[0] if isinstance(output, tuple) else output).reshape(len(ids), -1).clone())

    hooks.append(blocks[0].register_forward_pre_hook(enter, with_kwargs=True))
    hooks += [block.register_forward_hook(leave) for block in blocks]
    if without is not None:
        hooks.append(submodule(blocks[without], MLP_OUT).register_forward_hook(zero))
    model(ids[None], use_cache=False)
    for hook in hooks:
        hook.remove()
    return seen


def held(model, part, whole):
    """[V], of a part of the last residual at one position."""
    norm = submodule(model.base_model, NORMS)
    read = norm(whole[None])[0]
    if "LayerNorm" in type(norm).__name__:
        bias = getattr(norm, "bias", None)
        read = (read - (0 if bias is None else bias)) / (whole - whole.mean()) * (part - part.mean())
    else:
        read = read / whole * part
    return model.get_output_embeddings().weight @ read / getattr(model.config, "logits_scaling", 1)


def main():
    torch.set_num_threads(1)
    found = {}
    with torch.no_grad():
        for case in CASES:
            print(case, flush=True)
            model, _, golden = load(case)
            ids = golden["input_ids"]
            seen = outputs(model, ids)
            for layer in range(len(blocks_of(model))):
                after = outputs(model, ids, layer)[layer + 1]
                found[f"{case}/after.{layer}"] = after
                found[f"{case}/attention.{layer}"] = held(model, (after - seen[layer])[AT], seen[-1][AT])
                found[f"{case}/mlp.{layer}"] = held(model, (seen[layer + 1] - after)[AT], seen[-1][AT])
    save_file({name: value.contiguous() for name, value in found.items()}, FIXTURES / "lensSteps.safetensors")


if __name__ == "__main__":
    main()
