"""Gradients by PyTorch's autograd through transformers' models: expectations of the tests of gradients.

    python test/reference/gradient_cases.py [CASE or FAMILY ...]

Needs torch, transformers 5.18 and safetensors. Reads the models under test/fixtures/models and writes test/fixtures/models/gradients.safetensors (of the named cases alone, the others stay), of float32 eager models:
CASE/TARGET/resid.l [T,D], the gradient of the target at the input of block l; of CASES_OF_PARTS also concatenatedHeads.l [T,heads*valueDim] (heads' outputs before the projection),
weights.l [H,T,T], hidden.l [T,neurons] and mlpOutput.l [T,D]; CASE/targets, for `logit` and `difference` position, token and rival (-1: none), for `logprob` position and token.
`logit`: of the last position's best token; `difference`: of the two best at a middle position; both before a final soft cap. `logprob`: of the third best there, after the cap.
Of every model under hybrids, CASE/target and CASE/resid.l of `difference` alone: hybridGradients.safetensors, by the word `hybrids`.
A second check of the reference itself: central finite differences with the model in float64, at a few numbers of every block's input.
"""
import json
import sys
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import family_cases

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"
WHOLE = ["gpt2", "llama", "llama_yarn"]
CASES_OF_PARTS = ["gpt2", "llama", "qwen3.1", "gemma2.1", "phi.1", "gpt_neox.1", "bloom.1", "deepseek_v3.1", "gpt_oss.1", "olmo2.1", "falcon.2"]
PROJECTIONS = ["self_attn.o_proj", "self_attn.dense", "attention.dense", "self_attention.dense", "attn.c_proj"]
DOWN = ["mlp.down_proj", "mlp.fc2", "mlp.c_proj", "mlp.dense_4h_to_h"]
STEP, FINITE_TOLERANCE = 1e-5, 2e-3


def blocks_of(model):
    return next(m for name, m in model.named_modules() if isinstance(m, torch.nn.ModuleList) and len(m) > 1 and name.rpartition(".")[2] in ("layers", "h", "blocks"))


def submodule(block, names):
    for name in names:
        try:
            return block.get_submodule(name)
        except AttributeError:
            pass
    return None


def streams_of(model, first):
    """Gemma 3n's streams [n,1,T,D] of the first residual [1,T,D]."""
    size = first.square().mean(-1, keepdim=True).sqrt()
    others = [matrix(first) for matrix in model.model.altup_projections]
    return torch.stack([first, *(x * size / x.square().mean(-1, keepdim=True).clamp(min=1e-5).sqrt() for x in others)])


def gradient_of(watch, name, value, tokens):
    """Of several streams that of the active one; at the first layer, where all of them are made of one residual, of that."""
    if value.ndim == 4 and name.startswith("resid."):
        first = value.detach()[0].requires_grad_()
        whole = torch.autograd.grad(streams_of(watch.model, first), first, value.grad)[0] if name == "resid.0" else value.grad[watch.active]
        return whole[0].clone().contiguous()
    return (value.grad if value.grad.shape[-2:] == (tokens, tokens) else value.grad.reshape(1, tokens, -1))[0].clone().contiguous()


class Watch:
    """The input of every block, and of some models what is inside; `moved` (layer, row, column, step) is added to an input."""

    def __init__(self, model, parts, moved=None):
        self.seen, self.hooks, self.model = {}, [], model
        self.active = getattr(model.config, "altup_active_idx", 0)
        for layer, block in enumerate(blocks_of(model)):
            self.hooks.append(block.register_forward_pre_hook(self.enter(layer, moved), with_kwargs=True))
            if not parts:
                continue
            for names, side, name in ((PROJECTIONS, "in", "concatenatedHeads"), (DOWN, "in", "hidden"), (DOWN, "out", "mlpOutput")):
                module = submodule(block, names)
                if module is not None:
                    self.hooks.append(module.register_forward_hook(self.keep(f"{name}.{layer}", side)))

    def enter(self, layer, moved):
        def hook(_, args, options):
            value = args[0] if args else options["hidden_states"]
            if moved is not None and moved[0] == layer:
                change = torch.zeros_like(value)
                change[(self.active, 0, moved[1], moved[2]) if value.ndim == 4 else (0, moved[1], moved[2])] = moved[3]
                value = value + change
                if value.ndim == 4 and layer == 0:
                    value = streams_of(self.model, value[0])
            # What else reads the embedding, as Gemma's vectors of each layer do, is not behind the residual.
            if layer == 0:
                value = value.clone()
            # A leaf of the graph would not be part of what follows; the first input already is one, of the embedding.
            if value.requires_grad:
                value.retain_grad()
            self.seen[f"resid.{layer}"] = value
            return ((value, *args[1:]), options) if args else (args, {**options, "hidden_states": value})
        return hook

    def keep(self, name, side):
        def hook(_, args, output):
            value = args[0] if side == "in" else output
            value.retain_grad()
            self.seen[name] = value
        return hook

    def close(self):
        for hook in self.hooks:
            hook.remove()


def capped(logits, cap):
    return logits if cap is None else cap * torch.tanh(logits / cap)


def value_of(logits, cap, target):
    name, position, token, rival = target
    if name == "logprob":
        return torch.log_softmax(capped(logits[position], cap), -1)[token]
    return logits[position, token] - (logits[position, rival] if rival >= 0 else 0)


def load(case, dtype=torch.float32):
    folder = next(path for path in (FIXTURES / case, FIXTURES / "hybrids" / case, FIXTURES / "families" / case) if path.exists())
    kind = family_cases.kind_of(json.loads((folder / "config.json").read_text()))
    model = kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32, experts_implementation="eager").eval().to(dtype)
    cap = getattr(model.config, "final_logit_softcapping", None)
    if cap is not None:
        # Some configurations check what is set by name.
        vars(model.config)["final_logit_softcapping"] = None
    return model, cap, load_file(folder / "golden.safetensors")


def gradients(model, cap, ids, target, parts):
    watch = Watch(model, parts)
    result = model(ids[None], output_attentions=parts, use_cache=False)
    if parts:
        for layer, weights in enumerate(result.attentions):
            weights.retain_grad()
            watch.seen[f"weights.{layer}"] = weights
    model.zero_grad()
    value_of(result.logits[0], cap, target).backward()
    watch.close()
    return {name: gradient_of(watch, name, value, len(ids)) for name, value in watch.seen.items()}


@contextmanager
def float64_throughout():
    """The reference computes attention's softmax, norms, positions and routing as float32 whatever the model's type: finite differences need them as float64."""
    wide = lambda dtype: torch.float64 if dtype is torch.float32 else dtype
    replaced = [(torch.nn.functional, "softmax"), (torch.Tensor, "softmax"), (torch.Tensor, "to"), (torch.Tensor, "type"), (torch.Tensor, "float")]
    kept = [getattr(owner, name) for owner, name in replaced]
    for (owner, name), known in zip(replaced, kept):
        if name == "float":
            setattr(owner, name, lambda self: self.to(torch.float64))
        else:
            setattr(owner, name, lambda *args, known=known, **options: known(*map(wide, args), **{key: wide(value) for key, value in options.items()}))
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        for (owner, name), known in zip(replaced, kept):
            setattr(owner, name, known)


def check_finite(model, cap, ids, target, found):
    """Worst difference of finite differences, relative to the largest gradient of the block."""
    worst = 0
    for layer in range(len(blocks_of(model))):
        expected = found[f"resid.{layer}"]
        for row, column in ((0, 1), (target[1], 3), (target[1] // 2, 5)):
            values = []
            for step in (STEP, -STEP):
                watch = Watch(model, False, (layer, row, column, step))
                with torch.no_grad():
                    values.append(value_of(model(ids[None], use_cache=False).logits[0], cap, target))
                watch.close()
            slope = (values[0] - values[1]) / (2 * STEP)
            worst = max(worst, abs(slope - expected[row, column].double()).item() / expected.abs().max().item())
    return worst


def hybrids():
    found = {}
    for case in sorted(path.name for path in (FIXTURES / "hybrids").iterdir()):
        model, cap, golden = load(case)
        ids = golden["input_ids"]
        position = len(ids) - 3
        target = ("difference", position, *golden["logits"][position].topk(2).indices.tolist())
        found[f"{case}/target"] = torch.tensor(target[1:])
        found.update({f"{case}/{name}": value for name, value in gradients(model, cap, ids, target, False).items()})
        print(case)
    save_file(found, FIXTURES / "hybridGradients.safetensors")


def main(wanted):
    if wanted == ["hybrids"]:
        return hybrids()
    if not wanted:
        hybrids()
    found, apart = load_file(FIXTURES / "gradients.safetensors") if wanted else {}, []
    cases = [*WHOLE, *sorted(path.name for path in (FIXTURES / "families").iterdir())]
    for case in cases:
        if wanted and case not in wanted and case.rpartition(".")[0] not in wanted:
            continue
        model, cap, golden = load(case)
        ids, logits = golden["input_ids"], golden["logits"]
        middle = len(ids) // 2
        best = logits[middle].topk(3).indices.tolist()
        targets = [("logit", len(ids) - 1, logits[-1].argmax().item(), -1), ("difference", middle, best[0], best[1]), ("logprob", middle, best[2], -1)]
        found[f"{case}/targets"] = torch.tensor([target[1:] for target in targets])
        for target in targets:
            parts = case in CASES_OF_PARTS and target[0] == "difference"
            for name, value in gradients(model, cap, ids, target, parts).items():
                if target[0] != "logprob" or name == "resid.0":
                    found[f"{case}/{target[0]}/{name}"] = value
        difference = {name[len(case) + 12:]: value for name, value in found.items() if name.startswith(f"{case}/difference/")}
        double, cap, _ = load(case, torch.float64)
        with float64_throughout():
            worst = check_finite(double, cap, ids, targets[1], difference)
        print(f"{case}: finite differences {worst:.1e}", flush=True)
        if not worst <= FINITE_TOLERANCE:
            apart.append(case)
    save_file(found, FIXTURES / "gradients.safetensors")
    if apart:
        sys.exit(f"Autograd and finite differences are apart: {', '.join(apart)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
