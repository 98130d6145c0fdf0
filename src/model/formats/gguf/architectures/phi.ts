import { msg } from '../../../../core/translatable.ts';
import type { Facts } from '../facts.ts';
import type { RopeTensors } from '../ggufRope.ts';
import {
  LLAMA_BLOCK,
  LLAMA_TOP,
  expertStacks,
  hasBias,
  innerSize,
  llamaConfig,
  llamaLayout,
  partialRope,
  rmsEpsilon,
  sizesOf,
  splitProjections,
  type Architecture,
  type Sizes,
} from './common.ts';

/** Phi 1 to 2. */
export const phi2: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...llamaConfig(facts, 'phi', sizes),
      ...partialRope(facts, ropes, sizes),
      intermediate_size: facts.dim('blk.0.ffn_up.weight', 0),
      layer_norm_eps: facts.number('attention.layer_norm_epsilon'),
    },
    layout: {
      top: { ...LLAMA_TOP, output_norm: 'model.final_layernorm' },
      blocks: 'model.layers',
      block: {
        ...LLAMA_BLOCK,
        attn_qkv: splitProjections(facts, sizes),
        attn_output: 'self_attn.dense',
        ffn_up: 'mlp.fc1',
        ffn_down: 'mlp.fc2',
      },
    },
  };
};

/** Phi 3 and 4: one matrix for queries, keys and values, one for gate and up. */
export const phi3: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const window = facts.number('attention.sliding_window', 0);
  return {
    config: {
      ...llamaConfig(facts, 'phi3', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...longRope(facts, ropes, sizes),
      sliding_window: window > 0 ? window : null,
    },
    layout: llamaLayout({ attn_qkv: 'self_attn.qkv_proj', ffn_up: 'mlp.gate_up_proj' }),
  };
};

/** By how much the score of an expert may differ from the best one's to count: the option of all published models. */
const JITTER = 0.01;
/** What cosines and sines are multiplied by in short and in long texts, and the lengths of the context, in Phi 3.5 MoE's config.json. */
const PHI35 = { mscale: 1.243163121016122, positions: 131_072, trained: 4096 };

/**
 * Phi 3.5 with experts, and its smaller relatives. Files have as factor of cosines and sines what llama.cpp computes from the lengths of
 * the context, and not that of the model's makers.
 */
export const phimoe: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const config = llamaConfig(facts, 'phimoe', sizes);
  const window = facts.number('attention.sliding_window', 0);
  const { rope_parameters: rope, original_max_position_embeddings: trained } = longRope(facts, ropes, sizes);
  const scaled = ropes.size > 0;
  if (scaled && (config['max_position_embeddings'] !== PHI35.positions || trained !== PHI35.trained))
    facts.refuse(msg`scales positions without the factors of cosines and sines that its makers gave, which are known of Phi 3.5 MoE alone`);
  return {
    config: {
      ...config,
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      rope_parameters: {
        ...(typeof rope === 'object' ? rope : {}),
        ...(scaled ? { short_mscale: PHI35.mscale, long_mscale: PHI35.mscale } : {}),
      },
      sliding_window: window > 0 ? window : null,
      attention_bias: hasBias(facts),
      lm_head_bias: facts.has('output.bias'),
      num_local_experts: facts.count('expert_count'),
      num_experts_per_tok: facts.count('expert_used_count'),
      router_jitter_noise: JITTER,
    },
    layout: llamaLayout({
      ffn_gate_inp: 'block_sparse_moe.gate',
      ...expertStacks(facts, 'block_sparse_moe.experts', { gate: 'w1', up: 'w3', down: 'w2' }),
    }),
    notices: [
      msg`${facts.file} does not say the jitter of its router: it is taken as ${JITTER}, as in the models of this family.`,
      ...(scaled
        ? [
            msg`${facts.file} does not say by what cosines and sines are multiplied: it is taken as ${PHI35.mscale.toFixed(4)}, \
as in Phi 3.5 MoE.`,
          ]
        : []),
    ],
  };
};

/** Divisors of each pair for short and for long texts, where there are any. */
function longRope(facts: Facts, ropes: RopeTensors, sizes: Sizes): Record<string, unknown> {
  const { headDim, rotated } = sizes;
  const [long, short] = [ropes.get('rope_factors_long.weight'), ropes.get('rope_factors_short.weight')];
  const trained = facts.count('rope.scaling.original_context_length', facts.count('context_length'));
  if (long === undefined || short === undefined) {
    // The file names the type even where the factors that make it one are not there.
    if (facts.text('rope.scaling.type', 'none') !== 'longrope')
      return { ...partialRope(facts, ropes, sizes), original_max_position_embeddings: trained };
    return facts.refuse(msg`scales positions by "longrope" without "rope_factors_long.weight" and "rope_factors_short.weight"`);
  }
  const factor = facts.optional('rope.scaling.attn_factor');
  return {
    original_max_position_embeddings: trained,
    rope_parameters: {
      rope_type: 'longrope',
      rope_theta: facts.number('rope.freq_base', 10_000),
      partial_rotary_factor: rotated / headDim,
      original_max_position_embeddings: trained,
      long_factor: [...long],
      short_factor: [...short],
      ...(factor === null ? {} : { attention_factor: factor }),
    },
  };
}
