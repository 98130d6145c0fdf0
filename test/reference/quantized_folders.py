"""What transformers computes with the weights that quantised folders stand for: expectations of test/golden/quantizedFolders.test.ts.

    python test/reference/quantized_folders.py

Needs torch, transformers 5.18 and safetensors. The libraries that write such folders are not needed: their packings are written again here
(GPTQModel's torch kernel, AutoAWQ's gemm packing, compressed-tensors' pack_to_int32, bitsandbytes' blockwise quantisation, Hugging Face's
block-scaled FP8), and MXFP4 is unpacked by transformers itself. Writes test/fixtures/models/quantized/CASE/{config.json,model.safetensors}
and CASE.safetensors with input_ids [T] and logits [T,V] of the model whose weights are the float32 numbers that scales and integers give.
"""
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoConfig
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

OUT = Path(__file__).parent.parent / "fixtures" / "models" / "quantized"
LLAMA = dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1,
             num_attention_heads=4, num_key_value_heads=2, head_dim=8, max_position_embeddings=64, rms_norm_eps=1e-5,
             tie_word_embeddings=False)
GPT_OSS = dict(model_type="gpt_oss", architectures=["GptOssForCausalLM"], vocab_size=64, hidden_size=32, intermediate_size=32,
               num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, head_dim=8, num_local_experts=3, num_experts_per_tok=2,
               max_position_embeddings=64, sliding_window=8, tie_word_embeddings=False,
               rope_parameters=dict(rope_theta=10000.0, rope_type="default"))
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
# bitsandbytes/functional.py, create_normal_map's result
NF4 = [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
       -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
       0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]


def pack(values, bits, axis, order=None):
    """Unsigned integers packed along an axis into 32-bit words, the first in the lowest bits."""
    per = 32 // bits
    values = values.movedim(axis, -1).to(torch.int64)
    grouped = values.reshape(*values.shape[:-1], -1, per)
    if order is not None:
        grouped = grouped[..., order]
    words = sum(grouped[..., i] << (bits * i) for i in range(per))
    words = torch.where(words >= 2**31, words - 2**32, words)
    return words.movedim(-1, axis).to(torch.int32).contiguous()


def grouped_integers(weight, bits, group):
    """Random integers and zero points near the weight [out, in], with scales [out, groups] in float16."""
    out, inputs = weight.shape
    parts = weight.reshape(out, inputs // group, group)
    low, high = parts.amin(-1), parts.amax(-1)
    scale = ((high - low) / (2**bits - 1)).to(torch.float16)
    zero = torch.round(-low / scale.float()).clamp(1, 2**bits - 1).to(torch.int64)
    q = (torch.round(parts / scale.float()[..., None]) + zero[..., None]).clamp(0, 2**bits - 1).to(torch.int64)
    return q, zero, scale


def gptq(weight, name, bits, group, version, act_order=False):
    inputs = weight.shape[1]
    order = torch.randperm(inputs) if act_order else torch.arange(inputs)
    q, zero, scale = grouped_integers(weight[:, order], bits, group)
    group_of = torch.empty(inputs, dtype=torch.int32)
    group_of[order] = (torch.arange(inputs) // group).to(torch.int32)
    exact = torch.empty_like(weight)
    exact[:, order] = ((q - zero[..., None]).float() * scale.float()[..., None]).reshape(weight.shape)
    integers = torch.empty(weight.shape, dtype=torch.int64)
    integers[:, order] = q.reshape(weight.shape)
    stored = zero - 1 if version == 1 else zero
    return exact, {f"{name}.qweight": pack(integers.T, bits, 0), f"{name}.qzeros": pack(stored.T, bits, 1),
                   f"{name}.scales": scale.T.contiguous(), f"{name}.g_idx": group_of}


def awq(weight, name, group):
    q, zero, scale = grouped_integers(weight, 4, group)
    exact = ((q - zero[..., None]).float() * scale.float()[..., None]).reshape(weight.shape)
    return exact, {f"{name}.qweight": pack(q.reshape(weight.shape).T, 4, 1, AWQ_ORDER), f"{name}.qzeros": pack(zero.T, 4, 1, AWQ_ORDER),
                   f"{name}.scales": scale.T.contiguous()}


def packed(weight, name, bits, group, symmetric):
    out, inputs = weight.shape
    q, zero, scale = grouped_integers(weight, bits, group)
    if symmetric:
        zero = torch.full_like(zero, 2 ** (bits - 1))
    exact = ((q - zero[..., None]).float() * scale.float()[..., None]).reshape(weight.shape)
    tensors = {f"{name}.weight_packed": pack(q.reshape(weight.shape), bits, 1), f"{name}.weight_scale": scale,
               f"{name}.weight_shape": torch.tensor([out, inputs])}
    return exact, tensors if symmetric else {**tensors, f"{name}.weight_zero_point": pack(zero, bits, 0)}


def fp8(weight, name, block, scale_name, dtype):
    out, inputs = weight.shape
    down, across = block or (1, inputs)
    parts = weight.reshape(out // down, down, inputs // across, across)
    scale = (parts.abs().amax((1, 3)) / 448).to(dtype)
    bytes_ = (parts / scale.float()[:, None, :, None]).to(torch.float8_e4m3fn)
    exact = (bytes_.float() * scale.float()[:, None, :, None]).reshape(weight.shape)
    return exact, {f"{name}.weight": bytes_.reshape(weight.shape), f"{name}.{scale_name}": scale}


def int8(weight, name):
    scale = (weight.abs().amax(1, keepdim=True) / 127).to(torch.bfloat16)
    q = torch.round(weight / scale.float()).clamp(-128, 127)
    return q * scale.float(), {f"{name}.weight": q.to(torch.int8), f"{name}.weight_scale": scale}


def bnb8(weight, name):
    scb = weight.abs().amax(1)
    q = torch.round(weight * 127 / scb[:, None])
    exact = q * scb[:, None] * 7.874015718698502e-3
    return exact, {f"{name}.weight": q.to(torch.int8), f"{name}.SCB": scb, f"{name}.weight_format": torch.tensor(0, dtype=torch.uint8)}


def nf4(weight, name, nested):
    block, table = 64, torch.tensor(NF4)
    flat = weight.reshape(-1, block)
    absmax = flat.abs().amax(1)
    state = dict(quant_type="nf4", blocksize=block, dtype="float32", shape=list(weight.shape))
    tensors = {}
    if nested:
        offset = float(absmax.mean())
        map_ = torch.linspace(-1, 1, 256)
        own = (absmax - offset).reshape(1, -1)
        scale = own.abs().amax(1)
        codes = ((own / scale[:, None])[..., None] - map_).abs().argmin(-1).reshape(-1)
        absmax = map_[codes] * scale[0] + torch.tensor(offset, dtype=torch.float32)
        state.update(nested_blocksize=256, nested_dtype="float32", nested_offset=offset)
        tensors = {"absmax": codes.to(torch.uint8), "nested_absmax": scale, "nested_quant_map": map_}
    else:
        tensors = {"absmax": absmax}
    codes = ((flat / absmax[:, None])[..., None] - table).abs().argmin(-1)
    exact = (table[codes] * absmax[:, None]).reshape(weight.shape)
    codes = codes.reshape(-1)
    text = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    tensors |= {"quant_map": table, "quant_state.bitsandbytes__nf4": text}
    return exact, {f"{name}.weight": ((codes[0::2] << 4) | codes[1::2]).to(torch.uint8)[:, None],
                   **{f"{name}.weight.{key}": value for key, value in tensors.items()}}


def scheme(**weights):
    return {"group_0": dict(targets=["Linear"], weights=weights, input_activations=None)}


CT = dict(quant_method="compressed-tensors", quantization_status="compressed", ignore=["lm_head"])
# case -> (how a matrix is stored, quantization_config)
CASES = {
    "gptq_4": (lambda w, n: gptq(w, n, 4, 16, 1), dict(quant_method="gptq", bits=4, group_size=16, sym=False, desc_act=False)),
    "gptq_4_act_order": (lambda w, n: gptq(w, n, 4, 16, 1, True), dict(quant_method="gptq", bits=4, group_size=16, desc_act=True)),
    "gptq_8_v2": (lambda w, n: gptq(w, n, 8, w.shape[1], 2),
                  dict(quant_method="gptq", bits=8, group_size=-1, checkpoint_format="gptq_v2")),
    "awq": (lambda w, n: awq(w, n, 16), dict(quant_method="awq", bits=4, group_size=16, version="gemm", zero_point=True)),
    "w4a16": (lambda w, n: packed(w, n, 4, 16, True),
              dict(**CT, format="pack-quantized", config_groups=scheme(num_bits=4, type="int", strategy="group", group_size=16, symmetric=True))),
    "w8a16_asymmetric": (lambda w, n: packed(w, n, 8, 32, False),
                         dict(**CT, format="pack-quantized", config_groups=scheme(num_bits=8, type="int", strategy="group", group_size=32))),
    "ct_fp8": (lambda w, n: fp8(w, n, None, "weight_scale", torch.bfloat16),
               dict(**CT, format="float-quantized", config_groups=scheme(num_bits=8, type="float", strategy="channel"))),
    "ct_int8": (int8, dict(**CT, format="int-quantized", config_groups=scheme(num_bits=8, type="int", strategy="channel"))),
    "fp8_blocks": (lambda w, n: fp8(w, n, (16, 16), "weight_scale_inv", torch.float32),
                   dict(quant_method="fp8", activation_scheme="dynamic", weight_block_size=[16, 16])),
    "bnb_8": (bnb8, dict(quant_method="bitsandbytes", load_in_8bit=True)),
    "nf4": (lambda w, n: nf4(w, n, False), dict(quant_method="bitsandbytes", load_in_4bit=True, bnb_4bit_quant_type="nf4")),
    "nf4_nested": (lambda w, n: nf4(w, n, True),
                   dict(quant_method="bitsandbytes", load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)),
    "mxfp4": (None, dict(quant_method="mxfp4", modules_to_not_convert=["model.layers.*.self_attn"])),
}


def quantize(model, store):
    """Stores every matrix of the blocks by `store`, the rest in bfloat16, and puts the numbers they stand for into the model."""
    tensors = {}
    linears = {f"{name}.weight": module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and ".layers." in name}
    for name, value in model.state_dict().items():
        if store is not None and name in linears:
            exact, stored = store(value, name.removesuffix(".weight"))
            linears[name].weight.data = exact
            tensors |= stored
        elif store is None and name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            experts, inputs, out = value.shape
            blocks = torch.randint(0, 256, (experts, out, inputs // 32, 16), dtype=torch.uint8)
            scales = torch.randint(122, 126, (experts, out, inputs // 32), dtype=torch.uint8)
            value.copy_(convert_moe_packed_tensors(blocks, scales, dtype=torch.float32))
            tensors |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
        else:
            rounded = value.to(torch.bfloat16)
            value.copy_(rounded.float())
            tensors[name] = rounded
    return tensors


shutil.rmtree(OUT, ignore_errors=True)
for number, (case, (store, options)) in enumerate(CASES.items()):
    torch.manual_seed(number)
    config = GPT_OSS if store is None else LLAMA
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config), attn_implementation="eager").float().eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False).mul_(4 if parameter.dim() > 1 else 1)
    tensors = quantize(model, store)
    folder = OUT / case
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "bfloat16", "quantization_config": options}, indent=1) + "\n")
    save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    ids = torch.randint(0, 64, (12,))
    save_file({"input_ids": ids, "logits": model(ids[None]).logits[0].contiguous()}, OUT / f"{case}.safetensors")
    for file in [OUT / f"{case}.safetensors", *folder.iterdir()]:
        file.chmod(0o644)
    print(case, sum(value.numel() * value.element_size() for value in tensors.values()))
