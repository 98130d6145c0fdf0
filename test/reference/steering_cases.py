"""Steering by PyTorch hooks on transformers' models: expectations of the tests of steering vectors.

    python test/reference/steering_cases.py

Needs torch, transformers 5.18, safetensors and gguf. Reads the models under test/fixtures/models and writes there steering.json, the recipes and token sequences by name, and
steering.safetensors, of float32 eager models:
CASE/RECIPE/logits [4,vocab], of positions ROWS, in one pass over the ids, of which the first PROMPT are the prompt's. The hooks add to what a block reads, or to what the last one gives.
CASE/RECIPE/generated [N], ids generated greedily after the prompt with the cache of keys and values: the hooks of `prompt` act in the first call alone, those of `generated` in the others.
CASE/vectors.last, CASE/vectors.mean [L+1,D], mean of POSITIVE less mean of NEGATIVE of the residual at the last token, or of its mean over the tokens; CASE/lengths [L+1], the median
length of the residual of all their tokens.
Also steering-u32.gguf and steering-i32.gguf, control vectors for the model of CASE "llama" as gguf's writer makes them, with "controlvector.layer_count" as repeng and as llama.cpp write it;
llama/controlVector/logits [4,vocab], with direction.N times STRENGTH added to the output of block N, counted from 0, as llama.cpp does it.
"""
import json
from pathlib import Path

import gguf
import torch
from safetensors.torch import save_file

from gradient_cases import blocks_of, load
from intervention_cases import vector

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"
CASES = ["gpt2", "llama", "gemma2.3", "phi.1", "bloom.1", "mixtral.1"]
PROMPT, NEW, STRENGTH = 6, 4, 0.75
ROWS = [0, PROMPT - 1, PROMPT, 7]
RECIPES = {
    "all": [{"kind": "steer", "layer": 1, "action": "add", "values": 1, "strength": 0.5}],
    "prompt": [{"kind": "steer", "layer": 0, "action": "add", "values": 2, "strength": -0.8, "on": "prompt"}, {"kind": "steer", "layer": 2, "action": "add", "values": 3, "strength": 0.3}],
    "generated": [{"kind": "steer", "layer": 1, "action": "add", "values": 4, "strength": 6, "on": "generated"}],
}
POSITIVE = [[3, 17, 9, 21], [5, 8], [11, 2, 30, 7, 19]]
NEGATIVE = [[4, 16, 23], [12, 6, 25, 1]]


def add(value, step, where):
    """A copy of [1, T, D] with the step's vector added at these positions."""
    value = value.clone()
    moved = vector(step["values"], value.shape[-1]) if isinstance(step["values"], int) else step["values"]
    value[:, where] += step["strength"] * moved
    return value


def install(model, recipe, where_of):
    """`where_of(step, tokens)`: the positions of a call's input at which the step acts."""
    blocks = blocks_of(model)
    hooks = []
    for step in recipe:
        def enter(_, args, options, step=step):
            value = args[0] if args else options["hidden_states"]
            value = add(value, step, where_of(step, value.shape[1]))
            return ((value, *args[1:]), options) if args else (args, {**options, "hidden_states": value})

        def leave(_, args, output, step=step):
            value = output[0] if isinstance(output, tuple) else output
            value = add(value, step, where_of(step, value.shape[1]))
            return (value, *output[1:]) if isinstance(output, tuple) else value

        if step["layer"] == len(blocks):
            hooks.append(blocks[-1].register_forward_hook(leave))
        else:
            hooks.append(blocks[step["layer"]].register_forward_pre_hook(enter, with_kwargs=True))
    return hooks


def whole(step, tokens):
    return {None: slice(None), "prompt": slice(0, PROMPT), "generated": slice(PROMPT, None)}[step.get("on")]


def generated(model, ids, recipe):
    calls = {"done": 0}
    places = lambda step, tokens: slice(None) if step.get("on") in (None, "prompt" if calls["done"] == 0 else "generated") else slice(0, 0)
    hooks = install(model, recipe, places)
    out, past, read = [], None, ids[None, :PROMPT]
    for _ in range(NEW):
        result = model(read, past_key_values=past, use_cache=True)
        calls["done"] += 1
        past, best = result.past_key_values, result.logits[0, -1].topk(2)
        assert best.values[0] - best.values[1] > 1e-4
        out.append(best.indices[0].item())
        read = torch.tensor([out[-1:]])
    for hook in hooks:
        hook.remove()
    return torch.tensor(out, dtype=torch.int64)


def residuals(model, ids):
    """[L+1,T,D], before each block and after the last."""
    seen, hooks = [], []
    blocks = blocks_of(model)
    for block in blocks:
        hooks.append(block.register_forward_pre_hook(lambda _, args, options: seen.append((args[0] if args else options["hidden_states"])[0].clone()), with_kwargs=True))
    hooks.append(blocks[-1].register_forward_hook(lambda _, args, output: seen.append((output[0] if isinstance(output, tuple) else output).view(len(ids), -1).clone())))
    model(torch.tensor([ids]), use_cache=False)
    for hook in hooks:
        hook.remove()
    return torch.stack(seen)


def write_gguf(path, directions, as_i32):
    writer = gguf.GGUFWriter(path, "controlvector")
    writer.add_string("controlvector.model_hint", "llama")
    (writer.add_int32 if as_i32 else writer.add_uint32)("controlvector.layer_count", len(directions))
    writer.add_name("spring")
    writer.add_description("made by hand")
    for index, direction in directions.items():
        writer.add_tensor(f"direction.{index}", direction.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@torch.no_grad()
def main():
    found = {}
    for case in CASES:
        model, cap, golden = load(case)
        if cap is not None:
            model.config.final_logit_softcapping = cap
        ids = golden["input_ids"]
        for name, recipe in RECIPES.items():
            hooks = install(model, recipe, whole)
            found[f"{case}/{name}/logits"] = model(ids[None], use_cache=False).logits[0, ROWS].clone().contiguous()
            for hook in hooks:
                hook.remove()
            found[f"{case}/{name}/generated"] = generated(model, ids, recipe)
        assert (model(ids[None], use_cache=False).logits[0] - golden["logits"]).abs().max() < 1e-4, case
        plain = generated(model, ids, [])
        both = [[residuals(model, text) for text in texts] for texts in (POSITIVE, NEGATIVE)]
        for name, read in (("last", lambda rows: rows[:, -1]), ("mean", lambda rows: rows.mean(1))):
            up, down = (torch.stack([read(rows) for rows in texts]).mean(0) for texts in both)
            found[f"{case}/vectors.{name}"] = (up - down).contiguous()
        lengths = torch.cat([rows.norm(dim=-1) for texts in both for rows in texts], 1)
        found[f"{case}/lengths"] = lengths.quantile(0.5, dim=1)
        print(case, plain.tolist(), {name: found[f"{case}/{name}/generated"].tolist() for name in RECIPES})
        if case == "llama":
            layers, width = len(blocks_of(model)), model.config.hidden_size
            directions = {index: vector(20 + index, width) for index in range(1, layers)}
            write_gguf(FIXTURES / "steering-u32.gguf", directions, False)
            write_gguf(FIXTURES / "steering-i32.gguf", directions, True)
            steps = [{"layer": index + 1, "values": direction, "strength": STRENGTH} for index, direction in directions.items()]
            hooks = install(model, steps, lambda step, tokens: slice(None))
            found["llama/controlVector/logits"] = model(ids[None], use_cache=False).logits[0, ROWS].clone().contiguous()
            for hook in hooks:
                hook.remove()
    cases = {"prompt": PROMPT, "rows": ROWS, "strength": STRENGTH, "recipes": RECIPES, "positive": POSITIVE, "negative": NEGATIVE}
    (FIXTURES / "steering.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(found, FIXTURES / "steering.safetensors")


if __name__ == "__main__":
    main()
