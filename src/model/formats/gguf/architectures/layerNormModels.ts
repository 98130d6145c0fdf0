import { msg } from '../../../../core/translatable.ts';
import type { Facts } from '../facts.ts';
import type { RopeTensors } from '../ggufRope.ts';
import { fromOne } from '../layout.ts';
import {
  hasBias,
  innerSize,
  llamaConfig,
  llamaLayout,
  LLAMA_BLOCK,
  LLAMA_TOP,
  partialRope,
  sizesOf,
  turned,
  wholeRope,
  type Architecture,
  type Sizes,
} from './common.ts';
import { layerTypes } from './gemma.ts';

// Families that have LayerNorm where Llama has RMSNorm.

/** Blocks in which attention and MLP share a norm. */
const { ffn_norm: _, ...ONE_NORM } = LLAMA_BLOCK;

/** Options of Command R and R7B: tied embeddings, scaled logits. */
function commandConfig(facts: Facts, ropes: RopeTensors, modelType: string, sizes: Sizes): Record<string, unknown> {
  return {
    ...llamaConfig(facts, modelType, sizes),
    ...innerSize(facts),
    ...wholeRope(facts, ropes, sizes),
    tie_word_embeddings: true,
    layer_norm_eps: facts.number('attention.layer_norm_epsilon'),
    logit_scale: facts.number('logit_scale'),
    attention_bias: hasBias(facts),
  };
}

/** Command R7B and A: one norm for attention and MLP, scaled logits, three layers with a window and a rope, then one with neither. */
export const cohere2: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  if (sizes.headDim * sizes.heads !== sizes.dim)
    facts.refuse(msg`has ${sizes.heads} heads of ${sizes.headDim} numbers for ${sizes.dim}, which is not supported for cohere2`);
  return {
    config: {
      ...commandConfig(facts, ropes, 'cohere2', sizes),
      sliding_window: facts.count('attention.sliding_window'),
      layer_types: layerTypes(facts, sizes, 4),
    },
    layout: { top: LLAMA_TOP, blocks: 'model.layers', block: ONE_NORM },
  };
};

/** Command R: one norm for attention and MLP, scaled logits. */
export const commandR: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...commandConfig(facts, ropes, 'cohere', sizes),
      use_qk_norm: facts.has('blk.0.attn_q_norm.weight'),
    },
    layout: {
      top: LLAMA_TOP,
      blocks: 'model.layers',
      block: { ...ONE_NORM, attn_q_norm: 'self_attn.q_norm', attn_k_norm: 'self_attn.k_norm' },
    },
  };
};

/** OLMo: norms without weights, queries, keys and values clipped where the file says so. */
export const olmo: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const clip = facts.number('attention.clamp_kqv', 0);
  return {
    config: {
      ...llamaConfig(facts, 'olmo', sizes),
      ...innerSize(facts),
      ...wholeRope(facts, ropes, sizes),
      attention_bias: hasBias(facts),
      clip_qkv: clip > 0 ? clip : null,
    },
    layout: llamaLayout(turned(facts, sizes)),
  };
};

/** Nemotron 4 and Minitron: norms stored plus 1, an MLP without gate. */
export const nemotron: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...llamaConfig(facts, 'nemotron', sizes),
      ...innerSize(facts),
      ...partialRope(facts, ropes, sizes),
      norm_eps: facts.number('attention.layer_norm_epsilon'),
      attention_bias: hasBias(facts),
      mlp_bias: hasBias(facts, 'ffn_up'),
    },
    layout: {
      top: { ...LLAMA_TOP, output_norm: fromOne('model.norm') },
      blocks: 'model.layers',
      block: { ...LLAMA_BLOCK, attn_norm: fromOne('input_layernorm'), ffn_norm: fromOne('post_attention_layernorm') },
    },
  };
};
