import { msg } from '../../../../core/translatable.ts';
import { asRow, type Layout } from '../layout.ts';
import type { Facts } from '../facts.ts';
import {
  expertStacks,
  sharedExpert,
  usualConfig,
  hasBias,
  innerSize,
  llamaConfig,
  llamaLayout,
  rmsEpsilon,
  sizesOf,
  splitProjections,
  wholeRope,
  type Architecture,
  type Sizes,
} from './common.ts';

export const HEAD_NORMS = { attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm' } as const;

/** Qwen 1.5 to 2.5. */
export const qwen2: Architecture = qwen2Like('qwen2');
/** The text part of Qwen 2 VL and 2.5 VL: in texts alone positions are as in Qwen 2. */
export const qwen2vl: Architecture = qwen2Like('qwen2_vl_text');

function qwen2Like(modelType: string): Architecture {
  return (facts, ropes) => {
    const sizes = sizesOf(facts);
    return {
      config: usualConfig(facts, ropes, modelType, sizes),
      layout: llamaLayout({ attn_qkv: splitProjections(facts, sizes) }),
    };
  };
}

/** Qwen 3. */
export const qwen3: Architecture = qwen3Like('qwen3');
/** The text part of Qwen 3 VL. */
export const qwen3vl: Architecture = qwen3Like('qwen3_vl_text');

function qwen3Like(modelType: string): Architecture {
  return (facts, ropes) => {
    const sizes = sizesOf(facts);
    return {
      config: { ...usualConfig(facts, ropes, modelType, sizes), attention_bias: hasBias(facts) },
      layout: llamaLayout({ attn_qkv: splitProjections(facts, sizes), ...HEAD_NORMS }),
    };
  };
}

/** Qwen 1.5 and 2 with experts. */
export const qwen2moe: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...sparseConfig(facts, 'qwen2_moe', sizes, false),
      ...wholeRope(facts, ropes, sizes),
      qkv_bias: hasBias(facts),
      shared_expert_intermediate_size: facts.count(
        'expert_shared_feed_forward_length',
        facts.dim(`blk.${firstSparse(facts, sizes)}.ffn_up_shexp.weight`, 0),
      ),
    },
    layout: llamaLayout({
      ...sparseBlock(facts),
      attn_qkv: splitProjections(facts, sizes),
      ffn_gate_inp_shexp: asRow('mlp.shared_expert_gate'),
      ...sharedExpert('mlp.shared_expert'),
    }),
  };
};

/** Qwen 3 with experts, whose weights sum to 1 in all published models: the file need not say so. */
export const qwen3moe: Architecture = qwen3Sparse('qwen3_moe');
/** The text part of Qwen 3 VL with experts. */
export const qwen3vlmoe: Architecture = qwen3Sparse('qwen3_vl_moe_text');

function qwen3Sparse(modelType: string): Architecture {
  return (facts, ropes) => {
    const sizes = sizesOf(facts);
    return {
      config: { ...sparseConfig(facts, modelType, sizes, true), ...wholeRope(facts, ropes, sizes), attention_bias: hasBias(facts) },
      layout: llamaLayout({ ...sparseBlock(facts), attn_qkv: splitProjections(facts, sizes), ...HEAD_NORMS }),
    };
  };
}

export function sparseConfig(facts: Facts, modelType: string, sizes: Sizes, normalised: boolean): Record<string, unknown> {
  const isDense = (layer: number): boolean => !facts.has(`blk.${layer}.ffn_gate_inp.weight`);
  return {
    ...llamaConfig(facts, modelType, sizes),
    ...innerSize(facts),
    ...rmsEpsilon(facts),
    num_experts: facts.count('expert_count'),
    num_experts_per_tok: facts.count('expert_used_count'),
    moe_intermediate_size: facts.count('expert_feed_forward_length', facts.dim(`blk.${firstSparse(facts, sizes)}.ffn_up_exps.weight`, 1)),
    norm_topk_prob: facts.flag('expert_weights_norm', normalised),
    mlp_only_layers: Array.from({ length: sizes.layers }, (_, layer) => layer).filter(isDense),
  };
}

/** The first layer with experts. */
export function firstSparse(facts: Facts, { layers }: Sizes): number {
  for (let layer = 0; layer < layers; layer++) if (facts.has(`blk.${layer}.ffn_gate_inp.weight`)) return layer;
  return facts.refuse(msg`holds no layer with experts`);
}

export function sparseBlock(facts: Facts): Layout['block'] {
  return {
    ffn_gate_inp: 'mlp.gate',
    ...expertStacks(facts, 'mlp.experts'),
  };
}
