"""What transformers computes for tiny models of every supported family and option: expectations of the golden tests.

    python test/reference/family_cases.py [CASE ...]

Needs torch, transformers 5.18 and safetensors. Writes test/fixtures/models/families/CASE/{config.json,model.safetensors,golden.safetensors}; of models that read pictures too, wrappers/CASE, of some with layers without attention weights, hybrids/CASE.
A case is a config.json, in the words of transformers 5 or 4; its weights are random, those of later cases of a family stored as bfloat16.
golden.safetensors, of the weights read back as float32 with eager attention: input_ids [T], logits [T,V], resid.0 .. resid.L [T,D] (i = after block i),
attentions.l [H,T,T] (l = layer), and routing.l [T,E], each token's weight of each expert;
of a layer without attention weights mixing.l [H,T,T], its effective attention.
"""
import json
import math
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, Mistral4ForCausalLM
from transformers.models.falcon import modeling_falcon
from transformers.models.gemma3n import modeling_gemma3n
from transformers.models.granite_swa import modeling_granite_swa

FOLDER = Path(__file__).parent.parent / "fixtures" / "models" / "families"
TOKENS = 14
VOCAB = 32
IDS = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
BASE = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, **IDS)
SMALL = dict(BASE, hidden_size=16, intermediate_size=8)
GPT = dict(vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, n_positions=64, **IDS)
SPARSE = dict(num_experts_per_tok=2, moe_intermediate_size=8)
LATENT = dict(q_lora_rank=12, kv_lora_rank=12, qk_rope_head_dim=4, qk_nope_head_dim=8, v_head_dim=6, num_key_value_heads=4, num_hidden_layers=3, first_k_dense_replace=1)
MLA = {name: size for name, size in LATENT.items() if name not in ("num_hidden_layers", "first_k_dense_replace")}
KINDS = ["sliding_attention", "full_attention", "sliding_attention"]
LONG = dict(short_factor=[1.0, 1.1, 1.3, 1.7], long_factor=[1.0, 2.0, 4.0, 8.0])
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)


def rope(theta=10000.0, **parameters):
    """Rope in the words of transformers 5."""
    return {"rope_parameters": {"rope_type": "default", "rope_theta": theta, **parameters}}


def rope4(theta=10000.0, **scaling):
    """Rope in the words of transformers 4."""
    return {"rope_theta": theta, "rope_scaling": scaling or None, "torch_dtype": "float32", "transformers_version": "4.46.0"}


LINEAR4 = rope4(5000.0, type="linear", factor=2.0)
DYNAMIC = dict(max_position_embeddings=8, **rope(rope_type="dynamic", factor=2.5))
# family -> its cases, each what config.json says over the family's base
FAMILIES = {
    "mistral": (BASE, [dict(head_dim=12, sliding_window=5), dict(sliding_window=None, tie_word_embeddings=True, hidden_act="gelu", **LINEAR4), dict(sliding_window=3, num_key_value_heads=4, **rope(**YARN))]),
    "qwen2": (BASE, [dict(tie_word_embeddings=True), dict(num_hidden_layers=3, use_sliding_window=True, sliding_window=5, max_window_layers=1, **rope4(1000000.0)),
                     dict(num_hidden_layers=3, use_sliding_window=True, sliding_window=4, layer_types=KINDS, hidden_act="relu", **rope(**YARN))]),
    "qwen3": (BASE, [dict(head_dim=16, tie_word_embeddings=True), dict(head_dim=8, attention_bias=True, use_sliding_window=True, sliding_window=5, max_window_layers=1, **rope4(1000000.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=16)),
                     dict(head_dim=8, num_hidden_layers=3, layer_types=KINDS, use_sliding_window=True, sliding_window=4, **DYNAMIC)]),
    "gemma": (BASE, [dict(num_key_value_heads=1, head_dim=12), dict(head_dim=8, attention_bias=True, hidden_act="gelu", hidden_activation=None, **LINEAR4), dict(head_dim=8, hidden_act="silu", tie_word_embeddings=False, **rope(**LLAMA3))]),
    "gemma2": (BASE, [dict(head_dim=12, sliding_window=5, query_pre_attn_scalar=20, attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
                      dict(head_dim=8, sliding_window=4, query_pre_attn_scalar=8, attn_logit_softcapping=None, final_logit_softcapping=None, attention_bias=True, tie_word_embeddings=False, hidden_act="relu", hidden_activation="gelu", **rope4(5000.0)),
                      dict(head_dim=8, num_hidden_layers=3, layer_types=["full_attention", "sliding_attention", "full_attention"], sliding_window=5, attn_logit_softcapping=1.5, **rope(**YARN))]),
    "gemma3_text": (BASE, [dict(num_hidden_layers=3, head_dim=12, sliding_window=5, query_pre_attn_scalar=20, layer_types=["sliding_attention", "sliding_attention", "full_attention"]),
                           dict(num_hidden_layers=3, head_dim=8, sliding_window=4, sliding_window_pattern=2, rope_local_base_freq=500.0, final_logit_softcapping=3.0, attention_bias=True, **rope4(100000.0, rope_type="linear", factor=8.0)),
                           dict(head_dim=8, sliding_window=3, layer_types=KINDS[:2], tie_word_embeddings=False, hidden_activation="gelu",
                                rope_parameters={"full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 100000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 2000.0}})]),
    # Weights and scalars of Gemma 4 that start at 1; heads of layers with a window, and of the others; the last two read keys of earlier ones.
    "gemma4_text": ({**SMALL, "num_hidden_layers": 4, "head_dim": 4, "sliding_window": 5, "hidden_size_per_layer_input": 4, "vocab_size_per_layer_input": VOCAB}, [
        dict(global_head_dim=8, num_kv_shared_layers=2, use_double_wide_mlp=True, layer_types=["sliding_attention", "full_attention"] * 2, final_logit_softcapping=3.0),
        dict(hidden_size_per_layer_input=0, num_hidden_layers=3, layer_types=KINDS, global_head_dim=6, num_global_key_value_heads=1, attention_k_eq_v=True, enable_moe_block=True, num_experts=4, top_k_experts=2, moe_intermediate_size=8, use_bidirectional_attention="vision"),
        dict(num_kv_shared_layers=1, num_hidden_layers=3, layer_types=["sliding_attention", "full_attention", "sliding_attention"], attention_bias=True, tie_word_embeddings=False, hidden_activation="gelu", sliding_window=4,
             per_layer_config={"1": {"head_dim": 8}, "2": {"head_dim": 8}}, rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 3000.0}, "sliding_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 700.0}})]),
    "gemma3n_text": ({**SMALL, "num_hidden_layers": 5, "head_dim": 4, "hidden_size_per_layer_input": 4, "vocab_size_per_layer_input": VOCAB, "laurel_rank": 4, "altup_num_inputs": 3}, [
        dict(num_kv_shared_layers=2, sliding_window=5, layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "full_attention"], activation_sparsity_pattern=[0.6, 0.3, 0.0, 0.0, 0.8], final_logit_softcapping=3.0),
        dict(altup_num_inputs=2, altup_correct_scale=False, num_kv_shared_layers=0, sliding_window=4, attention_bias=True, tie_word_embeddings=False, hidden_activation="gelu", intermediate_size=[24, 8, 16, 24, 32], rope_theta=5000.0, rope_local_base_freq=500.0),
        dict(num_hidden_layers=3, altup_num_inputs=4, laurel_rank=1, num_key_value_heads=2, num_kv_shared_layers=1, sliding_window=5, layer_types=["full_attention", "sliding_attention", "full_attention"], activation_sparsity_pattern=[0.5, 0.0, 0.7],
             rope_parameters={"full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 3000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 700.0}})]),
    "gemma4_unified_text": ({**SMALL, "num_hidden_layers": 3, "head_dim": 4}, [dict(global_head_dim=6, num_global_key_value_heads=1, attention_k_eq_v=True, sliding_window=5, layer_types=KINDS), dict(global_head_dim=4, num_kv_shared_layers=1, layer_types=["full_attention", "sliding_attention", "full_attention"], sliding_window=4, use_double_wide_mlp=True, final_logit_softcapping=5.0),
                            dict(num_hidden_layers=2, global_head_dim=8, layer_types=["full_attention", "full_attention"], attention_bias=True, tie_word_embeddings=False, use_bidirectional_attention=None)]),
    "apertus": (SMALL, [dict(**rope(12000000.0, **LLAMA3)), dict(attention_bias=True, tie_word_embeddings=True, num_key_value_heads=4, **rope4(5000.0, rope_type="linear", factor=2.0)), dict(hidden_act="relu2", head_dim=8, rope_parameters=None)]),
    "llama4_text": ({**SMALL, "num_hidden_layers": 3, "intermediate_size_mlp": 12, "head_dim": 4, "num_local_experts": 4}, [dict(attention_chunk_size=5, no_rope_layers=[1, 0, 1], floor_scale=4, attn_scale=0.4),
                    dict(interleave_moe_layer_step=2, num_experts_per_tok=2, use_qk_norm=False, attn_temperature_tuning=False, no_rope_layer_interval=2, attention_chunk_size=3, attention_bias=True, **rope4(5000.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)),
                    dict(num_hidden_layers=2, moe_layers=[0], layer_types=["full_attention", "chunked_attention"], attention_chunk_size=6, tie_word_embeddings=True, hidden_act="gelu")]),
    "phimoe": ({**SMALL, "num_local_experts": 4, "router_jitter_noise": 0.2}, [dict(attention_bias=True, lm_head_bias=True), dict(sliding_window=5, tie_word_embeddings=True, **rope(rope_type="longrope", original_max_position_embeddings=8, short_mscale=1.1, long_mscale=1.3, short_factor=[1.0, 1.2], long_factor=[2.0, 3.0])),
               dict(router_jitter_noise=0.01, num_local_experts=6, attention_bias=True, **rope4(10000.0, type="longrope", original_max_position_embeddings=32, short_mscale=1.2, long_mscale=1.4, short_factor=[1.0, 1.5], long_factor=[2.0, 3.0]))]),
    "cwm": (SMALL, [dict(num_hidden_layers=3, head_dim=12, sliding_window=5, layer_types=KINDS, **rope(1000000.0, **LLAMA3)), dict(num_hidden_layers=5, head_dim=8, sliding_window=4, tie_word_embeddings=True, **rope4(5000.0, rope_type="linear", factor=2.0)), dict(head_dim=4, sliding_window=3, mlp_bias=False, rope_parameters=None)]),
    "vaultgemma": (SMALL, [dict(head_dim=12, sliding_window=5, query_pre_attn_scalar=20, attn_logit_softcapping=2.0, final_logit_softcapping=3.0), dict(head_dim=8, sliding_window=4, query_pre_attn_scalar=8, attn_logit_softcapping=None, final_logit_softcapping=None, attention_bias=True, tie_word_embeddings=False, **rope4(5000.0)),
                           dict(head_dim=8, num_hidden_layers=3, layer_types=KINDS, sliding_window=5, attn_logit_softcapping=1.5, **rope(**YARN))]),
    "helium": (SMALL, [dict(head_dim=4), dict(head_dim=4, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, **LINEAR4), dict(head_dim=4, num_key_value_heads=4, rms_norm_eps=1e-5, **rope(**YARN))]),
    "hyperclovax": (SMALL, [dict(embedding_multiplier=3.0, logits_scaling=0.5, residual_multiplier=0.5, attention_multiplier=0.2), dict(use_post_norm=False, attention_multiplier=None, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, **LINEAR4),
                            dict(logits_scaling=2.0, **rope(**YARN))]),
    "jais2": (SMALL, [dict(head_dim=12), dict(attention_bias=False, mlp_bias=False, head_dim=4, tie_word_embeddings=True, **LINEAR4), dict(hidden_act="silu", head_dim=4, num_key_value_heads=4, **rope(**YARN))]),
    "dots1": ({**SMALL, **SPARSE, "n_routed_experts": 4, "n_shared_experts": 1, "num_hidden_layers": 3}, [dict(first_k_dense_replace=1, sliding_window=5, max_window_layers=2, norm_topk_prob=True, routed_scaling_factor=1.5), dict(n_group=2, topk_group=1, attention_bias=True, tie_word_embeddings=True, sliding_window=None, **rope4(5000.0)),
                                                                          dict(layer_types=KINDS, sliding_window=4, first_k_dense_replace=2, norm_topk_prob=False, n_shared_experts=2, **rope(**YARN))]),
    "solar_open": ({**{name: size for name, size in SMALL.items() if name != "intermediate_size"}, **SPARSE, "n_routed_experts": 4}, [dict(head_dim=12), dict(head_dim=4, attention_bias=True, norm_topk_prob=False, routed_scaling_factor=2.5, tie_word_embeddings=True, **rope4(5000.0)), dict(head_dim=4, n_group=2, topk_group=1, n_shared_experts=2, **rope(**YARN))]),
    "flex_olmo": (SMALL, [dict(num_experts=4, num_experts_per_tok=2), dict(num_experts=3, num_experts_per_tok=2, norm_topk_prob=True, attention_bias=True, tie_word_embeddings=True, **LINEAR4), dict(num_experts=4, num_experts_per_tok=1, num_key_value_heads=4, **rope(**YARN))]),
    "minimax_m2": ({**SMALL, "num_local_experts": 4}, [dict(head_dim=8, num_experts_per_tok=2, **rope(5000000.0, partial_rotary_factor=0.5)), dict(head_dim=8, rotary_dim=4, num_experts_per_tok=1, tie_word_embeddings=True, rope_theta=5000.0), dict(head_dim=4, num_experts_per_tok=3, num_key_value_heads=4, **rope(**YARN))]),
    "phi": (BASE, [dict(num_key_value_heads=4), dict(qk_layernorm=True, partial_rotary_factor=0.75, hidden_act="gelu", **rope4(5000.0)),
                   dict(tie_word_embeddings=True, **rope(**YARN, partial_rotary_factor=0.5))]),
    "phi3": (BASE, [dict(sliding_window=5), dict(original_max_position_embeddings=8, **rope4(10000.0, type="longrope", **LONG)),
                    dict(original_max_position_embeddings=32, partial_rotary_factor=0.75, tie_word_embeddings=True, **rope4(10000.0, type="su", original_max_position_embeddings=32, short_factor=[1.0, 1.2, 1.5], long_factor=[1.0, 2.0, 3.0]))]),
    "glm": (BASE, [dict(head_dim=8), dict(head_dim=12, attention_bias=False, partial_rotary_factor=1.0, **rope4(5000.0)), dict(head_dim=8, tie_word_embeddings=True, hidden_act="gelu", **rope(**YARN, partial_rotary_factor=0.5))]),
    "glm4": (BASE, [dict(head_dim=8), dict(head_dim=12, attention_bias=False, partial_rotary_factor=1.0, **rope4(5000.0)), dict(head_dim=8, tie_word_embeddings=True, **rope(rope_type="linear", factor=2.0, partial_rotary_factor=0.5))]),
    "olmo": (BASE, [dict(clip_qkv=1.0), dict(attention_bias=True, tie_word_embeddings=True, **LINEAR4), dict(clip_qkv=0.5, attention_bias=True, **DYNAMIC)]),
    "olmo2": (BASE, [dict(), dict(attention_bias=True, tie_word_embeddings=True, **LINEAR4), dict(num_key_value_heads=4, hidden_act="gelu", **rope(**LLAMA3))]),
    "olmo3": (BASE, [dict(num_hidden_layers=3, sliding_window=5, layer_types=["sliding_attention", "sliding_attention", "full_attention"]),
                     dict(num_hidden_layers=4, sliding_window=4, attention_bias=True, **rope4(500000.0, rope_type="yarn", factor=4.0, original_max_position_embeddings=16)),
                     dict(layer_types=KINDS[:2], sliding_window=3, tie_word_embeddings=True, rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 3000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 700.0}})]),
    "smollm3": (BASE, [dict(num_hidden_layers=4, no_rope_layer_interval=2), dict(no_rope_layers=[1, 0], use_sliding_window=True, sliding_window=5, attention_bias=True, mlp_bias=True, tie_word_embeddings=False, **rope4(5000.0)),
                       dict(num_hidden_layers=3, use_sliding_window=True, sliding_window=4, layer_types=KINDS, **rope(**YARN)), dict(use_sliding_window=False, sliding_window=5, layer_types=KINDS[:2])]),
    "starcoder2": (BASE, [dict(sliding_window=5), dict(use_bias=False, sliding_window=None, tie_word_embeddings=False, **LINEAR4), dict(hidden_act="relu", norm_epsilon=1e-3, sliding_window=3, **DYNAMIC)]),
    "granite": (BASE, [dict(embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5, attention_multiplier=0.2), dict(attention_multiplier=0.3, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, **LINEAR4),
                       dict(embedding_multiplier=12, logits_scaling=8, residual_multiplier=0.22, attention_multiplier=0.0625, **rope(**YARN))]),
    "stablelm": (BASE, [dict(use_qkv_bias=True), dict(qk_layernorm=True, use_parallel_residual=True, partial_rotary_factor=0.5, **rope4(5000.0)), dict(tie_word_embeddings=True, hidden_act="gelu", qk_layernorm=True, **rope(rope_type="linear", factor=2.0, partial_rotary_factor=0.5))]),
    "cohere": (BASE, [dict(logit_scale=0.25), dict(use_qk_norm=True, attention_bias=True, **LINEAR4), dict(tie_word_embeddings=False, logit_scale=2.0, num_key_value_heads=4, **rope(**YARN))]),
    "cohere2": (BASE, [dict(num_hidden_layers=4, sliding_window=5), dict(num_hidden_layers=3, sliding_window=4, sliding_window_pattern=2, attention_bias=True, **rope4(50000.0)),
                       dict(layer_types=["full_attention", "sliding_attention"], sliding_window=3, logit_scale=1.0, tie_word_embeddings=False, **rope(rope_type="linear", factor=2.0))]),
    "exaone4": (BASE, [dict(num_hidden_layers=4, sliding_window=5, sliding_window_pattern=4), dict(sliding_window=None, layer_types=["full_attention"] * 2, tie_word_embeddings=True, **rope4(1000000.0, rope_type="llama3", factor=16.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)),
                       dict(num_hidden_layers=3, sliding_window=4, layer_types=KINDS, sliding_window_pattern="LLLG", **rope(**YARN)), dict(sliding_window=None, sliding_window_pattern=0, layer_types=["full_attention"] * 2)]),
    "ernie4_5": (BASE, [dict(head_dim=8), dict(head_dim=12, use_bias=True, tie_word_embeddings=False, **LINEAR4), dict(head_dim=8, num_key_value_heads=4, **rope(**YARN))]),
    "hunyuan_v1_dense": (BASE, [dict(head_dim=8), dict(head_dim=8, attention_bias=True, tie_word_embeddings=True, **rope4(10000.0, type="dynamic", alpha=50.0, factor=1.0)), dict(head_dim=12, num_key_value_heads=4, **rope(**YARN))]),
    "nemotron": (BASE, [dict(), dict(attention_bias=True, mlp_bias=True, head_dim=12, partial_rotary_factor=1.0, **rope4(5000.0)), dict(hidden_act="gelu", tie_word_embeddings=True, **rope(rope_type="linear", factor=2.0, partial_rotary_factor=0.5))]),
    "gpt_neox": (BASE, [dict(), dict(rotary_pct=0.5, rotary_emb_base=5000, use_parallel_residual=False, attention_bias=False, torch_dtype="float32"),
                        dict(hidden_act="gelu_fast", tie_word_embeddings=True, rotary_pct=1.0, rope_scaling={"type": "linear", "factor": 2.0}), dict(**rope(**YARN, partial_rotary_factor=0.5))]),
    "gptj": (GPT, [dict(rotary_dim=4), dict(rotary_dim=8, n_inner=12, activation_function="gelu", layer_norm_epsilon=1e-3, torch_dtype="float32"), dict(rotary_dim=2, tie_word_embeddings=True)]),
    "codegen": (GPT, [dict(rotary_dim=4), dict(rotary_dim=8, n_inner=12, activation_function="relu", torch_dtype="float32"), dict(n_head=8, rotary_dim=2, tie_word_embeddings=True)]),
    "gpt_neo": (dict(vocab_size=VOCAB, hidden_size=32, num_layers=2, num_heads=4, max_position_embeddings=20, **IDS),
                [dict(attention_types=[[["global", "local"], 1]], window_size=5), dict(num_layers=3, attention_types=[[["local"], 2], [["global"], 1]], window_size=3, intermediate_size=12, activation_function="relu", torch_dtype="float32"),
                 dict(attention_types=[[["global"], 2]], tie_word_embeddings=False), dict(attention_types=[[["global"], 2]], attention_layers=["local", "global"], window_size=4)]),
    "opt": (dict(vocab_size=VOCAB, hidden_size=32, ffn_dim=16, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=20, word_embed_proj_dim=32, **IDS),
            [dict(), dict(word_embed_proj_dim=12, do_layer_norm_before=False, torch_dtype="float32"), dict(enable_bias=False, layer_norm_elementwise_affine=False, tie_word_embeddings=False, activation_function="gelu"),
             dict(_remove_final_layer_norm=True, word_embed_proj_dim=24)]),
    "bloom": (dict(vocab_size=VOCAB, hidden_size=32, n_layer=2, n_head=4, **IDS), [dict(), dict(n_head=2, apply_residual_connection_post_layernorm=True, torch_dtype="float32"), dict(hidden_size=24, n_head=6, tie_word_embeddings=False, pretraining_tp=2)]),
    "falcon": (dict(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_hidden_size=24, **IDS),
               [dict(new_decoder_architecture=False, multi_query=True, parallel_attn=True, alibi=False, bias=False), dict(num_kv_heads=2, new_decoder_architecture=True, parallel_attn=True, bias=True, **rope4(5000.0)),
                dict(multi_query=False, parallel_attn=False, alibi=True, bias=True, torch_dtype="float32"), dict(num_kv_heads=2, new_decoder_architecture=True, num_ln_in_parallel_attn=1, tie_word_embeddings=False, activation="relu", **rope(**YARN)),
                dict(hidden_size=24, num_attention_heads=6, multi_query=True, parallel_attn=True, alibi=True), dict(multi_query=True, parallel_attn=False, **rope(rope_type="linear", factor=2.0))]),
    "mpt": (dict(vocab_size=VOCAB, d_model=32, n_layers=2, n_heads=4, max_seq_len=64, **IDS), [dict(), dict(attn_config=dict(clip_qkv=0.5, softmax_scale=0.2, attn_impl="torch"), torch_dtype="float32"), dict(d_model=24, n_heads=6, tie_word_embeddings=False)]),
    "xglm": (dict(vocab_size=VOCAB, d_model=32, ffn_dim=16, num_layers=2, attention_heads=4, max_position_embeddings=64, bos_token_id=0, eos_token_id=2, pad_token_id=1),
             [dict(), dict(scale_embedding=False, activation_function="relu", pad_token_id=5, torch_dtype="float32"), dict(tie_word_embeddings=False, attention_heads=2)]),
    "gpt_bigcode": (GPT, [dict(multi_query=True), dict(multi_query=False, n_inner=12, torch_dtype="float32"), dict(scale_attn_weights=False, activation_function="relu", tie_word_embeddings=False)]),
    "mixtral": (BASE, [dict(num_local_experts=4, num_experts_per_tok=2), dict(num_local_experts=3, num_experts_per_tok=1, sliding_window=5, tie_word_embeddings=True, **LINEAR4), dict(num_local_experts=4, num_experts_per_tok=3, head_dim=12, **rope(**YARN))]),
    "qwen2_moe": ({**BASE, **SPARSE, "shared_expert_intermediate_size": 12, "num_experts": 4}, [dict(), dict(norm_topk_prob=True, decoder_sparse_step=2, qkv_bias=False, use_sliding_window=True, sliding_window=4, max_window_layers=2, **rope4(5000.0)),
                                                                          dict(num_hidden_layers=3, mlp_only_layers=[1], layer_types=KINDS, use_sliding_window=True, sliding_window=5, tie_word_embeddings=True, **rope(**YARN))]),
    "qwen3_moe": ({**BASE, **SPARSE, "num_experts": 4}, [dict(head_dim=8, norm_topk_prob=True), dict(head_dim=12, norm_topk_prob=False, mlp_only_layers=[0], attention_bias=True, **rope4(5000.0)), dict(head_dim=8, num_hidden_layers=3, decoder_sparse_step=2, use_sliding_window=True, sliding_window=5, tie_word_embeddings=True, **rope(**YARN))]),
    "olmoe": (BASE, [dict(num_experts=4, num_experts_per_tok=2, num_key_value_heads=4), dict(num_experts=3, num_experts_per_tok=2, norm_topk_prob=True, clip_qkv=0.5, attention_bias=True, **LINEAR4), dict(num_experts=4, num_experts_per_tok=1, tie_word_embeddings=True, **rope(**YARN))]),
    "deepseek_v2": ({**BASE, **SPARSE, **LATENT, "n_routed_experts": 4}, [dict(q_lora_rank=None, n_shared_experts=1), dict(n_shared_experts=2, topk_method="group_limited_greedy", n_group=2, topk_group=1, routed_scaling_factor=4.0, attention_bias=True,
                                                                          **rope4(10000.0, type="yarn", factor=4.0, mscale=0.7, mscale_all_dim=0.7, original_max_position_embeddings=16, beta_fast=32, beta_slow=1)),
                                                                          dict(n_shared_experts=1, mlp_bias=True, tie_word_embeddings=True, first_k_dense_replace=2, **rope(rope_type="linear", factor=2.0))]),
    "deepseek_v3": ({**BASE, **SPARSE, **LATENT, "n_routed_experts": 8, "n_group": 4, "topk_group": 2, "n_shared_experts": 1}, [dict(), dict(q_lora_rank=None, norm_topk_prob=False, routed_scaling_factor=1.0, n_group=2, topk_group=1, attention_bias=True,
                                                                          **rope4(10000.0, type="yarn", factor=4.0, mscale=1.0, mscale_all_dim=1.0, original_max_position_embeddings=16)),
                                                                          dict(rope_interleave=False, n_group=1, topk_group=1, n_shared_experts=2, tie_word_embeddings=True, **rope(rope_type="linear", factor=2.0))]),
    "glm4_moe": ({**BASE, **SPARSE, "n_routed_experts": 4, "n_shared_experts": 1, "num_hidden_layers": 3}, [dict(head_dim=8), dict(head_dim=12, use_qk_norm=True, attention_bias=True, norm_topk_prob=False, routed_scaling_factor=2.5, partial_rotary_factor=1.0, **rope4(5000.0)),
                                                                          dict(n_group=2, topk_group=1, n_shared_experts=2, first_k_dense_replace=0, tie_word_embeddings=True, num_hidden_layers=2, **rope(rope_type="linear", factor=2.0, partial_rotary_factor=0.5))]),
    "arcee": (BASE, [dict(), dict(head_dim=12, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, **LINEAR4), dict(hidden_act="silu", num_key_value_heads=4, **rope(**YARN, mscale=1.0))]),
    "seed_oss": (BASE, [dict(head_dim=12), dict(head_dim=8, attention_bias=False, attention_out_bias=True, mlp_bias=True, tie_word_embeddings=True, **LINEAR4), dict(head_dim=8, attention_out_bias=True, num_key_value_heads=4, **rope(**YARN))]),
    "ministral": (BASE, [dict(num_hidden_layers=3, head_dim=12, sliding_window=5, layer_types=KINDS), dict(head_dim=8, sliding_window=6, tie_word_embeddings=True, **LINEAR4), dict(head_dim=8, sliding_window=3, hidden_act="gelu", **rope(**YARN))]),
    "ministral3": (BASE, [dict(head_dim=12, **rope(1000000.0, **{**YARN, "original_max_position_embeddings": 4}, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.3)),
                          dict(head_dim=8, sliding_window=6, tie_word_embeddings=True, **rope(llama_4_scaling_beta=0.5, original_max_position_embeddings=3)), dict(head_dim=8, num_key_value_heads=4, hidden_act="gelu", **rope(**YARN, mscale=0.7, mscale_all_dim=1.0, llama_4_scaling_beta=0.1))]),
    "nanochat": (BASE, [dict(num_key_value_heads=4), dict(attention_bias=True, hidden_act="gelu", final_logit_softcapping=2.0, **rope4(5000.0)), dict(tie_word_embeddings=True, final_logit_softcapping=None, rms_norm_eps=1e-3, **rope(rope_type="linear", factor=2.0))]),
    "granitemoe": ({**BASE, "num_local_experts": 4}, [dict(embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5, attention_multiplier=0.2), dict(attention_multiplier=0.3, attention_bias=True, num_experts_per_tok=3, tie_word_embeddings=True, **LINEAR4), dict(attention_multiplier=0.1, num_experts_per_tok=1, **rope(**YARN))]),
    "granitemoeshared": ({**BASE, "num_local_experts": 4}, [dict(attention_multiplier=0.2, shared_intermediate_size=12), dict(attention_multiplier=0.3, residual_multiplier=0.5, shared_intermediate_size=0, tie_word_embeddings=True, **LINEAR4), dict(attention_multiplier=0.1, shared_intermediate_size=8, attention_bias=True, **rope(**YARN))]),
    "ernie4_5_moe": ({**BASE, "moe_num_experts": 4, "moe_intermediate_size": 8, "num_hidden_layers": 3}, [dict(moe_k=2, moe_num_shared_experts=2), dict(moe_k=1, use_bias=True, moe_num_shared_experts=0, moe_layer_start_index=0, moe_layer_interval=2, tie_word_embeddings=False, **LINEAR4),
                                                                          dict(moe_k=3, moe_num_shared_experts=1, moe_layer_start_index=0, moe_layer_end_index=1, moe_norm_min=0.7, **rope(500000.0, **YARN))]),
    "glm4_moe_lite": ({**BASE, **SPARSE, **{name: size for name, size in LATENT.items() if name != "first_k_dense_replace"}, "n_routed_experts": 4, "n_shared_experts": 1}, [dict(), dict(q_lora_rank=None, mlp_layer_types=["sparse", "dense", "sparse"], norm_topk_prob=False, attention_bias=True, **rope4(5000.0)),
                                                                          dict(rope_interleave=False, n_group=2, topk_group=1, n_shared_experts=2, routed_scaling_factor=2.5, tie_word_embeddings=True, **rope(**YARN))]),
    "youtu": ({**BASE, **MLA, "pad_token_id": None}, [dict(), dict(q_lora_rank=None, attention_bias=True, tie_word_embeddings=False, **rope4(10000.0, type="yarn", factor=4.0, mscale=1.0, mscale_all_dim=0.7, original_max_position_embeddings=16)),
                                dict(rope_interleave=False, hidden_act="gelu", v_head_dim=10, **rope(rope_type="linear", factor=2.0))]),
    "minicpm3": ({**BASE, **MLA}, [dict(scale_emb=3, scale_depth=1.4, dim_model_base=16), dict(q_lora_rank=None, attention_bias=True, mlp_bias=True, tie_word_embeddings=False, scale_depth=None, dim_model_base=None, v_head_dim=None, **rope4(10000.0, type="yarn", factor=4.0, mscale_all_dim=1.0, original_max_position_embeddings=16)),
                                   dict(scale_emb=1.5, scale_depth=2, dim_model_base=8, **rope(rope_type="longrope", factor=8.0, short_factor=[1.0, 1.3], long_factor=[1.0, 4.0], original_max_position_embeddings=8))]),
    "mistral4": ({**BASE, **MLA, **SPARSE, "n_routed_experts": 4, "n_shared_experts": 1}, [dict(num_hidden_layers=3, first_k_dense_replace=1, **rope(10000.0, **{**YARN, "original_max_position_embeddings": 4}, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.3)),
                                   dict(q_lora_rank=None, n_routed_experts=8, n_group=4, topk_group=2, norm_topk_prob=False, routed_scaling_factor=1.5, attention_bias=True, rope_interleave=False, tie_word_embeddings=True, **rope(**{**YARN, "original_max_position_embeddings": 3}, mscale_all_dim=0.8, llama_4_scaling_beta=0.5)),
                                   dict(n_shared_experts=2, num_experts_per_tok=1, hidden_act="gelu", **rope(**YARN, mscale=0.7, mscale_all_dim=1.0, llama_4_scaling_beta=0.1, partial_rotary_factor=0.34))]),
    "granite_swa": (BASE, [dict(num_hidden_layers=3, sliding_window=5, layer_types=KINDS, embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5, attention_multiplier=0.2), dict(layer_rope_theta=[0, 500.0], sliding_window=4, attention_multiplier=0.3, attention_bias=True, mlp_bias=True, tie_word_embeddings=False, **LINEAR4),
                           dict(num_hidden_layers=3, layer_rope_theta=[5000.0, 10000.0, 5000.0], sliding_window=3, attention_multiplier=0.1, num_key_value_heads=4, **rope(**YARN))]),
    "hunyuan_v1_moe": (BASE, [dict(num_experts=4, moe_topk=2, head_dim=12), dict(num_experts=3, moe_topk=[1, 2], head_dim=8, attention_bias=True, tie_word_embeddings=True, **rope(rope_type="dynamic", alpha=50.0, factor=1.0)), dict(num_experts=2, moe_topk=2, head_dim=8, hidden_act="gelu", num_key_value_heads=4, **LINEAR4)]),
    "exaone_moe": ({**BASE, **SPARSE, "num_experts": 4}, [dict(num_hidden_layers=3, sliding_window=5, layer_types=KINDS), dict(mlp_layer_types=["sparse", "dense"], n_group=2, topk_group=1, norm_topk_prob=False, routed_scaling_factor=1.5, num_shared_experts=2, sliding_window=4, sliding_window_pattern=2, tie_word_embeddings=True, **LINEAR4),
                           dict(first_k_dense_replace=0, num_experts_per_tok=1, sliding_window=6, sliding_window_pattern=2, num_key_value_heads=4, **rope(**YARN))]),
    "cohere2_moe": ({**BASE, "num_experts": 4}, [dict(num_hidden_layers=3, head_dim=12, sliding_window=5, layer_types=KINDS, num_shared_experts=1), dict(num_hidden_layers=3, head_dim=8, first_k_dense_replace=1, prefix_dense_intermediate_size=24, sliding_window=4, sliding_window_pattern=2, expert_selection_fn="sigmoid", num_shared_experts=2, shared_expert_combination_strategy="sum", rms_norm_eps=1e-5, attention_bias=True, logit_scale=0.3, tie_word_embeddings=False, **rope4(5000.0)),
                           dict(head_dim=8, mlp_layer_types=["sparse", "dense"], layer_types=["full_attention", "full_attention"], prefix_dense_sliding_window_pattern=2, expert_selection_fn="sigmoid", norm_topk_prob=False, num_experts_per_tok=1, num_key_value_heads=4)]),
    "afmoe": ({**BASE, **SPARSE, "num_experts": 4}, [dict(num_hidden_layers=3, head_dim=12, sliding_window=5, layer_types=KINDS, num_shared_experts=1, mup_enabled=True), dict(head_dim=8, global_attn_every_n_layers=2, sliding_window=4, num_dense_layers=0, num_experts_per_tok=1, num_shared_experts=2, route_scale=2.0, attention_bias=True, tie_word_embeddings=True, **LINEAR4),
                           dict(head_dim=8, num_dense_layers=2, sliding_window=6, num_key_value_heads=4, hidden_act="gelu", **rope(**YARN))]),
    "mellum": ({**BASE, **SPARSE, "num_experts": 4}, [dict(num_hidden_layers=3, head_dim=12, sliding_window=5, layer_types=KINDS), dict(head_dim=8, mlp_layer_types=["dense", "sparse"], norm_topk_prob=False, attention_bias=True, tie_word_embeddings=True),
                           dict(head_dim=8, sliding_window=4, layer_types=KINDS[:2], num_experts_per_tok=1, rope_parameters={"full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 100000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 2000.0}})]),
    "mimo_v2_flash": ({**BASE, **SPARSE, "n_routed_experts": 4, "head_dim": 12, "v_head_dim": 8}, [dict(num_hidden_layers=3, sliding_window=5, layer_types=KINDS), dict(num_key_value_heads=1, sliding_window=4, layer_types=KINDS[1:], mlp_layer_types=["sparse", "dense"], attention_value_scale=None, attention_bias=True, n_group=2, topk_group=1, norm_topk_prob=False, routed_scaling_factor=2.0, tie_word_embeddings=True),
                           dict(head_dim=8, v_head_dim=12, sliding_window=3, layer_types=KINDS[:2], attention_value_scale=0.5, num_experts_per_tok=1, routed_scaling_factor=None, rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.5}, "sliding_attention": {"rope_type": "default", "rope_theta": 700.0, "partial_rotary_factor": 1.0}})]),
    "hy_v3": ({**BASE, **SPARSE, "num_experts": 4}, [dict(num_hidden_layers=3, head_dim=12), dict(head_dim=8, mlp_layer_types=["sparse", "dense"], num_shared_experts=2, router_scaling_factor=1.0, enable_moe_fp32_combine=False, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, **LINEAR4), dict(head_dim=8, num_experts_per_tok=1, num_key_value_heads=4, **rope(**YARN))]),
    "persimmon": ({**BASE, "num_key_value_heads": 4}, [dict(), dict(qk_layernorm=False, hidden_act="gelu", tie_word_embeddings=True, **rope4(5000.0)), dict(layer_norm_eps=1e-3, **rope(rope_type="linear", factor=2.0, partial_rotary_factor=0.25))]),
    "biogpt": (dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=16, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=20, **IDS), [dict(), dict(scale_embedding=False, hidden_act="relu"), dict(num_attention_heads=2, tie_word_embeddings=False)]),
    "openai-gpt": (GPT, [dict(), dict(afn="relu", layer_norm_epsilon=1e-3), dict(afn="silu", n_head=2, tie_word_embeddings=False)]),
    "gpt_oss": ({**BASE, "intermediate_size": 8}, [dict(head_dim=8, num_local_experts=4, num_experts_per_tok=2, sliding_window=5, **rope(150000.0, **YARN, beta_fast=32.0, beta_slow=1.0, truncate=False)),
                                                   dict(head_dim=12, num_local_experts=3, num_experts_per_tok=1, sliding_window=3, attention_bias=False, tie_word_embeddings=True, layer_types=["full_attention", "sliding_attention"], **rope4(5000.0, rope_type="yarn", factor=4.0, beta_fast=32.0, beta_slow=1.0, original_max_position_embeddings=16)),
                                                   dict(head_dim=8, num_local_experts=4, num_experts_per_tok=4, sliding_window=4)]),
}

TOWER = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4, num_channels=3)
SIGLIP = dict(TOWER, model_type="siglip_vision_model")
PIXTRAL = dict(TOWER, model_type="pixtral", head_dim=8)
CLIP = dict(TOWER, model_type="clip_vision_model", projection_dim=16)
QWEN_TOWER = dict(depth=1, embed_dim=16, hidden_size=32, num_heads=2, mlp_ratio=1, patch_size=2, spatial_merge_size=1, temporal_patch_size=1)
QWEN25_TOWER = dict(depth=1, hidden_size=16, intermediate_size=16, num_heads=2, out_hidden_size=32, patch_size=2, spatial_merge_size=1, temporal_patch_size=1, window_size=4, fullatt_block_indexes=[0])
QWEN3_TOWER = dict(depth=1, hidden_size=16, intermediate_size=16, num_heads=2, out_hidden_size=32, patch_size=2, spatial_merge_size=1, temporal_patch_size=1, num_position_embeddings=16, deepstack_visual_indexes=[0])
MROPE = rope(1000000.0, mrope_section=[1, 1, 2])
GEMMA3_IMAGE = dict(vision_config=SIGLIP, mm_tokens_per_image=4, image_token_index=3, boi_token_index=4, eoi_token_index=5)
GEMMA4_TOWER = dict(model_type="gemma4_vision", hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, head_dim=8, patch_size=4, position_embedding_size=8, rope_parameters={"rope_theta": 100.0, "rope_type": "axial"})
GEMMA4_IMAGE = dict(image_token_id=0, video_token_id=1, audio_token_id=2, boi_token_id=1, eoi_token_id=1, boa_token_id=1, eoa_token_index=1)
QWEN_IMAGE = dict(image_token_id=3, video_token_id=4, vision_start_token_id=5, vision_end_token_id=6)


def part(model_type, **options):
    """A text part under its own name."""
    return {"text_config": {"model_type": model_type, **(SMALL if model_type.startswith(("gemma3n", "gemma4", "llama4")) else BASE), **options}}


# Models of which a decoder of texts is one part: its options in text_config, or beside vision_config; its tensors where the saved files have them.
WRAPPERS = {
    "gemma3": (GEMMA3_IMAGE, [dict(**part("gemma3_text", num_hidden_layers=3, head_dim=12, sliding_window=5, query_pre_attn_scalar=20, layer_types=["sliding_attention", "sliding_attention", "full_attention"])),
                              dict(tie_word_embeddings=False, **part("gemma3_text", head_dim=8, sliding_window=4, sliding_window_pattern=2, tie_word_embeddings=True, rope_local_base_freq=500.0, **rope4(100000.0, rope_type="linear", factor=8.0))), dict(**part("gemma3_text", head_dim=6, num_key_value_heads=4, sliding_window=3, query_pre_attn_scalar=7, layer_types=["full_attention", "sliding_attention"], attention_bias=True))]),
    "mistral3": (dict(vision_config=PIXTRAL, image_token_index=3, spatial_merge_size=2), [dict(**part("mistral", head_dim=12, sliding_window=None)), dict(tie_word_embeddings=False, **part("ministral3", head_dim=12, **rope(1000000.0, **YARN, llama_4_scaling_beta=0.3))), dict(tie_word_embeddings=False, **part("mistral4", **MLA, **SPARSE, n_routed_experts=4, n_shared_experts=1, **rope(**{**YARN, "original_max_position_embeddings": 4}, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.3)))]),
    "llava": (dict(vision_config=CLIP, image_token_index=3), [dict(**part("llama")), dict(tie_word_embeddings=True, **part("mistral", sliding_window=5)), dict(tie_word_embeddings=False, **part("qwen3", head_dim=12, attention_bias=True))]),
    "llava_next": (dict(vision_config=CLIP, image_token_index=3, image_grid_pinpoints=[[8, 8]]), [dict(**part("qwen2")), dict(tie_word_embeddings=True, **part("llama", attention_bias=True, head_dim=12)), dict(**part("mistral", sliding_window=4, head_dim=6))]),
    "idefics3": (dict(vision_config=dict(TOWER, model_type="idefics3_vision"), image_token_id=3, scale_factor=2), [dict(**part("llama", num_key_value_heads=4)), dict(tie_word_embeddings=True, **part("llama", mlp_bias=True, **rope4(5000.0))), dict(**part("mistral", sliding_window=5))]),
    "smolvlm": (dict(vision_config=dict(TOWER, model_type="smolvlm_vision"), image_token_id=3, scale_factor=2), [dict(**part("llama")), dict(tie_word_embeddings=True, **part("llama", attention_bias=True, **rope4(5000.0))), dict(**part("llama", num_key_value_heads=1, head_dim=12, mlp_bias=True))]),
    "qwen2_vl": (dict(vision_config=QWEN_TOWER, **QWEN_IMAGE), [dict(**part("qwen2_vl_text", **MROPE)), dict(tie_word_embeddings=True, use_sliding_window=True, sliding_window=4, max_window_layers=1, **BASE, rope_theta=5000.0, rope_scaling={"type": "mrope", "mrope_section": [1, 1, 2]}), dict(**part("qwen2_vl_text", num_key_value_heads=4, use_sliding_window=True, sliding_window=5, max_window_layers=0, **MROPE))]),
    "qwen2_5_vl": (dict(vision_config=QWEN25_TOWER, **QWEN_IMAGE), [dict(**part("qwen2_5_vl_text", **MROPE)), dict(tie_word_embeddings=True, **BASE, rope_theta=5000.0, rope_scaling={"type": "mrope", "mrope_section": [1, 1, 2]}), dict(**part("qwen2_5_vl_text", num_key_value_heads=1, use_sliding_window=True, sliding_window=4, max_window_layers=1, **MROPE))]),
    "qwen3_vl": (dict(vision_config=QWEN3_TOWER, **QWEN_IMAGE), [dict(**part("qwen3_vl_text", head_dim=12, **rope(5000000.0, mrope_interleaved=True, mrope_section=[2, 2, 2]))), dict(tie_word_embeddings=True, **part("qwen3_vl_text", head_dim=8, attention_bias=True, **MROPE)), dict(**part("qwen3_vl_text", head_dim=16, num_key_value_heads=4, **rope(10000.0, mrope_interleaved=True, mrope_section=[4, 2, 2])))]),
    "gemma4": (dict(vision_config=GEMMA4_TOWER, audio_config=None, **GEMMA4_IMAGE), [dict(**part("gemma4_text", num_hidden_layers=3, head_dim=4, global_head_dim=8, num_kv_shared_layers=1, hidden_size_per_layer_input=4, vocab_size_per_layer_input=VOCAB, layer_types=["full_attention", "sliding_attention", "full_attention"], sliding_window=4)), dict(**part("gemma4_text", num_hidden_layers=2, head_dim=8, global_head_dim=8, num_kv_shared_layers=0, hidden_size_per_layer_input=0, layer_types=["sliding_attention", "full_attention"], sliding_window=5, final_logit_softcapping=4.0)), dict(**part("gemma4_text", num_hidden_layers=3, head_dim=4, global_head_dim=6, num_kv_shared_layers=0, hidden_size_per_layer_input=6, vocab_size_per_layer_input=VOCAB, num_global_key_value_heads=1, attention_k_eq_v=True, layer_types=["sliding_attention", "full_attention", "full_attention"], sliding_window=3))]),
    "gemma3n": (dict(vision_config=dict(model_type="gemma3n_vision", hidden_size=16, vocab_size=4, vocab_offset=VOCAB),
                     audio_config=dict(model_type="gemma3n_audio", hidden_size=16, vocab_size=4, vocab_offset=VOCAB + 4, conf_num_hidden_layers=1, conf_num_attention_heads=2, conf_attention_context_left=3, sscp_conv_channel_size=[4, 4]), image_token_id=0, audio_token_id=1, boi_token_id=1, eoi_token_id=1, boa_token_id=1, eoa_token_id=1),
                [dict(**part("gemma3n_text", num_hidden_layers=4, head_dim=4, hidden_size_per_layer_input=4, vocab_size_per_layer_input=VOCAB - 20, laurel_rank=4, altup_num_inputs=3, altup_active_idx=1, num_kv_shared_layers=2, layer_types=["full_attention", "sliding_attention"] * 2, sliding_window=4, activation_sparsity_pattern=[0.6, 0.0, 0.0, 0.4])), dict(**part("gemma3n_text", num_hidden_layers=3, head_dim=8, hidden_size_per_layer_input=6, vocab_size_per_layer_input=VOCAB, laurel_rank=3, altup_num_inputs=2, altup_active_idx=0, num_kv_shared_layers=0, layer_types=["sliding_attention", "full_attention", "sliding_attention"], sliding_window=5, activation_sparsity_pattern=[0.0, 0.0, 0.5], final_logit_softcapping=6.0)), dict(**part("gemma3n_text", num_hidden_layers=4, head_dim=4, num_key_value_heads=2, hidden_size_per_layer_input=4, vocab_size_per_layer_input=VOCAB - 20, laurel_rank=2, altup_num_inputs=4, altup_active_idx=2, altup_coef_clip=0.7, num_kv_shared_layers=2, layer_types=["sliding_attention", "full_attention"] * 2, sliding_window=3, activation_sparsity_pattern=[0.0] * 4))]),
    "gemma4_unified": (dict(vision_config=dict(model_type="gemma4_unified_vision", mm_embed_dim=16, mm_posemb_size=8, output_proj_dims=16, patch_size=4, pooling_kernel_size=1), audio_config=None, **GEMMA4_IMAGE), [dict(**part("gemma4_unified_text", head_dim=4, global_head_dim=8, num_global_key_value_heads=1, attention_k_eq_v=True, layer_types=KINDS[:2], sliding_window=4)), dict(**part("gemma4_unified_text", head_dim=8, global_head_dim=8, layer_types=KINDS[:2], sliding_window=5, final_logit_softcapping=5.0)), dict(**part("gemma4_unified_text", num_hidden_layers=3, head_dim=4, global_head_dim=4, num_kv_shared_layers=1, use_double_wide_mlp=True, layer_types=["full_attention", "sliding_attention", "full_attention"], sliding_window=3))]),
    "llama4": (dict(vision_config=dict(model_type="llama4_vision_model", hidden_size=16, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4, projector_input_dim=16, projector_output_dim=16, vision_output_dim=16, pixel_shuffle_ratio=0.5), image_token_index=0, boi_token_index=1, eoi_token_index=2), [dict(**part("llama4_text", intermediate_size_mlp=12, head_dim=4, num_local_experts=4, attention_chunk_size=5, no_rope_layers=[1, 0], floor_scale=4)), dict(tie_word_embeddings=False, **part("llama4_text", intermediate_size_mlp=12, head_dim=8, num_local_experts=3, num_experts_per_tok=2, attention_chunk_size=4, no_rope_layers=[0, 1], use_qk_norm=False, attention_bias=True)), dict(**part("llama4_text", num_hidden_layers=3, intermediate_size_mlp=20, head_dim=4, num_local_experts=2, interleave_moe_layer_step=2, attention_chunk_size=6, no_rope_layers=[1, 1, 0], attn_temperature_tuning=False))]),
    "qwen3_vl_moe": (dict(vision_config=QWEN3_TOWER, **QWEN_IMAGE), [dict(**part("qwen3_vl_moe_text", **SPARSE, num_experts=4, head_dim=8, **MROPE)), dict(tie_word_embeddings=True, **part("qwen3_vl_moe_text", **SPARSE, num_experts=4, head_dim=12, mlp_only_layers=[0], **MROPE)), dict(**part("qwen3_vl_moe_text", **{**SPARSE, "norm_topk_prob": False}, num_experts=6, head_dim=16, attention_bias=True, decoder_sparse_step=2, **rope(10000.0, mrope_interleaved=True, mrope_section=[4, 2, 2])))]),
}


SMALL = dict(BASE, hidden_size=16, num_attention_heads=2, num_key_value_heads=1, num_hidden_layers=3)
LINEAR = ["linear_attention", "full_attention", "linear_attention"]
DELTA = dict(linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=6, linear_value_head_dim=5, linear_conv_kernel_dim=4, head_dim=8)
FEW = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=4, shared_expert_intermediate_size=8)
MAMBA = dict(mamba_n_heads=4, mamba_n_groups=2, mamba_d_state=6, mamba_d_head=8, mamba_d_conv=4, mamba_expand=2, mamba_chunk_size=4)
MULTIPLIED = dict(attention_in_multiplier=1.1, attention_out_multiplier=0.9, key_multiplier=0.7, embedding_multiplier=2.5, lm_head_multiplier=0.6, mlp_multipliers=[0.8, 0.6], ssm_in_multiplier=1.2, ssm_out_multiplier=0.5, ssm_multipliers=[0.9, 0.8, 0.7, 1.1, 0.6])
# Models some of whose layers carry the text in a state and have no attention weights.
HYBRIDS = {
    "lfm2": (SMALL, [dict(layer_types=["conv", "full_attention", "conv"], conv_L_cache=3, block_auto_adjust_ff_dim=False, **rope(1000000.0)),
                     dict(full_attn_idxs=[1], conv_L_cache=4, conv_bias=True, block_ff_dim=24, block_multiple_of=8, block_ffn_dim_multiplier=1.3, tie_embedding=False, **rope4(10000.0)),
                     dict(layer_types=["full_attention", "conv", "full_attention"], conv_L_cache=2, num_key_value_heads=2, block_auto_adjust_ff_dim=True, block_multiple_of=4, **rope(**YARN))]),
    "qwen3_5_text": (SMALL, [dict(layer_types=LINEAR, tie_word_embeddings=True, **DELTA, **rope(10000000.0, partial_rotary_factor=0.5, mrope_interleaved=True, mrope_section=[1, 1, 0])),
                             dict(full_attention_interval=3, attention_bias=True, **{**DELTA, "linear_conv_kernel_dim": 3, "linear_num_value_heads": 2}, **rope(10000.0)),
                             dict(layer_types=["full_attention", "linear_attention", "full_attention"], num_key_value_heads=2, **{**DELTA, "linear_num_value_heads": 6, "linear_value_head_dim": 8}, **rope(5000.0, rope_type="linear", factor=2.0, partial_rotary_factor=0.25))]),
    "qwen3_5_moe_text": (SMALL, [dict(layer_types=LINEAR, **FEW, **DELTA, **rope(10000000.0, partial_rotary_factor=0.5)),
                                 dict(full_attention_interval=2, attention_bias=True, tie_word_embeddings=True, **{**FEW, "num_experts": 6, "num_experts_per_tok": 3}, **{**DELTA, "linear_num_key_heads": 1, "linear_conv_kernel_dim": 2}, **rope(10000.0)),
                                 dict(num_hidden_layers=2, layer_types=["full_attention", "linear_attention"], num_key_value_heads=2, **{**FEW, "num_experts_per_tok": 1}, **{**DELTA, "linear_num_value_heads": 2, "head_dim": 16}, **rope(1000000.0, partial_rotary_factor=0.25))]),
    "qwen3_5": (dict(vision_config=QWEN3_TOWER, **QWEN_IMAGE), [dict(tie_word_embeddings=True, **part("qwen3_5_text", num_hidden_layers=3, layer_types=LINEAR, **DELTA, **rope(10000000.0, partial_rotary_factor=0.5, mrope_interleaved=True, mrope_section=[1, 1, 0]))), dict(**part("qwen3_5_text", num_hidden_layers=3, full_attention_interval=3, attention_bias=True, **{**DELTA, "linear_conv_kernel_dim": 3, "linear_num_value_heads": 2}, **rope(10000.0, mrope_interleaved=True, mrope_section=[1, 0, 0]))), dict(tie_word_embeddings=True, **part("qwen3_5_text", num_hidden_layers=2, layer_types=["full_attention", "linear_attention"], num_key_value_heads=2, **{**DELTA, "linear_num_value_heads": 6, "head_dim": 16}, **rope(5000.0, partial_rotary_factor=0.5, mrope_interleaved=True, mrope_section=[2, 1, 1])))]),
    "qwen3_5_moe": (dict(vision_config=QWEN3_TOWER, **QWEN_IMAGE), [dict(**part("qwen3_5_moe_text", num_hidden_layers=3, layer_types=LINEAR, **FEW, **DELTA, **rope(10000000.0, partial_rotary_factor=0.5, mrope_interleaved=True, mrope_section=[1, 1, 0]))), dict(tie_word_embeddings=True, **part("qwen3_5_moe_text", num_hidden_layers=2, layer_types=["linear_attention", "full_attention"], **{**FEW, "num_experts": 6, "num_experts_per_tok": 3}, **{**DELTA, "linear_num_key_heads": 1}, **rope(10000.0, mrope_interleaved=True, mrope_section=[1, 0, 0]))), dict(**part("qwen3_5_moe_text", num_hidden_layers=3, layer_types=["full_attention", "linear_attention", "full_attention"], num_key_value_heads=2, **{**FEW, "num_experts_per_tok": 1}, **{**DELTA, "linear_num_value_heads": 2}, **rope(5000.0, partial_rotary_factor=0.5, mrope_interleaved=True, mrope_section=[1, 1, 0])))]),
    "lfm2_moe": (SMALL, [dict(layer_types=["conv", "full_attention", "conv"], num_dense_layers=1, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=8, **rope(1000000.0)),
                         dict(layer_types=["full_attention", "conv", "conv"], num_dense_layers=0, num_experts=3, num_experts_per_tok=2, moe_intermediate_size=8, conv_L_cache=4, conv_bias=True, use_expert_bias=False, norm_topk_prob=False, routed_scaling_factor=1.5, tie_embedding=False, **rope4(10000.0)),
                         dict(num_hidden_layers=2, layer_types=["conv", "full_attention"], num_dense_layers=1, num_experts=4, num_experts_per_tok=1, moe_intermediate_size=8, conv_L_cache=2, num_key_value_heads=2, routed_scaling_factor=2.0, **rope(**YARN))]),
    "granitemoehybrid": ({**SMALL, **MAMBA}, [dict(layer_types=LINEAR, num_local_experts=4, num_experts_per_tok=2, intermediate_size=8, shared_intermediate_size=12, embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5, attention_multiplier=0.2, position_embedding_type="nope"),
                         dict(layer_types=["mamba", "attention", "mamba"], num_local_experts=0, num_experts_per_tok=0, shared_intermediate_size=16, position_embedding_type="rope", mamba_d_head="auto", mamba_n_groups=1, mamba_d_conv=3, mamba_proj_bias=True, mamba_conv_bias=False, attention_bias=True, time_step_limit=[0.3, 0.8], tie_word_embeddings=True, **rope4(5000.0)),
                         dict(num_hidden_layers=2, num_local_experts=3, num_experts_per_tok=1, intermediate_size=8, shared_intermediate_size=8, mamba_n_heads=2, mamba_d_head=16, residual_multiplier=0.7)]),
    "bamba": ({**SMALL, **MAMBA}, [dict(attn_layer_indices=[1]), dict(attn_layer_indices=[0, 2], mamba_n_groups=1, mamba_d_head="auto", mamba_d_conv=3, mamba_proj_bias=True, mamba_conv_bias=False, attention_bias=True, mlp_bias=True, time_step_limit=[0.3, 0.8], tie_word_embeddings=True, **rope(5000.0, partial_rotary_factor=0.25)),
                         dict(num_hidden_layers=2, attn_layer_indices=[0], num_key_value_heads=2, **rope(**YARN))]),
    "falcon_h1": ({**SMALL, **MAMBA, "num_hidden_layers": 2, "mamba_d_ssm": 32}, [dict(mamba_n_groups=1, **MULTIPLIED, **rope(100000000000.0)),
                         dict(mamba_d_ssm=None, mamba_rms_norm=True, mamba_norm_before_gate=True, attention_bias=True, mlp_bias=True, mamba_proj_bias=True, projectors_bias=True, mamba_conv_bias=False, tie_word_embeddings=True, attention_in_multiplier=1.3, key_multiplier=0.6, attention_out_multiplier=0.8, **rope4(5000.0)),
                         dict(mamba_d_ssm=24, mamba_d_head=6, mamba_rms_norm=True, mamba_norm_before_gate=False, head_dim=12, num_key_value_heads=2, time_step_limit=[0.25, 0.9], ssm_multipliers=[0.5, 1.5, 0.8, 1.2, 0.9], **rope(**YARN))]),
    "nemotron_h": ({**{name: size for name, size in SMALL.items() if name != "num_hidden_layers"}, "head_dim": 8, "mamba_num_heads": 4, "mamba_head_dim": 6, "n_groups": 2, "ssm_state_size": 6, "conv_kernel": 4, "chunk_size": 4}, [dict(layers_block_type=["linear_attention", "mlp", "full_attention", "moe"], n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=8, moe_shared_expert_intermediate_size=12, routed_scaling_factor=1.5),
                         dict(hybrid_override_pattern="M*-M", use_bias=True, mlp_bias=True, use_conv_bias=False, mlp_hidden_act="silu", time_step_min=0.5, conv_kernel=3, n_groups=1, num_key_value_heads=2),
                         dict(layers_block_type=["moe", "mamba", "attention"], n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=8, moe_shared_expert_intermediate_size=8, moe_latent_size=8, n_group=2, topk_group=1, norm_topk_prob=False, routed_scaling_factor=2.5, n_groups=4, tie_word_embeddings=True)]),
    "qwen3_next": (SMALL, [dict(layer_types=LINEAR, norm_topk_prob=False, mlp_only_layers=[0], **FEW, **DELTA, **rope(10000000.0, partial_rotary_factor=0.5)),
                           dict(full_attention_interval=2, norm_topk_prob=True, decoder_sparse_step=2, attention_bias=True, tie_word_embeddings=True, **{**FEW, "num_experts": 3}, **{**DELTA, "linear_num_value_heads": 2, "linear_conv_kernel_dim": 3}, **rope(10000.0)),
                           dict(layer_types=["full_attention", "linear_attention", "full_attention"], num_key_value_heads=2, norm_topk_prob=True, **{**FEW, "num_experts": 0}, **{**DELTA, "linear_num_key_heads": 1}, **rope(partial_rotary_factor=0.25, **YARN))]),
}


def alibi_once(forward):
    """The eager attention of Falcon adds ALiBi in the mask and again to the scores, its other attention once: here once."""
    def once(self, hidden_states, alibi=None, *args, **options):
        return forward(self, hidden_states, None if alibi is None else torch.zeros_like(alibi), *args, **options)
    return once


modeling_falcon.FalconAttention.forward = alibi_once(modeling_falcon.FalconAttention.forward)


def with_sinks(forward):
    """The eager attention of Granite with windows returns weights before the sink takes its share: here those that values are multiplied by."""
    def shared(module, query, key, value, mask, scaling, **options):
        output, weights = forward(module, query, key, value, mask, scaling, **options)
        scores = query @ key.repeat_interleave(module.num_key_value_groups, 1).transpose(2, 3) * scaling + mask
        return output, weights * (scores.logsumexp(-1, keepdim=True) - module.sinks.view(1, -1, 1, 1)).sigmoid()
    return shared


modeling_granite_swa.eager_attention_forward = with_sinks(modeling_granite_swa.eager_attention_forward)


# Gemma 3n's tower for pictures is a model of another library, which texts do not go through.
whole_model = modeling_gemma3n.AutoModel.from_config
modeling_gemma3n.AutoModel.from_config = lambda config: torch.nn.Linear(2, 2) if config.model_type == "gemma3n_vision" else whole_model(config)


def randomize(model):
    """Weights that make attention, routing and predictions far from uniform."""
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + [item for item in model.named_buffers() if any(part in item[0] for part in ("e_score_correction", "expert_bias", "layer_scalar"))]:
            if "act_fn.alpha" in name:
                tensor.copy_(torch.rand_like(tensor) - 0.3)
            elif "sinks" in name:
                tensor.copy_(torch.randn_like(tensor))
            elif name.endswith(("A_log", "dt_bias")):
                tensor.copy_(torch.rand_like(tensor) * 2 - 1.5)
            elif "conv" in name and tensor.ndim == 3:
                tensor.copy_(torch.randn_like(tensor) * 0.6)
            elif tensor.ndim < 2:
                tensor.add_(torch.randn_like(tensor) * 0.15)
            elif any(part in name for part in ("embed", "wte", "wpe")) and "proj" not in name:
                tensor.copy_(torch.randn_like(tensor) * 0.7)
            else:
                sharp = 1.5 if any(part in name for part in ("q_proj", "k_proj", "qkv", "query_key", "c_attn", "q_a", "q_b", "kv_a", "kv_b", "router", "gate.weight")) else 1.0
                tensor.copy_(torch.randn_like(tensor) * sharp * 1.3 / math.sqrt(tensor.shape[-1]))


def convolution_map(module, x):
    """[1,T,T]: of each earlier token's numbers, the size of their factors in this token's, the mean over the channels."""
    b, c, _ = module.in_proj(x).double().chunk(3, dim=-1)
    kernel, tokens = module.conv.weight.double()[:, 0], len(x)
    found = torch.zeros(1, tokens, tokens, dtype=torch.float64)
    for query in range(tokens):
        for back in range(min(query + 1, kernel.shape[1])):
            found[0, query, query - back] = (c[query] * kernel[:, kernel.shape[1] - 1 - back] * b[query - back]).abs().mean()
    return found.float()


RULES = {}  # modelling file -> its recurrence


def delta_map(q, k, g, beta):
    """[H,T,T]: the share of each token's value in what a head of a gated delta net reads; of the recurrence with unit vectors as values."""
    q, k = (x * torch.rsqrt((x * x).sum(-1, keepdim=True) + 1e-6) for x in (q, k))
    tokens, heads = g.shape
    q, k = (x.repeat_interleave(heads // x.shape[1], 1) for x in (q * q.shape[-1] ** -0.5, k))
    state, found = torch.zeros(heads, q.shape[-1], tokens, dtype=torch.float64), torch.zeros(heads, tokens, tokens, dtype=torch.float64)
    for t in range(tokens):
        state = state * g[t].exp()[:, None, None]
        unit = torch.nn.functional.one_hot(torch.tensor(t), tokens).double()
        state = state + k[t][:, :, None] * (beta[t][:, None] * (unit - torch.einsum("hkt,hk->ht", state, k[t])))[:, None, :]
        found[:, t] = torch.einsum("hkt,hk->ht", state, q[t])
    return found


def keep_delta_map(module, found, layer):
    """The recurrence in the modelling file of `module`, which also keeps its map as that of `layer`."""
    home = sys.modules[type(module).__module__]
    rule = RULES.setdefault(home, home.torch_chunk_gated_delta_rule)
    def also(query, key, value, g, beta, *args, **options):
        output = rule(query, key, value, g, beta, *args, **options)
        mixing = delta_map(*(x[0].double() for x in (query, key, g, beta)))
        torch.testing.assert_close(torch.einsum("hts,shv->thv", mixing, value[0].double()), output[0][0].double(), rtol=1e-4, atol=1e-5)
        found[f"mixing.{layer}"] = mixing.float()
        return output
    home.torch_chunk_gated_delta_rule = also


def mamba_map(dt, a, b, c, skip, dt_bias, limit):
    """[H,T,T]: the share of each token's x in what a head of Mamba 2 reads, its own by way of the skip included."""
    tokens, heads = dt.shape
    dt = torch.nn.functional.softplus(dt + dt_bias).clamp(*limit)
    b, c = (x.repeat_interleave(heads // x.shape[1], 1) for x in (b, c))
    found = torch.zeros(heads, tokens, tokens, dtype=torch.float64)
    for query in range(tokens):
        for key in range(query + 1):
            found[:, query, key] = (c[query] * b[key]).sum(-1) * (a * dt[key + 1 : query + 1].sum(0)).exp() * dt[key]
        found[:, query, query] += skip
    return found


def keep_mamba_map(module, found, layer):
    """The recurrence in the modelling file of `module`, which also keeps its map as that of `layer`."""
    home = sys.modules[type(module).__module__]
    rule = RULES.setdefault((home, "mamba"), home.mamba2_chunk_scan)
    def also(x, dt, a, b, c, D=None, dt_bias=None, dt_limit=(0.0, float("inf")), **options):
        output = rule(x, dt, a, b, c, D=D, dt_bias=dt_bias, dt_limit=dt_limit, **options)
        mixing = mamba_map(*(value.double() for value in (dt[0], a, b[0], c[0], D, dt_bias)), dt_limit)
        whole = output[0] if isinstance(output, tuple) else output
        torch.testing.assert_close(torch.einsum("hts,shv->thv", mixing, x[0].double()), whole[0].double(), rtol=1e-4, atol=1e-5)
        found[f"mixing.{layer}"] = mixing.float()
        return output
    home.mamba2_chunk_scan = also


def golden(model, ids):
    """Everything the tests compare, of one forward pass."""
    blocks = next(module for name, module in model.named_modules() if isinstance(module, torch.nn.ModuleList) and len(module) > 1 and name.rpartition(".")[2] in ("layers", "h", "blocks"))
    resid, found = [], {"input_ids": ids}
    active = getattr(model.config.get_text_config(), "altup_active_idx", None)
    own = lambda hidden: (hidden if active is None else hidden[active])[0].clone()
    first = lambda args, options: own(args[0] if args else options["hidden_states"])
    hooks = [blocks[0].register_forward_pre_hook(lambda _, args, options: resid.append(first(args, options)), with_kwargs=True)]
    for layer, block in enumerate(blocks):
        hooks.append(block.register_forward_hook(lambda _, __, output: resid.append(own(output[0] if isinstance(output, (tuple, list)) else output))))
        for module in block.modules():
            if type(module).__name__.endswith("GatedDeltaNet"):
                hooks.append(module.register_forward_pre_hook(lambda module, _, layer=layer: keep_delta_map(module, found, layer)))
            if hasattr(module, "A_log") and not type(module).__name__.endswith("GatedDeltaNet"):
                hooks.append(module.register_forward_pre_hook(lambda module, *_, layer=layer: keep_mamba_map(module, found, layer), with_kwargs=True))
            if type(module).__name__.endswith("ShortConv"):
                hooks.append(module.register_forward_hook(lambda module, args, options, _, layer=layer: found.update({f"mixing.{layer}": convolution_map(module, first(args, options))}), with_kwargs=True))
            if type(module).__name__.endswith(("TopKRouter", "TopkRouter", "TokenChoiceRouter", "V1Gate")):
                def keep(_, __, output, layer=layer):
                    chosen = next(value for value in output if not value.is_floating_point())
                    logits, weights = (value for value in output if value.is_floating_point())
                    if logits.shape[1] < weights.shape[1]:
                        logits, weights = weights, logits
                    found[f"routing.{layer}"] = torch.zeros_like(logits).scatter(1, chosen, weights)
                hooks.append(module.register_forward_hook(keep))
    with torch.inference_mode():
        result = model(ids[None], output_attentions=True, use_cache=False)
    for hook in hooks:
        hook.remove()
    found["logits"] = result.logits[0]
    found.update({f"resid.{i}": value for i, value in enumerate(resid)})
    attending = [i for i, block in enumerate(blocks) if any(type(module).__name__.endswith("Attention") for module in block.modules())]
    layers = list(range(len(blocks))) if len(result.attentions) == len(blocks) else attending
    found.update({f"attentions.{i}": value[0] for i, value in zip(layers, result.attentions, strict=True)})
    return {name: value.clone().contiguous() for name, value in found.items()}


def kind_of(config):
    """The class that loads a model; the library lists Mistral 4 only inside one that reads pictures too."""
    if "vision_config" in config:
        return AutoModelForImageTextToText
    return Mistral4ForCausalLM if config["model_type"] == "mistral4" else AutoModelForCausalLM


def make(case, config, seed, dtype):
    folder = (FOLDER.with_name("wrappers") if config["model_type"] in WRAPPERS else FOLDER.with_name("hybrids") if config["model_type"] in HYBRIDS else FOLDER) / case
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = json.dumps(config, indent=1) + "\n"
    (folder / "config.json").write_text(text)
    torch.manual_seed(seed)
    kind = kind_of(config)
    build = kind._from_config if kind is Mistral4ForCausalLM else kind.from_config
    model = build(AutoConfig.from_pretrained(folder), attn_implementation="eager", dtype=torch.float32)
    randomize(model)
    model.to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "config.json").write_text(text)
    loaded = kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    ids = torch.randint(3, VOCAB, (TOKENS,), generator=torch.Generator().manual_seed(7))
    save_file(golden(loaded, ids), folder / "golden.safetensors")


def main(wanted):
    for family, (base, cases) in {**FAMILIES, **WRAPPERS, **HYBRIDS}.items():
        for index, changed in enumerate(cases):
            case = f"{family}.{index + 1}"
            if wanted and case not in wanted and family not in wanted:
                continue
            make(case, {"model_type": family, **base, **changed}, seed=1000 + sum(map(ord, case)), dtype=torch.float32 if index == 0 and family not in HYBRIDS else torch.bfloat16)


if __name__ == "__main__":
    main(sys.argv[1:])
