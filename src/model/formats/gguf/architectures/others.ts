import { msg } from '../../../../core/translatable.ts';
import { split, type Expand, type Layout } from '../layout.ts';
import { reshaped } from '../../source.ts';
import {
  hasBias,
  innerSize,
  llamaConfig,
  llamaLayout,
  partialRope,
  rmsEpsilon,
  sizesOf,
  splitProjections,
  wholeRope,
  type Architecture,
} from './common.ts';
import { layerTypes } from './gemma.ts';

/** GLM 4 (0414). */
export const glm4: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  if (facts.value('rope.dimension_sections') !== undefined)
    facts.refuse(msg`rotates queries and keys by places in pictures, which is not supported`);
  return {
    config: {
      ...llamaConfig(facts, 'glm4', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...partialRope(facts, ropes, sizes),
      attention_bias: hasBias(facts),
    },
    layout: llamaLayout({
      attn_qkv: splitProjections(facts, sizes),
      post_attention_norm: 'post_self_attn_layernorm',
      post_ffw_norm: 'post_mlp_layernorm',
      ffn_up: 'mlp.gate_up_proj',
    }),
  };
};

/** OLMo 2 and, where there is a window, OLMo 3: only the layers that see all have a widened context. */
export const olmo2: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const window = facts.number('attention.sliding_window', 0);
  const { rope_parameters: rope } = wholeRope(facts, ropes, sizes);
  const block: Layout['block'] = {
    attn_q_norm: 'self_attn.q_norm',
    attn_k_norm: 'self_attn.k_norm',
    post_attention_norm: 'post_attention_layernorm',
    post_ffw_norm: 'post_feedforward_layernorm',
    attn_qkv: splitProjections(facts, sizes),
  };
  return {
    config: {
      ...llamaConfig(facts, window > 0 ? 'olmo3' : 'olmo2', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      attention_bias: hasBias(facts),
      ...(window === 0
        ? { rope_parameters: rope }
        : {
            sliding_window: window,
            layer_types: layerTypes(facts, sizes, 4),
            rope_parameters: {
              full_attention: rope,
              sliding_attention: {
                rope_type: 'default',
                rope_theta: facts.number('rope.freq_base_swa', facts.number('rope.freq_base', 10_000)),
              },
            },
          }),
    },
    layout: llamaLayout(block),
  };
};

/** StableLM 2 and 3B. */
export const stablelm: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  /** Norms of all heads as one matrix in the file. */
  const headNorms =
    (name: string, count: number): Expand =>
    (source, part, beside) => {
      const rows = split(
        Array.from({ length: count }, (_, head) => [`self_attn.${name}.norms.${head}`, 1] as const),
        facts,
      )(source, part, beside);
      return rows.map(([own, row]) => [own, reshaped(row, row.shape.slice(1))] as const);
    };
  return {
    config: {
      ...llamaConfig(facts, 'stablelm', sizes),
      ...innerSize(facts),
      ...partialRope(facts, ropes, sizes),
      layer_norm_eps: facts.number('attention.layer_norm_epsilon'),
      use_parallel_residual: facts.flag('use_parallel_residual', true),
      use_qkv_bias: hasBias(facts),
      qk_layernorm: facts.has('blk.0.attn_q_norm.weight'),
    },
    layout: llamaLayout({
      attn_qkv: splitProjections(facts, sizes),
      attn_q_norm: headNorms('q_layernorm', sizes.heads),
      attn_k_norm: headNorms('k_layernorm', sizes.kvHeads),
    }),
  };
};
