"""Attribution to words by PyTorch through transformers' models, its formulas written again: expectations of the tests of attribution.

    python test/reference/attribution_cases.py

Needs torch, transformers 5.18 and safetensors. Reads the models under test/fixtures/models and writes test/fixtures/models/attribution.safetensors, for the difference of the
two best logits of the last position but one, before a final soft cap: CASE/target [3], the position, the token and its rival; CASE/value [1]; CASE/METHOD [T] with
gradient-x-input: the gradient at the input of the first block times that input;
integrated-gradients (Sundararajan et al. 2017): its mean on the straight line to that input from the one of which every row of the embedding table is their mean, at STEPS
points of Gauss and Legendre, times the difference of the two; CASE/baseline [1], the target there, where the sum is
within EXACT of the difference: the models are random, and some turn too sharply on the way for any rule;
hidden: the target less that with the token's key cut for all later queries, by a hook before attention that writes the lowest number into its mask;
replaced: the target less that with the token's row of the embedding table replaced by the mean row; removed: less that of the text without the token;
value-weighted (Kobayashi et al. 2020): of attention's weights times the cached values through the output projection, the lengths' shares, averaged over the layers;
deletion [position + 1]: the log-probability of the token with none to all of the tokens before the position hidden like this, the first of the text first;
rollout (Abnar and Zuidema 2020): of the product of (mean weights / their sum + identity) / 2;
alti-logit (Ferrando et al. 2023): of each layer what attention brings of each token times the direction of the target, norms held, times the product of the matrices of the
layers below, whose rows are the shares of max(0, ||y|| - ||y - part||), sums of absolute values, of the residual y behind attention; CASE/attention [1], what it sums to: of all
layers the output of the heads times that direction, by autograd.
Of SPAN_CASES also CASE/span [2], the first and the last position of those whose next tokens are the target together, the sum of their log-probabilities: CASE/span/value [1],
CASE/span/METHOD [T] and CASE/span/deletion as above; a token of the span that is removed is left out of both sums.
"""
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import DynamicCache

from direct_cases import ATTENTION, MLP_IN, cut, hold_scale
from gradient_cases import PROJECTIONS, blocks_of, capped, load, submodule
from intervention_cases import install

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"
CASES = ["gpt2", "llama", "gemma2.1", "gemma3_text.2", "phi.1", "bloom.1", "olmo2.1", "deepseek_v3.1", "granite.1", "falcon.2", "glm4.1", "mixtral.1", "gpt_oss.1", "cohere.1", "opt.1", "opt.3", "mpt.1", "gpt_neox.1", "exaone4.1"]
# Norms on the stream: of these alti-logit alone.
STREAM_CASES = ["bloom.2", "opt.2"]
SPAN_CASES = ["gpt2", "llama", "gemma2.1", "bloom.1", "mixtral.1", "cohere.1"]
# Norms behind attention before it is added, and of the stream after that; what a norm before the MLP reads is a check of the residual there.
POST = {"gemma2.1": "post_attention_layernorm", "gemma3_text.2": "post_attention_layernorm", "olmo2.1": "post_attention_layernorm", "exaone4.1": "post_attention_layernorm", "glm4.1": "post_self_attn_layernorm"}
STREAM = {"opt.2": "self_attn_layer_norm"}
BEFORE_MLP = {"gpt2": "ln_2", "llama": "post_attention_layernorm", "gemma2.1": "pre_feedforward_layernorm", "bloom.1": "post_attention_layernorm", "bloom.2": "post_attention_layernorm", "granite.1": "post_attention_layernorm", "mixtral.1": "post_attention_layernorm", "gpt_oss.1": "post_attention_layernorm", "deepseek_v3.1": "post_attention_layernorm", "glm4.1": "post_attention_layernorm", "opt.1": "final_layer_norm", "opt.2": "fc1"}
OUTPUT = PROJECTIONS + ["self_attn.out_proj", "attn.out_proj", "attn.attention.out_proj"]
STEPS = 48
EXACT = 2e-3


def run(model, ids, start=None):
    """The logits, and the input of the first block; `start` [T,D] in its place."""
    seen = {}

    def enter(_, args, options):
        value = args[0] if args else options["hidden_states"]
        if start is not None:
            value = start.reshape(value.shape)
        seen["start"] = value
        return ((value, *args[1:]), options) if args else (args, {**options, "hidden_states": value})

    hook = blocks_of(model)[0].register_forward_pre_hook(enter, with_kwargs=True)
    result = model(ids[None], use_cache=False)
    hook.remove()
    return result.logits[0], seen["start"].reshape(len(ids), -1)


def mean_start(model, ids):
    """The input of the first block where all rows of the embedding table are the mean of those that are not 0."""
    weight = model.get_input_embeddings().weight
    kept = weight.detach().clone()
    with torch.no_grad():
        weight.copy_(kept[kept.abs().sum(-1) > 0].double().mean(0).float().expand_as(kept))
        _, start = run(model, ids)
        weight.copy_(kept)
    return start.detach()


def slope(model, ids, start, target):
    start = start.detach().requires_grad_()
    logits, _ = run(model, ids, start)
    value = target(logits)
    value.backward()
    return start.grad, value.item()


def latent_values(model, ids):
    """Values as attention reads them, of a model that caches what they are made from."""
    if not hasattr(model.config, "kv_lora_rank"):
        return None
    module, seen = sys.modules[type(model).__module__], []
    attend = module.eager_attention_forward

    def listen(own, query, key, value, *args, **options):
        seen.append(value)
        return attend(own, query, key, value, *args, **options)

    module.eager_attention_forward = listen
    model(ids[None], use_cache=False)
    module.eager_attention_forward = attend
    return seen


def attention(model, ids, position):
    result = model(ids[None], output_attentions=True, past_key_values=DynamicCache())
    shares, product = torch.zeros(len(ids)), torch.eye(len(ids))
    seen = latent_values(model, ids) or [layer.values for layer in result.past_key_values.layers]
    for block, weights, values in zip(blocks_of(model), result.attentions, seen):
        weights = weights[0]
        values = values[0].repeat_interleave(len(weights) // len(values[0]), 0)
        projection = submodule(block, OUTPUT)
        brought = (weights[:, position, :, None] * values).transpose(0, 1).flatten(1)
        lengths = (projection(brought) - projection(torch.zeros_like(brought))).norm(dim=-1)
        shares += lengths / lengths.sum() / len(result.attentions)
        mean = weights.mean(0)
        product = (mean / mean.sum(-1, keepdim=True) + torch.eye(len(ids))) / 2 @ product
    return {"value-weighted": shares, "rollout": product[position]}


def directions(model, ids, position, difference):
    """By layer the gradient of the target at the heads' outputs of the position, norms held and what attention and MLP read cut off, and those outputs."""
    seen, hooks = [], []

    def keep(_, args, output):
        args[0].retain_grad()
        seen.append(args[0])

    for module in model.modules():
        if type(module).__name__.endswith(("Norm", "Norm1P")):
            hooks.append(module.register_forward_hook(hold_scale))
    for block in blocks_of(model):
        for names in (ATTENTION, MLP_IN + ["ffn"]):
            hooks.append(submodule(block, names).register_forward_pre_hook(cut, with_kwargs=True))
        hooks.append(submodule(block, OUTPUT).register_forward_hook(keep))
    difference(model(ids[None], use_cache=False).logits[0, position]).backward()
    for hook in hooks:
        hook.remove()
    return [(value.grad[0, position].flatten(), value[0, position].flatten().detach()) for value in seen]


def held(norm, whole):
    """The norm as a linear map of parts of its input `whole` [T,D], for each of them."""
    if norm is None:
        return lambda part: part
    output = norm(whole)
    if "LayerNorm" not in type(norm).__name__:
        return lambda part: part * (output / whole)[:, None]
    bias = getattr(norm, "bias", None)
    factor = (output - (0 if bias is None else bias)) / (whole - whole.mean(-1, keepdim=True))
    return lambda part: (part - part.mean(-1, keepdim=True)) * factor[:, None]


def alti(model, case, ids, position, difference):
    enter, before_mlp = [], []
    hooks = [block.register_forward_pre_hook(lambda _, args, options: enter.append(args[0] if args else options["hidden_states"]), with_kwargs=True) for block in blocks_of(model)]
    if case in BEFORE_MLP:
        hooks += [block.get_submodule(BEFORE_MLP[case]).register_forward_pre_hook(lambda _, args: before_mlp.append(args[0])) for block in blocks_of(model)]
    with torch.no_grad():
        result = model(ids[None], output_attentions=True, past_key_values=DynamicCache())
        values = latent_values(model, ids) or [layer.values for layer in result.past_key_values.layers]
    for hook in hooks:
        hook.remove()
    slopes = directions(model, ids, position, difference)
    total, mixed, said = torch.zeros(len(ids)), torch.eye(len(ids)), 0
    for layer, block in enumerate(blocks_of(model)):
        with torch.no_grad():
            weights, start = result.attentions[layer][0], enter[layer].reshape(len(ids), -1)
            each = values[layer][0].repeat_interleave(len(weights) // len(values[layer][0]), 0)
            brought = (weights[..., None] * each[:, None]).permute(1, 2, 0, 3).flatten(2)
            projection, post, stream = submodule(block, OUTPUT), submodule(block, [POST.get(case, "")]) if case in POST else None, block.get_submodule(STREAM[case]) if case in STREAM else None
            if getattr(model.config, "apply_residual_connection_post_layernorm", False):
                start = block.input_layernorm(start)
            output = projection(brought.sum(1))
            factor = getattr(model.config, "residual_multiplier", 1)
            added = start + factor * (output if post is None else post(output))
            parts = factor * held(post, output)(projection(brought) - projection(torch.zeros_like(brought)))
            parts[range(len(ids)), range(len(ids))] += start
            parts, whole = held(stream, added)(parts), added if stream is None else stream(added)
            if case in BEFORE_MLP:
                assert (whole - before_mlp[layer].reshape(len(ids), -1)).abs().max() < 1e-4 * whole.abs().max(), (case, layer)
            near = (whole.abs().sum(-1, keepdim=True) - (whole[:, None] - parts).abs().sum(-1)).clamp(min=0).tril()
            slope, heads = slopes[layer]
            said += slope @ heads
            total += (brought[position] @ slope) @ mixed
            mixed = near / near.sum(-1, keepdim=True) @ mixed
    assert torch.isfinite(total).all(), case
    return {"alti-logit": total, "attention": said.reshape(1)}


def left_out(model, ids, position, target, value, start):
    average = mean_start(model, ids)
    hidden, replaced, removed = (torch.zeros(len(ids)) for _ in range(3))
    for token in range(position + 1):
        hooks = install(model, [{"kind": "key", "key": token, "action": "cut"}])
        hidden[token] = value - target(model(ids[None], use_cache=False).logits[0, position])
        for hook in hooks:
            hook.remove()
        changed = start.clone()
        changed[token] = average[token]
        replaced[token] = value - target(run(model, ids, changed)[0][position])
        removed[token] = value - target(model(torch.cat([ids[:token], ids[token + 1:]])[None], use_cache=False).logits[0, position - 1])
    return {"hidden": hidden, "replaced": replaced, "removed": removed}


def deletion(model, cap, ids, position, token):
    found = []
    for count in range(position + 1):
        hooks = install(model, [{"kind": "key", "key": key, "action": "cut"} for key in range(count)])
        found.append(torch.log_softmax(capped(model(ids[None], use_cache=False).logits[0, position], cap), -1)[token])
        for hook in hooks:
            hook.remove()
    return torch.stack(found)


def attribution(model, case, cap, ids, position, token, rival):
    difference = lambda logits: logits[token] - logits[rival]
    if case in STREAM_CASES:
        with torch.no_grad():
            value = difference(model(ids[None], use_cache=False).logits[0, position])
        return {"value": value.reshape(1)} | alti(model, case, ids, position, difference)
    target = lambda logits: difference(logits[position])
    _, start = run(model, ids)
    start = start.detach()
    gradient, value = slope(model, ids, start, target)
    baseline = mean_start(model, ids)
    total = torch.zeros_like(start, dtype=torch.float64)
    for point, weight in zip(*np.polynomial.legendre.leggauss(STEPS)):
        total += weight / 2 * slope(model, ids, baseline + (point + 1) / 2 * (start - baseline), target)[0]
    integrated = (total * (start - baseline)).sum(-1).float()
    _, empty = slope(model, ids, baseline, target)
    print(f"  integrated {integrated.sum().item():.5f} of {value - empty:.5f}", flush=True)
    found = {"value": torch.tensor([value]), "gradient-x-input": (gradient * start).sum(-1)}
    if abs(integrated.sum().item() - (value - empty)) < EXACT * abs(value - empty):
        found |= {"baseline": torch.tensor([empty]), "integrated-gradients": integrated}
    found |= alti(model, case, ids, position, difference)
    with torch.no_grad():
        found["deletion"] = deletion(model, cap, ids, position, token)
        return found | left_out(model, ids, position, difference, value, start) | attention(model, ids, position)


def span(model, cap, ids, first, last):
    follows = lambda text, places: [torch.log_softmax(capped(text[place], cap), -1)[token] for place, token in places]
    places = [(place, ids[place + 1]) for place in range(first, last + 1)]
    target = lambda logits: sum(follows(logits, places))
    logits, start = run(model, ids)
    start = start.detach()
    gradient, value = slope(model, ids, start, target)
    baseline = mean_start(model, ids)
    total = torch.zeros_like(start, dtype=torch.float64)
    for point, weight in zip(*np.polynomial.legendre.leggauss(STEPS)):
        total += weight / 2 * slope(model, ids, baseline + (point + 1) / 2 * (start - baseline), target)[0]
    integrated = (total * (start - baseline)).sum(-1).float()
    _, empty = slope(model, ids, baseline, target)
    found = {"value": torch.tensor([value]), "gradient-x-input": (gradient * start).sum(-1)}
    if abs(integrated.sum().item() - (value - empty)) < EXACT * abs(value - empty):
        found |= {"baseline": torch.tensor([empty]), "integrated-gradients": integrated}
    with torch.no_grad():
        own = follows(logits, places)
        hidden, replaced, removed = (torch.zeros(len(ids)) for _ in range(3))
        for token in range(last + 1):
            hooks = install(model, [{"kind": "key", "key": token, "action": "cut"}])
            hidden[token] = value - target(model(ids[None], use_cache=False).logits[0])
            for hook in hooks:
                hook.remove()
            changed = start.clone()
            changed[token] = baseline[token]
            replaced[token] = value - target(run(model, ids, changed)[0])
            shorter = model(torch.cat([ids[:token], ids[token + 1:]])[None], use_cache=False).logits[0]
            left = [index for index, (place, _) in enumerate(places) if place + 1 != token]
            moved = [(places[index][0] - (places[index][0] >= token), places[index][1]) for index in left]
            removed[token] = sum(own[index] for index in left) - sum(follows(shorter, moved))
        falls = []
        for count in range(last + 1):
            hooks = install(model, [{"kind": "key", "key": key, "action": "cut"} for key in range(count)])
            falls.append(target(model(ids[None], use_cache=False).logits[0]))
            for hook in hooks:
                hook.remove()
    return found | {"hidden": hidden, "replaced": replaced, "removed": removed, "deletion": torch.stack(falls)}


def main():
    torch.set_num_threads(1)
    found = {}
    for case in CASES + STREAM_CASES:
        print(case, flush=True)
        model, cap, golden = load(case)
        ids = golden["input_ids"]
        position = len(ids) - 2
        token, rival = golden["logits"][position].topk(2).indices.tolist()
        found[f"{case}/target"] = torch.tensor([position, token, rival])
        for name, value in attribution(model, case, cap, ids, position, token, rival).items():
            found[f"{case}/{name}"] = value.contiguous()
        if case in SPAN_CASES:
            first, last = len(ids) // 3, len(ids) - 3
            found[f"{case}/span"] = torch.tensor([first, last])
            for name, value in span(model, cap, ids, first, last).items():
                found[f"{case}/span/{name}"] = value.detach().contiguous()
    save_file(found, FIXTURES / "attribution.safetensors")


if __name__ == "__main__":
    main()
