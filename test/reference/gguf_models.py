"""What transformers computes for tiny models written as GGUF files by llama.cpp's own converter: expectations of test/golden/gguf.

    LLAMA_CPP=CHECKOUT GGML=FOLDER python test/reference/gguf_models.py [CASE ...]

CHECKOUT is llama.cpp's source (its conversion/ and gguf-py/ are used), FOLDER holds its libggml-base.so, as the npm packages @node-llama-cpp/* ship them.
Needs torch, transformers 5.18 and safetensors. Writes test/fixtures/gguf/CASE.gguf.gz and golden.safetensors: input_ids [T], and CASE.logits [T,V].

A model's random weights are converted as float32; its matrices are quantised by ggml, and read back by ggml and by gguf-py, which must agree.
Where each number of a Hugging Face file went is found by converting the same model with numbers for names in place of weights. With every number
put back where it came from, transformers runs the weights that the GGUF file holds.
"""
import ctypes
import gzip
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

sys.path[:0] = [os.environ["LLAMA_CPP"], os.environ["LLAMA_CPP"] + "/gguf-py"]
import gguf  # noqa: E402
from conversion import get_model_class  # noqa: E402
from conversion.base import ModelBase  # noqa: E402
from family_cases import BASE, GPT, IDS, LATENT, SPARSE, VOCAB, YARN, LLAMA3, LONG, TOKENS, QWEN_TOWER, QWEN3_TOWER, randomize, rope  # noqa: E402

OUT = Path(__file__).parent.parent / "fixtures" / "gguf"
GGML = ctypes.CDLL(os.environ["GGML"] + "/libggml-base.so")
GGML.ggml_quantize_chunk.restype = ctypes.c_size_t
GGML.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
Q = gguf.GGMLQuantizationType
WIDE = dict(BASE, hidden_size=256, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=16, intermediate_size=32)
LINEAR = rope(5000.0, rope_type="linear", factor=2.0)
GEMMA3 = {"full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 100000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 2000.0}}
DEEPSEEK = {**BASE, **SPARSE, **LATENT, "num_key_value_heads": 4}
HYBRID = dict(BASE, num_hidden_layers=3, layer_types=["linear_attention", "full_attention", "linear_attention"], linear_num_key_heads=2, linear_key_head_dim=8, linear_value_head_dim=8, linear_conv_kernel_dim=4, head_dim=8)
GEMMA4 = dict(BASE, model_type="gemma4_text", num_hidden_layers=4, head_dim=8, global_head_dim=16, sliding_window=5, rope_parameters={"full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 100000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 2000.0}})
FALCON = dict(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, model_type="falcon", alibi=False, bias=False, layer_norm_epsilon=1e-5, max_position_embeddings=64, tie_word_embeddings=True, **IDS)
MAMBA = dict(BASE, num_hidden_layers=3, mamba_n_heads=4, mamba_n_groups=2, mamba_d_state=16, mamba_d_head=16, mamba_d_conv=4, mamba_expand=2, mamba_chunk_size=4)
NEMOTRON = dict({name: size for name, size in BASE.items() if name != "num_hidden_layers"}, model_type="nemotron_h", head_dim=8, mamba_num_heads=4, mamba_head_dim=16, n_groups=2, ssm_state_size=16, conv_kernel=4, chunk_size=4)
QWEN_VL = dict(image_token_id=0, video_token_id=1, vision_start_token_id=2, vision_end_token_id=2)
# case -> its type, and config.json. Whole numbers of blocks of 32 in a row where the type has them.
CASES = {
    "llama.f32": ("F32", dict(BASE, model_type="llama", intermediate_size=32)),
    "llama.f16": ("F16", dict(BASE, model_type="llama", intermediate_size=32, attention_bias=True, mlp_bias=True)),
    "llama.bf16": ("BF16", dict(BASE, model_type="llama", intermediate_size=32, head_dim=12, tie_word_embeddings=True)),
    "llama.q4_0": ("Q4_0", dict(BASE, model_type="llama", intermediate_size=32, head_dim=16, **rope(**LLAMA3))),
    "llama.q4_1": ("Q4_1", dict(BASE, model_type="llama", intermediate_size=32, **LINEAR)),
    "llama.q5_0": ("Q5_0", dict(BASE, model_type="llama", intermediate_size=32, **rope(**YARN))),
    "llama.q5_1": ("Q5_1", dict(BASE, model_type="llama", intermediate_size=32, num_key_value_heads=1)),
    "llama.q8_0": ("Q8_0", dict(BASE, model_type="llama", intermediate_size=32, **rope(500000.0, **{**LLAMA3, "original_max_position_embeddings": 8192}))),
    "llama.iq4_nl": ("IQ4_NL", dict(BASE, model_type="llama", intermediate_size=32)),
    "llama.q2_k": ("Q2_K", dict(WIDE, model_type="llama")),
    "llama.q3_k": ("Q3_K", dict(WIDE, model_type="llama")),
    "llama.q4_k": ("Q4_K", dict(WIDE, model_type="llama", attention_bias=True)),
    "llama.q5_k": ("Q5_K", dict(WIDE, model_type="llama")),
    "llama.q6_k": ("Q6_K", dict(WIDE, model_type="llama")),
    "llama.iq4_xs": ("IQ4_XS", dict(WIDE, model_type="llama")),
    "mistral.q4_0": ("Q4_0", dict(BASE, model_type="mistral", intermediate_size=32, sliding_window=None)),
    "mixtral.q8_0": ("Q8_0", dict(BASE, model_type="mixtral", num_local_experts=4, num_experts_per_tok=2, num_hidden_layers=2)),
    "mixtral.f32": ("F32", dict(BASE, model_type="mixtral", num_local_experts=3, num_experts_per_tok=1, num_hidden_layers=1)),
    "qwen2.q4_1": ("Q4_1", dict(BASE, model_type="qwen2", tie_word_embeddings=True)),
    "qwen2.f16": ("F16", dict(BASE, model_type="qwen2", **rope(**YARN))),
    "qwen3.q5_0": ("Q5_0", dict(BASE, model_type="qwen3", head_dim=16, tie_word_embeddings=True)),
    "qwen3.q8_0": ("Q8_0", dict(BASE, model_type="qwen3", head_dim=8, attention_bias=True, **LINEAR)),
    "qwen2moe.q4_0": ("Q4_0", dict(BASE, **SPARSE, model_type="qwen2_moe", num_experts=4, shared_expert_intermediate_size=12)),
    "qwen2moe.q8_0": ("Q8_0", dict(BASE, **SPARSE, model_type="qwen2_moe", num_experts=4, shared_expert_intermediate_size=32, **LINEAR)),
    "qwen3moe.q5_1": ("Q5_1", dict(BASE, **SPARSE, model_type="qwen3_moe", num_experts=4, head_dim=8, norm_topk_prob=True, num_hidden_layers=2)),
    "gemma.q4_0": ("Q4_0", dict(BASE, model_type="gemma", num_key_value_heads=1, head_dim=12)),
    "gemma.f32": ("F32", dict(BASE, model_type="gemma", head_dim=8, num_hidden_layers=1)),
    "gemma2.q5_1": ("Q5_1", dict(BASE, model_type="gemma2", head_dim=12, sliding_window=5, query_pre_attn_scalar=12, attn_logit_softcapping=2.0, final_logit_softcapping=3.0)),
    "gemma3.q4_0": ("Q4_0", dict(BASE, model_type="gemma3_text", num_hidden_layers=6, head_dim=8, sliding_window=5, query_pre_attn_scalar=8, rope_parameters=GEMMA3)),
    "phi2.q8_0": ("Q8_0", dict(BASE, model_type="phi", num_key_value_heads=4, intermediate_size=32)),
    "phi3.q5_0": ("Q5_0", dict(BASE, model_type="phi3", sliding_window=5, original_max_position_embeddings=64)),
    "phi3.f16": ("F16", dict(BASE, model_type="phi3", original_max_position_embeddings=8, tie_word_embeddings=True, **rope(rope_type="longrope", original_max_position_embeddings=8, **LONG))),
    "phimoe.q8_0": ("Q8_0", dict(BASE, model_type="phimoe", architectures=["PhiMoEForCausalLM"], num_local_experts=4, attention_bias=True, lm_head_bias=True, intermediate_size=32, max_position_embeddings=131072, sliding_window=131072,
                                 **rope(rope_type="longrope", original_max_position_embeddings=4096, short_mscale=1.243163121016122, long_mscale=1.243163121016122, **LONG))),
    "phimoe.f16": ("F16", dict(BASE, model_type="phimoe", architectures=["PhiMoEForCausalLM"], num_local_experts=6, original_max_position_embeddings=64, num_hidden_layers=1, sliding_window=5, **rope(1000000.0))),
    "internlm2.q4_0": ("Q4_0", dict(BASE, model_type="llama", architectures=["InternLM2ForCausalLM"], intermediate_size=32, num_key_value_heads=2, rms_norm_eps=1e-5, **rope(1000000.0))),
    "gpt2.q4_1": ("Q4_1", dict(GPT, model_type="gpt2", n_ctx=64, layer_norm_epsilon=1e-5)),
    "gpt2.f16": ("F16", dict(GPT, model_type="gpt2", n_ctx=64, layer_norm_epsilon=1e-5, tie_word_embeddings=False, n_layer=1)),
    "gptneox.q5_1": ("Q5_1", dict(BASE, model_type="gpt_neox", intermediate_size=32, rotary_pct=0.25, layer_norm_eps=1e-5)),
    "gptneox.f16": ("F16", dict(BASE, model_type="gpt_neox", rotary_pct=0.5, layer_norm_eps=1e-5, use_parallel_residual=False)),
    "starcoder2.q4_0": ("Q4_0", dict(BASE, model_type="starcoder2", sliding_window=None)),
    "starcoder2.bf16": ("BF16", dict(BASE, model_type="starcoder2", sliding_window=None, use_bias=False, tie_word_embeddings=False, norm_epsilon=1e-3)),
    "glm4.q8_0": ("Q8_0", dict(BASE, model_type="glm4", head_dim=8, attention_bias=True)),
    "glm4.iq4_nl": ("IQ4_NL", dict(BASE, model_type="glm4", head_dim=8, attention_bias=False, tie_word_embeddings=True, **rope(rope_type="linear", factor=2.0, partial_rotary_factor=0.5))),
    "deepseek2.q8_0": ("Q8_0", dict(DEEPSEEK, model_type="deepseek_v2", n_routed_experts=4, q_lora_rank=None, n_shared_experts=1, scoring_func="softmax")),
    "deepseek2.q4_0": ("Q4_0", dict(DEEPSEEK, model_type="deepseek_v2", n_routed_experts=4, n_shared_experts=2, topk_method="group_limited_greedy", n_group=2, topk_group=1, routed_scaling_factor=4.0, kv_lora_rank=32,
                                    **rope(**YARN, mscale=0.7, mscale_all_dim=0.7))),
    "deepseek3.f16": ("F16", dict(DEEPSEEK, model_type="deepseek_v3", n_routed_experts=8, n_group=4, topk_group=2, n_shared_experts=1, scoring_func="sigmoid", norm_topk_prob=True, routed_scaling_factor=2.5)),
    "olmo2.q5_0": ("Q5_0", dict(BASE, model_type="olmo2")),
    "olmo2.q4_1": ("Q4_1", dict(BASE, model_type="olmo2", attention_bias=True, tie_word_embeddings=True, **LINEAR)),
    "olmo3.q8_0": ("Q8_0", dict(BASE, model_type="olmo3", num_hidden_layers=3, sliding_window=5, layer_types=["sliding_attention", "sliding_attention", "full_attention"],
                                rope_parameters={"full_attention": {"rope_theta": 5000.0, **YARN}, "sliding_attention": {"rope_type": "default", "rope_theta": 5000.0}})),
    "stablelm.q4_0": ("Q4_0", dict(BASE, model_type="stablelm", use_qkv_bias=True)),
    "stablelm.q5_1": ("Q5_1", dict(BASE, model_type="stablelm", qk_layernorm=True, use_parallel_residual=True, **rope(partial_rotary_factor=0.5))),
    "smollm3.q4_1": ("Q4_1", dict(BASE, model_type="smollm3", num_hidden_layers=5, no_rope_layer_interval=4, use_sliding_window=False)),
    "smollm3.f16": ("F16", dict(BASE, model_type="smollm3", num_hidden_layers=1, attention_bias=True, tie_word_embeddings=True, use_sliding_window=False, **rope(**YARN))),
    "arcee.q5_0": ("Q5_0", dict(BASE, model_type="arcee", intermediate_size=32)),
    "arcee.bf16": ("BF16", dict(BASE, model_type="arcee", num_hidden_layers=1, tie_word_embeddings=True, **rope(**YARN))),
    "seed_oss.q8_0": ("Q8_0", dict(BASE, model_type="seed_oss", head_dim=8, attention_bias=True, attention_out_bias=False)),
    "seed_oss.q4_0": ("Q4_0", dict(BASE, model_type="seed_oss", head_dim=12, attention_bias=False, attention_out_bias=False, tie_word_embeddings=True)),
    "ernie4_5.q5_1": ("Q5_1", dict(BASE, model_type="ernie4_5", head_dim=8)),
    "ernie4_5.f16": ("F16", dict(BASE, model_type="ernie4_5", head_dim=12, num_hidden_layers=1, tie_word_embeddings=False)),
    "exaone4.q4_0": ("Q4_0", dict(BASE, model_type="exaone4", head_dim=8, num_hidden_layers=4, sliding_window=5, sliding_window_pattern="LLLG",
                                  layer_types=["sliding_attention"] * 3 + ["full_attention"])),
    "exaone4.q8_0": ("Q8_0", dict(BASE, model_type="exaone4", head_dim=8, sliding_window=None, sliding_window_pattern=None, tie_word_embeddings=True,
                                  layer_types=["full_attention"] * 2, **rope(500000.0, **{**LLAMA3, "original_max_position_embeddings": 8192}))),
    "cohere2.q5_0": ("Q5_0", dict(BASE, model_type="cohere2", num_hidden_layers=4, sliding_window=5, logit_scale=0.25, rotary_pct=1.0, tie_word_embeddings=True,
                                  layer_types=["sliding_attention"] * 3 + ["full_attention"])),
    "olmoe.q8_0": ("Q8_0", dict(BASE, model_type="olmoe", num_experts=4, num_experts_per_tok=2, norm_topk_prob=False, tie_word_embeddings=False)),
    "granite.iq4_nl": ("IQ4_NL", dict(BASE, model_type="granite", embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5, attention_multiplier=0.2)),
    "granite.q5_0": ("Q5_0", dict(BASE, model_type="granite", attention_multiplier=0.3, attention_bias=True, mlp_bias=True, tie_word_embeddings=True, **LINEAR)),
    "qwen35.q8_0": ("Q8_0", dict(HYBRID, model_type="qwen3_5_text", linear_num_value_heads=4, linear_value_head_dim=32, tie_word_embeddings=True, **rope(partial_rotary_factor=0.5))),
    "qwen35.f16": ("F16", dict(HYBRID, model_type="qwen3_5_text", linear_num_value_heads=2, linear_value_head_dim=6, num_hidden_layers=2, layer_types=["linear_attention", "full_attention"])),
    "qwen35moe.q4_0": ("Q4_0", dict(HYBRID, **SPARSE, model_type="qwen3_5_moe_text", linear_num_value_heads=6, num_experts=4, shared_expert_intermediate_size=12)),
    "qwen3next.q5_0": ("Q5_0", dict(HYBRID, **SPARSE, model_type="qwen3_next", linear_num_value_heads=4, num_experts=4, shared_expert_intermediate_size=32, norm_topk_prob=True, layer_types=None, full_attention_interval=2)),
    "lfm2.q4_0": ("Q4_0", dict(BASE, model_type="lfm2", num_hidden_layers=3, layer_types=["conv", "full_attention", "conv"], conv_L_cache=3, block_auto_adjust_ff_dim=True, block_ffn_dim_multiplier=1.3, block_multiple_of=8, **rope(1000000.0))),
    "lfm2.f16": ("F16", dict(BASE, model_type="lfm2", layer_types=["conv", "full_attention"], conv_L_cache=4, block_auto_adjust_ff_dim=False, tie_word_embeddings=False)),
    "gemma4.q8_0": ("Q8_0", dict(GEMMA4, hidden_size_per_layer_input=32, vocab_size_per_layer_input=VOCAB, num_kv_shared_layers=2, use_double_wide_mlp=True, final_logit_softcapping=3.0, layer_types=["sliding_attention", "full_attention"] * 2)),
    "gemma4.q4_0": ("Q4_0", dict(GEMMA4, hidden_size_per_layer_input=0, num_kv_shared_layers=0, num_global_key_value_heads=1, attention_k_eq_v=True, enable_moe_block=True, num_experts=4, top_k_experts=2, moe_intermediate_size=32,
                                 num_hidden_layers=3, layer_types=["sliding_attention", "sliding_attention", "full_attention"])),
    "gemma4.f16": ("F16", dict(GEMMA4, hidden_size_per_layer_input=0, num_kv_shared_layers=1, num_hidden_layers=3, layer_types=["full_attention", "sliding_attention", "full_attention"])),
    "llama4.q4_1": ("Q4_1", dict(BASE, model_type="llama4_text", num_hidden_layers=4, intermediate_size=32, intermediate_size_mlp=32, head_dim=8, num_local_experts=4, num_experts_per_tok=1, attention_chunk_size=8192, floor_scale=8192, attn_scale=0.1,
                                 interleave_moe_layer_step=2, moe_layers=[1, 3], use_qk_norm=True, no_rope_layer_interval=4, attn_temperature_tuning=True, tie_word_embeddings=False)),
    "apertus.q8_0": ("Q8_0", dict(BASE, model_type="apertus", tie_word_embeddings=False, **rope(12000000.0, **{**LLAMA3, "original_max_position_embeddings": 8192}))),
    "apertus.f16": ("F16", dict(BASE, model_type="apertus", num_hidden_layers=1, num_key_value_heads=4, tie_word_embeddings=True, **rope(500000.0))),
    "gpt-oss.q8_0": ("Q8_0", dict(BASE, model_type="gpt_oss", head_dim=8, num_local_experts=4, num_experts_per_tok=2, sliding_window=5, **rope(150000.0, **YARN, beta_fast=32.0, beta_slow=1.0, truncate=False))),
    "gpt-oss.mxfp4": ("MXFP4", dict(BASE, model_type="gpt_oss", intermediate_size=32, head_dim=16, num_local_experts=4, num_experts_per_tok=2, sliding_window=5, **rope(150000.0, **YARN, beta_fast=32.0, beta_slow=1.0, truncate=False))),
    "falcon.q4_0": ("Q4_0", dict(FALCON, multi_query=True, num_kv_heads=1, new_decoder_architecture=False, parallel_attn=True)),
    "falcon.f16": ("F16", dict(FALCON, num_kv_heads=2, new_decoder_architecture=True, num_hidden_layers=1)),
    "mpt.q5_1": ("Q5_1", dict(vocab_size=VOCAB, d_model=32, n_layers=2, n_heads=4, expansion_ratio=4, max_seq_len=64, model_type="mpt", architectures=["MPTForCausalLM"], no_bias=True, attn_config=dict(alibi=True, alibi_bias_max=8, clip_qkv=0.5, qk_ln=False, softmax_scale=None))),
    "bloom.q4_0": ("Q4_0", dict(vocab_size=VOCAB, hidden_size=32, n_layer=2, n_head=4, model_type="bloom", layer_norm_epsilon=1e-5, seq_length=64)),
    "starcoder.q8_0": ("Q8_0", dict(GPT, model_type="gpt_bigcode", multi_query=True, layer_norm_epsilon=1e-5)),
    "olmo.q4_1": ("Q4_1", dict(BASE, model_type="olmo", clip_qkv=0.5)),
    "glm4moe.q5_0": ("Q5_0", dict(BASE, **SPARSE, model_type="glm4_moe", n_routed_experts=4, n_shared_experts=1, num_hidden_layers=3, head_dim=16, first_k_dense_replace=1, use_qk_norm=True, attention_bias=True, norm_topk_prob=True, routed_scaling_factor=2.5,
                                  n_group=1, topk_group=1, num_nextn_predict_layers=0, **rope(partial_rotary_factor=0.5))),
    "glm4moe.f16": ("F16", dict(BASE, **SPARSE, model_type="glm4_moe", n_routed_experts=4, n_shared_experts=1, head_dim=8, first_k_dense_replace=1, use_qk_norm=False, attention_bias=False, norm_topk_prob=False, routed_scaling_factor=1.0,
                                n_group=1, topk_group=1, num_nextn_predict_layers=0, **rope(partial_rotary_factor=1.0))),
    "nemotron.q8_0": ("Q8_0", dict(BASE, model_type="nemotron", norm_eps=1e-5, head_dim=8, partial_rotary_factor=0.5, **rope(partial_rotary_factor=0.5))),
    "hunyuan-dense.q4_0": ("Q4_0", dict(BASE, model_type="hunyuan_v1_dense", head_dim=8, tie_word_embeddings=True)),
    "ernie4_5-moe.q8_0": ("Q8_0", dict(BASE, model_type="ernie4_5_moe", moe_num_experts=4, moe_intermediate_size=32, num_hidden_layers=3, moe_k=2, moe_num_shared_experts=1, moe_layer_start_index=1, moe_layer_interval=1, use_bias=False)),
    "granitemoe.q4_0": ("Q4_0", dict(BASE, model_type="granitemoe", num_local_experts=4, num_experts_per_tok=2, embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5, attention_multiplier=0.2)),
    "granitemoe.q8_0": ("Q8_0", dict(BASE, model_type="granitemoeshared", num_local_experts=4, num_experts_per_tok=3, shared_intermediate_size=32, attention_multiplier=0.3, tie_word_embeddings=True)),
    "qwen2vl.q4_1": ("Q4_1", dict(QWEN_VL, model_type="qwen2_vl", vision_config=QWEN_TOWER, text_config=dict(BASE, model_type="qwen2_vl_text", **rope(1000000.0, mrope_section=[1, 1, 2])))),
    "qwen3vl.q8_0": ("Q8_0", dict(QWEN_VL, model_type="qwen3_vl", tie_word_embeddings=True, vision_config=QWEN3_TOWER, text_config=dict(BASE, model_type="qwen3_vl_text", head_dim=8, **rope(5000000.0, mrope_interleaved=True, mrope_section=[2, 1, 1])))),
    "qwen3vlmoe.f16": ("F16", dict(QWEN_VL, model_type="qwen3_vl_moe", vision_config=QWEN3_TOWER, text_config=dict(BASE, **SPARSE, model_type="qwen3_vl_moe_text", num_experts=4, head_dim=8, norm_topk_prob=True, **rope(5000000.0, mrope_interleaved=True, mrope_section=[2, 1, 1])))),
    "mistral3.q5_0": ("Q5_0", dict(BASE, model_type="ministral3", head_dim=8, **rope(1000000.0, **{**YARN, "original_max_position_embeddings": 4}, beta_fast=32.0, beta_slow=1.0, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.3))),
    "gemma3n.q8_0": ("Q8_0", dict(BASE, model_type="gemma3n_text", num_hidden_layers=5, head_dim=8, intermediate_size=32, hidden_size_per_layer_input=32, vocab_size_per_layer_input=VOCAB, laurel_rank=32, altup_num_inputs=4, num_kv_shared_layers=2, sliding_window=5,
                                   layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "full_attention"], activation_sparsity_pattern=[0.6, 0.95, 0.0, 0.0, 0.3], final_logit_softcapping=3.0)),
    "granitehybrid.q8_0": ("Q8_0", dict(MAMBA, model_type="granitemoehybrid", layer_types=["mamba", "attention", "mamba"], num_local_experts=4, num_experts_per_tok=2, intermediate_size=32, shared_intermediate_size=32, embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5, attention_multiplier=0.2, position_embedding_type="nope")),
    "granitehybrid.f16": ("F16", dict(MAMBA, model_type="granitemoehybrid", layer_types=["attention", "mamba", "mamba"], num_local_experts=0, num_experts_per_tok=0, shared_intermediate_size=24, mamba_n_groups=1, mamba_proj_bias=True, mamba_conv_bias=False, attention_bias=True, position_embedding_type="nope", tie_word_embeddings=True)),
    "falcon-h1.q4_0": ("Q4_0", dict(MAMBA, model_type="falcon_h1", mamba_d_ssm=64, head_dim=8, num_hidden_layers=2, mlp_bias=True, **rope(100000.0))),
    "falcon-h1.f16": ("F16", dict(MAMBA, model_type="falcon_h1", mamba_d_ssm=64, head_dim=8, num_hidden_layers=2, mamba_rms_norm=True, mamba_norm_before_gate=False, mamba_conv_bias=False, **rope(5000.0))),
    "nemotron_h.q8_0": ("Q8_0", dict(NEMOTRON, hybrid_override_pattern="M*-M", intermediate_size=32)),
    "nemotron_h_moe.q4_1": ("Q4_1", dict(NEMOTRON, layers_block_type=["moe", "mamba", "attention"], n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, moe_shared_expert_intermediate_size=32, norm_topk_prob=True, routed_scaling_factor=2.5, n_group=1, topk_group=1, n_shared_experts=1)),
    "command-r.q4_0": ("Q4_0", dict(BASE, model_type="cohere", logit_scale=0.25, tie_word_embeddings=True)),
    "command-r.f16": ("F16", dict(BASE, model_type="cohere", logit_scale=2.0, use_qk_norm=True, num_hidden_layers=1, tie_word_embeddings=True)),
}
# Types for rows that a type's blocks do not fill, as llama.cpp's quantiser falls back.
FALLBACK = [Q.Q8_0, Q.F16]


def convert(folder, out):
    """The folder as a GGUF file of float32 numbers, by llama.cpp's converter; without a vocabulary, which has fixtures of its own."""
    hparams = json.loads((folder / "config.json").read_text())
    convert_class = get_model_class(hparams["architectures"][0])
    for own in [convert_class, *(inner for inner in vars(convert_class).values() if isinstance(inner, type))]:
        own.set_vocab = lambda self: self.gguf_writer.add_tokenizer_model("no_vocab")
    convert_class.no_mtp = True
    # What the converter gathers of a model's layers, it keeps for the next model.
    for gathered in ("_alpha_n", "_alpha_p", "_beta", "_eps"):
        if hasattr(convert_class, gathered):
            setattr(convert_class, gathered, {})
    stack = getattr(convert_class, "_stack_qk_norm", None)
    if stack is not None:
        # The converter returns what it should yield.
        def modify(self, data, name, block, original=convert_class.modify_tensors):
            result = []
            generator = original(self, data, name, block)
            while True:
                try:
                    result.append(next(generator))
                except StopIteration as end:
                    return result + list(end.value or [])
        convert_class.modify_tensors = modify if convert_class.modify_tensors.__name__ != "modify" else convert_class.modify_tensors
    # Real folders have a tokenizer that this reads to count tokens.
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {str(i): i for i in range(VOCAB)}}, "added_tokens": []}))
    # transformers 5 drops options under their older names, which the converter reads.
    loaded = {**ModelBase.load_hparams(folder, False), **hparams}
    if hparams["model_type"] == "nemotron_h" and "n_routed_experts" not in hparams:
        # The converter takes a model for one with experts by an option that transformers 5 always adds.
        loaded.pop("num_experts_per_tok", None)
    if "text_config" in hparams:
        loaded["text_config"] = {**ModelBase.load_hparams(folder, False)["text_config"], **hparams["text_config"]}
    convert_class(folder, gguf.LlamaFileType.ALL_F32, out, model_name="tiny", hparams=loaded).write()


# Names of InternLM 2's makers for what transformers has in Llama.
INTERNLM2 = {"embed_tokens": "tok_embeddings", "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3", "mlp.down_proj": "feed_forward.w2",
             "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm", "lm_head": "output"}


def published(weights, config):
    """Tensors as the model's makers have them, which the converter expects."""
    if config["model_type"] == "qwen3_vl_moe":
        # [experts, in, out], which transformers reads as well.
        return {name: np.ascontiguousarray(weight.swapaxes(1, 2)) if weight.ndim == 3 and ".experts." in name else weight for name, weight in weights.items()}
    if "InternLM2ForCausalLM" not in config.get("architectures", []):
        return weights
    # One matrix for each head of keys: its queries, the keys, the values.
    groups, dim, found = config["num_key_value_heads"], config["hidden_size"], {}
    for name, weight in weights.items():
        for own, theirs in INTERNLM2.items():
            name = name.replace(own, theirs)
        if ".q_proj" in name:
            parts = [weights[name.replace("q_proj", part)].reshape(groups, -1, dim) for part in ("q_proj", "k_proj", "v_proj")]
            found[name.replace("self_attn.q_proj", "attention.wqkv")] = np.ascontiguousarray(np.concatenate(parts, 1).reshape(-1, dim))
        elif "_proj" not in name:
            found[name] = weight
    return found


def tensors_of(path):
    # gguf-py gives shapes in ggml's order, the data in Hugging Face's.
    return {tensor.name: np.array(tensor.data) for tensor in gguf.GGUFReader(path).tensors}


def quantised(data, wanted):
    """The bytes of a float32 matrix, by ggml, and the numbers they stand for."""
    rows, width = data.size // data.shape[-1], data.shape[-1]
    kind = next(kind for kind in [wanted, *FALLBACK] if width % gguf.GGML_QUANT_SIZES[kind][0] == 0)
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    if kind in (Q.F32, Q.F16, Q.BF16):
        raw = gguf.quants.quantize(data, kind)
        return kind, raw, gguf.quants.dequantize(raw, kind).astype(np.float32).reshape(data.shape)
    source, raw = np.ascontiguousarray(data, np.float32), np.zeros(rows * width // elements * size, np.uint8)
    written = GGML.ggml_quantize_chunk(int(kind), source.ctypes.data, raw.ctypes.data, 0, rows, width, None)
    assert written == raw.size
    values = np.zeros(rows * width, np.float32)
    getattr(GGML, f"dequantize_row_{kind.name.lower().replace('_k', '_K')}")(raw.ctypes.data_as(ctypes.c_void_p), values.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(values.size))
    raw = raw.reshape(*data.shape[:-1], -1)
    assert np.array_equal(gguf.quants.dequantize(raw, kind).reshape(-1), values), kind
    return kind, raw, values.reshape(data.shape)


def write(source, path, tensors, kind):
    """A GGUF file with the metadata of `source` and these tensors."""
    reader = gguf.GGUFReader(source)
    value = lambda key: reader.get_field(key).contents()
    writer = gguf.GGUFWriter(path, value("general.architecture"))
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        if key == "general.file_type":
            name = "ALL_F32" if kind == "F32" else f"MOSTLY_{kind}"
            names = [name, name + "_M", name + "_MOE"]
            writer.add_file_type(next(int(gguf.LlamaFileType[name]) for name in names if name in gguf.LlamaFileType.__members__))
            continue
        types = field.types
        writer.add_key_value(key, field.contents(), types[0], types[-1] if types[0] == gguf.GGUFValueType.ARRAY else None)
    for name, (type_, raw) in tensors.items():
        writer.add_tensor(name, raw, raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make(case, kind, config, ids):
    with tempfile.TemporaryDirectory() as temporary:
        folder, marked = Path(temporary) / "model", Path(temporary) / "marked"
        folder.mkdir()
        marked.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
        torch.manual_seed(2000 + sum(map(ord, case)))
        auto = AutoModelForImageTextToText if "vision_config" in config else AutoModelForCausalLM
        model = auto.from_config(AutoConfig.from_pretrained(folder), attn_implementation="eager", dtype=torch.float32)
        randomize(model)
        model.save_pretrained(folder)
        text = json.dumps({"architectures": [type(model).__name__], **config})
        (folder / "config.json").write_text(text)
        (marked / "config.json").write_text(text)
        weights = load_file(folder / "model.safetensors")
        # Each number of a matrix becomes its own name; vectors stay as they are, in both files.
        names, count = {}, 0
        for name, weight in weights.items():
            if weight.ndim < 2:
                names[name] = weight
                continue
            names[name] = np.arange(count, count + weight.size, dtype=np.float32).reshape(weight.shape)
            count += weight.size
        assert count < 2 ** 24
        save_file(published(weights, config), folder / "model.safetensors", {"format": "pt"})
        save_file(published(names, config), marked / "model.safetensors", {"format": "pt"})
        convert(folder, folder / "f32.gguf")
        convert(marked, marked / "f32.gguf")
        places = tensors_of(marked / "f32.gguf")
        values = np.full(count, np.nan, np.float32)
        written = {}
        for name, data in tensors_of(folder / "f32.gguf").items():
            if data.ndim < 2 or name.endswith((".bias", "_norm.weight", "conv1d.weight", ".conv.weight", ".ssm_a", ".ssm_d")) or "_inp" in name or "position_embd" in name:
                written[name] = (Q.F32, data)
                kept = data
            else:
                type_, raw, kept = quantised(data, Q[kind])
                written[name] = (type_, raw)
            # Vectors are the same in both files.
            if not np.array_equal(places[name], data):
                values[places[name].astype(np.int64).reshape(-1)] = kept.reshape(-1)
        state = {}
        for name, weight in weights.items():
            own = values[names[name].astype(np.int64)] if weight.ndim > 1 else weight
            if "visual." in name:
                own = weight
            assert np.isfinite(own).all() or (name == "lm_head.weight" and config.get("tie_word_embeddings")), name
            state[name] = own
        path = folder / f"{case}.gguf"
        write(folder / "f32.gguf", path, written, kind)
        save_file(state, folder / "model.safetensors", {"format": "pt"})
        loaded = auto.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
        with torch.inference_mode():
            logits = loaded(ids[None], use_cache=False).logits[0].numpy()
        (OUT / f"{case}.gguf.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
        print(case, len(path.read_bytes()), float(np.abs(logits).max()))
        return np.ascontiguousarray(logits)


def main(wanted):
    OUT.mkdir(exist_ok=True, parents=True)
    ids = torch.randint(3, VOCAB, (TOKENS,), generator=torch.Generator().manual_seed(7))
    kept = load_file(OUT / "golden.safetensors") if (OUT / "golden.safetensors").exists() else {}
    found = {"input_ids": ids.numpy()}
    for case, (kind, config) in CASES.items():
        chosen = not wanted or case in wanted or case.split(".")[0] in wanted
        if chosen:
            found[f"{case}.logits"] = make(case, kind, config, ids)
        elif f"{case}.logits" in kept:
            found[f"{case}.logits"] = kept[f"{case}.logits"]
    save_file(found, OUT / "golden.safetensors")


if __name__ == "__main__":
    main(sys.argv[1:])
