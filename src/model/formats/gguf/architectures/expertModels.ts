import { msg } from '../../../../core/translatable.ts';
import { woven } from '../../rearranged.ts';
import { reshaped, rowCount, rowLength } from '../../source.ts';
import { experts, expertsOf, named, type Expand } from '../layout.ts';
import {
  expertStacks,
  hasBias,
  innerSize,
  llamaConfig,
  llamaLayout,
  LLAMA_BLOCK,
  partialRope,
  rmsEpsilon,
  sharedExpert,
  sizesOf,
  splitProjections,
  usualConfig,
  wholeRope,
  type Architecture,
} from './common.ts';
import { HEAD_NORMS } from './qwen.ts';

// Models with experts that have a family of their own.

/** Options of Llama 4 that the files do not hold, as llama.cpp has them. */
const LLAMA4 = {
  attention_chunk_size: 8192,
  no_rope_layer_interval: 4,
  attn_temperature_tuning: true,
  floor_scale: 8192,
  attn_scale: 0.1,
};

/** Llama 4. */
export const llama4: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  if (facts.value('attention.sliding_window') === 0)
    facts.refuse(msg`says that no layer attends in chunks, which is not supported for llama4`);
  const count = facts.count('expert_count');
  return {
    config: {
      ...llamaConfig(facts, 'llama4_text', sizes),
      ...rmsEpsilon(facts),
      ...wholeRope(facts, ropes, sizes),
      ...LLAMA4,
      intermediate_size: facts.count('expert_feed_forward_length'),
      intermediate_size_mlp: facts.count('feed_forward_length'),
      interleave_moe_layer_step: facts.count('interleave_moe_layer_step'),
      num_local_experts: count,
      num_experts_per_tok: facts.count('expert_used_count'),
      // Maverick, which alone has 128 experts, has no norms of queries and keys.
      use_qk_norm: count !== 128,
      attention_bias: hasBias(facts),
    },
    layout: llamaLayout({
      ffn_gate: 'feed_forward.gate_proj',
      ffn_up: 'feed_forward.up_proj',
      ffn_down: 'feed_forward.down_proj',
      ffn_gate_inp: 'feed_forward.router',
      ...expertStacks(facts, 'feed_forward.experts'),
      ...sharedExpert('feed_forward.shared_expert'),
    }),
  };
};

/** GPT-OSS: every other layer with a window, experts with biases. */
export const gptOss: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const { rope_parameters: rope } = wholeRope(facts, ropes, sizes);
  /** The rows of gate and up in turns, as Hugging Face keeps them. */
  const gateAndUp: Expand = (gates, part, beside) => {
    const ups = beside('ffn_up_exps');
    if (ups === null) return facts.refuse(msg`holds a "ffn_gate_exps" without "ffn_up_exps"`);
    const others = expertsOf(ups, facts);
    return expertsOf(gates, facts).map((gate, expert) => {
      const up = others[expert];
      if (up === undefined || up.shape.some((size, axis) => size !== gate.shape[axis]))
        return facts.refuse(msg`holds "ffn_gate_exps" and "ffn_up_exps" of different sizes`);
      return [`mlp.experts.${expert}.gate_up_proj.${part}`, woven([gate, up])] as const;
    });
  };
  return {
    config: {
      ...llamaConfig(facts, 'gpt_oss', sizes),
      ...rmsEpsilon(facts),
      rope_parameters: { ...(typeof rope === 'object' ? rope : {}), truncate: false },
      intermediate_size: facts.count('expert_feed_forward_length'),
      sliding_window: facts.count('attention.sliding_window'),
      attention_bias: hasBias(facts),
      num_local_experts: facts.count('expert_count'),
      num_experts_per_tok: facts.count('expert_used_count'),
    },
    layout: llamaLayout({
      post_attention_norm: LLAMA_BLOCK.ffn_norm,
      attn_qkv: splitProjections(facts, sizes),
      attn_sinks: named('self_attn.sinks'),
      ffn_gate_inp: 'mlp.router',
      ffn_gate_exps: gateAndUp,
      ffn_up_exps: () => [],
      ffn_down_exps: experts((expert) => `mlp.experts.${expert}.down_proj`, facts),
    }),
  };
};

/** GLM 4.5 to 4.7: experts chosen by a sigmoid. */
export const glm4moe: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  if (facts.number('expert_gating_func', 2) !== 2)
    facts.refuse(msg`chooses experts by function ${facts.number('expert_gating_func', 2)}, which is not supported`);
  return {
    config: {
      ...llamaConfig(facts, 'glm4_moe', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...partialRope(facts, ropes, sizes),
      attention_bias: hasBias(facts),
      use_qk_norm: facts.has('blk.0.attn_q_norm.weight'),
      first_k_dense_replace: facts.number('leading_dense_block_count', 0),
      moe_intermediate_size: facts.count('expert_feed_forward_length'),
      n_routed_experts: facts.count('expert_count'),
      n_shared_experts: facts.count('expert_shared_count'),
      num_experts_per_tok: facts.count('expert_used_count'),
      routed_scaling_factor: facts.number('expert_weights_scale', 1),
      norm_topk_prob: facts.flag('expert_weights_norm', true),
      n_group: facts.count('expert_group_count', 1),
      topk_group: facts.count('expert_group_used_count', 1),
    },
    layout: llamaLayout({
      ...HEAD_NORMS,
      attn_qkv: splitProjections(facts, sizes),
      post_attention_norm: LLAMA_BLOCK.ffn_norm,
      ffn_gate_inp: 'mlp.gate',
      exp_probs_b: named('mlp.gate.e_score_correction_bias'),
      ...expertStacks(facts, 'mlp.experts'),
      ...sharedExpert('mlp.shared_experts'),
    }),
  };
};

/** ERNIE 4.5 with experts. */
export const ernie45moe: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...usualConfig(facts, ropes, 'ernie4_5_moe', sizes),
      use_bias: hasBias(facts, 'attn_output'),
      moe_num_experts: facts.count('expert_count'),
      moe_k: facts.count('expert_used_count'),
      moe_intermediate_size: facts.count('expert_feed_forward_length'),
      moe_num_shared_experts: facts.number('expert_shared_count', 0),
      moe_layer_interval: facts.count('interleave_moe_layer_step', 1),
      moe_layer_start_index: facts.number('leading_dense_block_count', 0),
    },
    layout: llamaLayout({
      ffn_gate_inp: 'mlp.gate',
      exp_probs_b: (source) => [
        ['mlp.moe_statics.e_score_correction_bias', reshaped(source, [1, rowCount(source.shape) * rowLength(source.shape)])],
      ],
      ...expertStacks(facts, 'mlp.experts'),
      ...sharedExpert('mlp.shared_experts'),
    }),
  };
};
