import { msg } from '../../../../core/translatable.ts';
import type { Facts } from '../facts.ts';
import type { RopeTensors } from '../ggufRope.ts';
import {
  LLAMA_BLOCK,
  LLAMA_TOP,
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
