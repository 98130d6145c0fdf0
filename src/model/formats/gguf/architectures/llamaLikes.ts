import { msg } from '../../../../core/translatable.ts';
import { experts, unpermuted, type Layout } from '../layout.ts';
import type { Facts } from '../facts.ts';
import {
  EXPERT_PARTS,
  hasBias,
  innerSize,
  llamaConfig,
  llamaLayout,
  LLAMA_BLOCK,
  LLAMA_TOP,
  rmsEpsilon,
  sizesOf,
  wholeRope,
  type Architecture,
  type Sizes,
} from './common.ts';
import { layerTypes } from './gemma.ts';

// Families that differ from Llama in little.

/** Matrices whose rows llama.cpp's converter reorders as those of Llama. */
function turned(facts: Facts, { heads, kvHeads }: Sizes): Layout['block'] {
  return { attn_q: unpermuted('self_attn.q_proj', heads, facts), attn_k: unpermuted('self_attn.k_proj', kvHeads, facts) };
}

/** SmolLM 3: every fourth layer has no positions, which the file does not say. */
export const smollm3: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...llamaConfig(facts, 'smollm3', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...wholeRope(facts, ropes, sizes),
      attention_bias: hasBias(facts),
      mlp_bias: hasBias(facts, 'ffn_gate'),
      no_rope_layer_interval: 4,
      use_sliding_window: false,
    },
    layout: llamaLayout(turned(facts, sizes)),
  };
};

/** Arcee's AFM: an MLP without gate. */
export const arcee: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...llamaConfig(facts, 'arcee', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...wholeRope(facts, ropes, sizes),
      attention_bias: hasBias(facts),
      mlp_bias: hasBias(facts, 'ffn_up'),
    },
    layout: llamaLayout(turned(facts, sizes)),
  };
};

/** Seed-OSS. */
export const seedOss: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...llamaConfig(facts, 'seed_oss', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...wholeRope(facts, ropes, sizes),
      attention_bias: hasBias(facts),
      attention_out_bias: hasBias(facts, 'attn_output'),
      mlp_bias: hasBias(facts, 'ffn_gate'),
    },
    layout: llamaLayout({ post_attention_norm: LLAMA_BLOCK.ffn_norm }),
  };
};

/** Dense models of ERNIE 4.5. */
export const ernie45: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  if (facts.value('rope.dimension_sections') !== undefined)
    facts.refuse(msg`rotates queries and keys by places in pictures, which is not supported`);
  return {
    config: {
      ...llamaConfig(facts, 'ernie4_5', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...wholeRope(facts, ropes, sizes),
      use_bias: hasBias(facts, 'attn_output'),
    },
    layout: llamaLayout({}),
  };
};

/** EXAONE 4: norms behind attention and MLP; where some layers have a window, the others have no rope. */
export const exaone4: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const window = facts.number('attention.sliding_window', 0);
  const { attn_norm: _, ffn_norm: __, ...block } = LLAMA_BLOCK;
  return {
    config: {
      ...llamaConfig(facts, 'exaone4', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...wholeRope(facts, ropes, sizes),
      ...(window > 0 ? { sliding_window: window, layer_types: layerTypes(facts, sizes, 4) } : { sliding_window: null }),
    },
    layout: {
      top: LLAMA_TOP,
      blocks: 'model.layers',
      block: {
        ...block,
        attn_q_norm: 'self_attn.q_norm',
        attn_k_norm: 'self_attn.k_norm',
        post_attention_norm: 'post_attention_layernorm',
        post_ffw_norm: 'post_feedforward_layernorm',
      },
    },
  };
};

/** Command R7B and A: one norm for attention and MLP, scaled logits, three layers with a window and a rope, then one with neither. */
export const cohere2: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  if (sizes.headDim * sizes.heads !== sizes.dim)
    facts.refuse(msg`has ${sizes.heads} heads of ${sizes.headDim} numbers for ${sizes.dim}, which is not supported for cohere2`);
  const { ffn_norm: _, ...block } = LLAMA_BLOCK;
  return {
    config: {
      ...llamaConfig(facts, 'cohere2', sizes),
      ...innerSize(facts),
      ...wholeRope(facts, ropes, sizes),
      tie_word_embeddings: true,
      layer_norm_eps: facts.number('attention.layer_norm_epsilon'),
      logit_scale: facts.number('logit_scale'),
      attention_bias: hasBias(facts),
      sliding_window: facts.count('attention.sliding_window'),
      layer_types: layerTypes(facts, sizes, 4),
    },
    layout: { top: LLAMA_TOP, blocks: 'model.layers', block },
  };
};

/** OLMoE: queries and keys normalised over all heads together, experts in every layer. */
export const olmoe: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const stack = (name: string) => experts((expert) => `mlp.experts.${expert}.${name}`, facts);
  return {
    config: {
      ...llamaConfig(facts, 'olmoe', sizes),
      ...innerSize(facts),
      ...rmsEpsilon(facts),
      ...wholeRope(facts, ropes, sizes),
      attention_bias: hasBias(facts),
      num_experts: facts.count('expert_count'),
      num_experts_per_tok: facts.count('expert_used_count'),
      norm_topk_prob: facts.flag('expert_weights_norm', false),
    },
    layout: llamaLayout({
      attn_q_norm: 'self_attn.q_norm',
      attn_k_norm: 'self_attn.k_norm',
      ffn_gate_inp: 'mlp.gate',
      ffn_gate_exps: stack(EXPERT_PARTS.gate),
      ffn_up_exps: stack(EXPERT_PARTS.up),
      ffn_down_exps: stack(EXPERT_PARTS.down),
    }),
  };
};
