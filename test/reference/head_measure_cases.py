"""Measures of one head's attention by PyTorch through transformers' models: expectations of the tests of the Attention tab's switch.

    python test/reference/head_measure_cases.py

Needs torch, transformers 5.18 and safetensors. Reads the models under test/fixtures/models and writes test/fixtures/models/headMeasures.safetensors, for the difference of the two best
logits of the last position but one, before a final soft cap: CASE/target [3], the position, the token and its rival; and for HEADS, each with a query, by the name CASE/L.H.Q/
value-weighted [T,T] (Kobayashi et al. 2020): the length of the head's weight times its value through the output projection, the bias left out;
gradient-x-weight [T,T]: autograd's gradient of the target by the weight, times the weight;
of HYBRIDS, whose heads have gates or run beside Mamba 2, also CASE/L/brought [T,T], the length of what all heads together bring of each key, and CASE/L/heads [T,H], of what each head puts out;
cut [Q]: the target with key 0, 1, .. Q - 1 cut for query Q in that head of that layer, by a hook before attention that writes the lowest number into its mask, less the target without.
"""
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import DynamicCache

from attribution_cases import latent_values
from gradient_cases import PROJECTIONS, blocks_of, load, submodule
from intervention_cases import install

FIXTURES = Path(__file__).parent.parent / "fixtures" / "models"
# Cases with layers of other kinds: each head that is looked at, and the share of the last position at which a query is cut.
HYBRIDS = {"qwen3_5_text.1": ((1, 0, 2), (1, 1, 1)), "qwen3_next.1": ((1, 1, 2), (1, 0, 1)), "falcon_h1.1": ((0, 1, 2), (1, 0, 1)), "falcon_h1.2": ((0, 0, 2), (1, 1, 1))}
CASES = ["gpt2", "llama", "gemma2.1", "phi.1", "bloom.1", "deepseek_v3.1", "gpt_oss.1", "olmo2.1", "falcon.2", "glm4.1", "mixtral.1"]


def lengths(model, ids, layer, head):
    """[T,T], of one head's weight times value behind the projection."""
    with torch.no_grad():
        result = model(ids[None], output_attentions=True, past_key_values=DynamicCache())
        values = (latent_values(model, ids) or [one.values for one in result.past_key_values.layers])[layer][0]
    weights = result.attentions[layer][0]
    own = values.repeat_interleave(len(weights) // len(values), 0)[head]
    projection = submodule(blocks_of(model)[layer], PROJECTIONS + ["self_attn.out_proj", "attn.out_proj"])
    joined = torch.zeros(len(ids), len(ids), len(weights), own.shape[-1])
    joined[:, :, head] = weights[head][..., None] * own[None]
    joined = joined.flatten(2)
    with torch.no_grad():
        return (projection(joined) - projection(torch.zeros_like(joined))).norm(dim=-1)


def parts(model, ids, layer):
    """[T,T,H,D], what each head brings of each key to each query: its weight times the value, times the query's gate, through the head's part of the output projection."""
    attention, seen = blocks_of(model)[layer].self_attn, {}
    hooks = [getattr(attention, name).register_forward_hook(lambda _, args, output, name=name: seen.update({name: output[0]})) for name in ("q_proj", "v_proj")]
    with torch.no_grad():
        weights = weights_of(model, model(ids[None], output_attentions=True, use_cache=False), layer)[0]
    for hook in hooks:
        hook.remove()
    heads, width = len(weights), attention.head_dim
    values = seen["v_proj"].reshape(len(ids), -1, width).repeat_interleave(heads // model.config.num_key_value_heads, 1)
    # Each head's queries, then its gates.
    both = seen["q_proj"].reshape(len(ids), heads, -1)
    gates = torch.sigmoid(both[..., width:]) if both.shape[-1] == 2 * width else torch.ones(len(ids), heads, width)
    brought = torch.einsum("hqk,khd,qhd->qkhd", weights, values, gates)
    matrix = attention.o_proj.weight.reshape(-1, heads, width)
    return torch.einsum("qkhd,ohd->qkho", brought, matrix).detach() * getattr(model.config, "attention_out_multiplier", 1)


def weights_of(model, result, layer):
    """[1,H,T,T]; the reference returns those of layers with attention alone."""
    kinds = getattr(model.config, "layer_types", None) or []
    skipped = kinds[:layer].count("linear_attention") if len(result.attentions) < len(blocks_of(model)) else 0
    return result.attentions[layer - skipped]


def gradients(model, ids, target, layer, head):
    result = model(ids[None], output_attentions=True, use_cache=False)
    weights = weights_of(model, result, layer)
    slope, = torch.autograd.grad(target(result.logits[0]), weights)
    return (slope * weights)[0, head].detach()


def cuts(model, ids, target, layer, head, query):
    with torch.no_grad():
        value = target(model(ids[None], use_cache=False).logits[0])
        found = []
        for key in range(query):
            hooks = install(model, [{"kind": "edge", "query": query, "key": key, "layer": layer, "head": head, "action": "cut"}])
            found.append(target(model(ids[None], use_cache=False).logits[0]) - value)
            for hook in hooks:
                hook.remove()
    return torch.stack(found)


def main():
    torch.set_num_threads(1)
    found = {}
    for case in [*CASES, *HYBRIDS]:
        print(case, flush=True)
        model, _, golden = load(case)
        ids = golden["input_ids"]
        position = len(ids) - 2
        token, rival = golden["logits"][position].topk(2).indices.tolist()
        found[f"{case}/target"] = torch.tensor([position, token, rival])
        target = lambda logits: logits[position, token] - logits[position, rival]
        for layer, head, share in HYBRIDS.get(case, ((0, 1, 2), (1, 2, 1))):
            query = position // share
            prefix = f"{case}/{layer}.{head}.{query}/"
            if case in HYBRIDS:
                brought = parts(model, ids, layer)
                found[prefix + "value-weighted"] = brought[:, :, head].norm(dim=-1).contiguous()
                found[f"{case}/{layer}/brought"] = brought.sum(2).norm(dim=-1).contiguous()
                found[f"{case}/{layer}/heads"] = brought.sum(1).norm(dim=-1).contiguous()
            else:
                found[prefix + "value-weighted"] = lengths(model, ids, layer, head).contiguous()
            found[prefix + "gradient-x-weight"] = gradients(model, ids, target, layer, head).contiguous()
            found[prefix + "cut"] = cuts(model, ids, target, layer, head, query)
    save_file(found, FIXTURES / "headMeasures.safetensors")


if __name__ == "__main__":
    main()
