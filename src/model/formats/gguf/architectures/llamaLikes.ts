import { msg } from '../../../../core/translatable.ts';
import { given } from '../../rearranged.ts';
import {
  expertStacks,
  hasBias,
  llamaLayout,
  LLAMA_BLOCK,
  LLAMA_TOP,
  sizesOf,
  turned,
  usualConfig,
  wholeRope,
  type Architecture,
} from './common.ts';
import { layerTypes } from './gemma.ts';

// Families that differ from Llama in little.

/** SmolLM 3: every fourth layer has no positions, which the file does not say. */
export const smollm3: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...usualConfig(facts, ropes, 'smollm3', sizes),
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
      ...usualConfig(facts, ropes, 'arcee', sizes),
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
      ...usualConfig(facts, ropes, 'seed_oss', sizes),
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
      ...usualConfig(facts, ropes, 'ernie4_5', sizes),
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
      ...usualConfig(facts, ropes, 'exaone4', sizes),
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

/** OLMoE: queries and keys normalised over all heads together, experts in every layer. */
export const olmoe: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...usualConfig(facts, ropes, 'olmoe', sizes),
      attention_bias: hasBias(facts),
      num_experts: facts.count('expert_count'),
      num_experts_per_tok: facts.count('expert_used_count'),
      norm_topk_prob: facts.flag('expert_weights_norm', false),
    },
    layout: llamaLayout({
      attn_q_norm: 'self_attn.q_norm',
      attn_k_norm: 'self_attn.k_norm',
      ffn_gate_inp: 'mlp.gate',
      ...expertStacks(facts, 'mlp.experts'),
    }),
  };
};

/** Dense models of Hunyuan. */
export const hunyuan: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: { ...usualConfig(facts, ropes, 'hunyuan_v1_dense', sizes), attention_bias: hasBias(facts) },
    layout: llamaLayout({ attn_q_norm: 'self_attn.query_layernorm', attn_k_norm: 'self_attn.key_layernorm' }),
  };
};

/** Mistral Small 3 and, where queries grow with their position, Ministral 3. */
export const mistral3: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const beta = facts.number('attention.temperature_scale', 0);
  const { rope_parameters: rope } = wholeRope(facts, ropes, sizes);
  // Here the factor of yarn's logarithm is as config.json has it, and not as in files of DeepSeek.
  const mscale = facts.optional('rope.scaling.yarn_log_multiplier');
  return {
    config: {
      ...usualConfig(facts, ropes, beta === 0 ? 'mistral' : 'ministral3', sizes),
      sliding_window: null,
      rope_parameters: {
        ...(typeof rope === 'object' ? rope : {}),
        ...(mscale === null ? {} : { mscale, mscale_all_dim: mscale }),
        ...(beta === 0
          ? {}
          : { llama_4_scaling_beta: beta, original_max_position_embeddings: facts.count('rope.scaling.original_context_length') }),
      },
    },
    layout: llamaLayout(turned(facts, sizes)),
  };
};

/** The numbers of xIELU in a layer: keys of the metadata, and names and shapes at Hugging Face. */
const XIELU = [
  ['alpha_p', 'alpha_p', [1]],
  ['alpha_n', 'alpha_n', [1]],
  ['beta', 'beta', []],
  ['eps', 'eps', []],
] as const;

/** Apertus: an MLP without gate, whose activation is learned. */
export const apertus: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  const stated = new Map(
    XIELU.flatMap(([key, name, shape]) => {
      const numbers = facts.general(`xielu.${key}`);
      return Array.from({ length: sizes.layers }, (_, layer) => {
        const number: unknown = Array.isArray(numbers) ? numbers[layer] : numbers;
        if (typeof number !== 'number') return facts.refuse(msg`does not say "xielu.${key}" for layer ${layer}`);
        return [`model.layers.${layer}.mlp.act_fn.${name}`, given([number], shape)] as const;
      });
    }),
  );
  return {
    config: { ...usualConfig(facts, ropes, 'apertus', sizes), attention_bias: hasBias(facts) },
    layout: {
      ...llamaLayout({
        attn_norm: 'attention_layernorm',
        ffn_norm: 'feedforward_layernorm',
        attn_q_norm: 'self_attn.q_norm',
        attn_k_norm: 'self_attn.k_norm',
      }),
      stated,
    },
  };
};
