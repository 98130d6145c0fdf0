import { msg } from '../../../../core/translatable.ts';
import { fromOne, type Layout } from '../layout.ts';
import type { Facts } from '../facts.ts';
import { ropeParameters } from '../ggufRope.ts';
import { hasBias, innerSize, LLAMA_BLOCK, LLAMA_TOP, llamaConfig, sizesOf, usualConfig, type Architecture, type Sizes } from './common.ts';

const TOP: Layout['top'] = { ...LLAMA_TOP, output_norm: fromOne('model.norm') };
const SANDWICH: Layout['block'] = {
  ...LLAMA_BLOCK,
  attn_norm: fromOne('input_layernorm'),
  post_attention_norm: fromOne('post_attention_layernorm'),
  ffn_norm: fromOne('pre_feedforward_layernorm'),
  post_ffw_norm: fromOne('post_feedforward_layernorm'),
};

/** Tensors of Gemma 3n and Gemma 4: norms as they are stored, and vectors that each layer has of its own. */
export const PER_LAYER_TOP: Layout['top'] = {
  ...LLAMA_TOP,
  per_layer_token_embd: 'model.embed_tokens_per_layer',
  per_layer_model_proj: 'model.per_layer_model_projection',
  per_layer_proj_norm: 'model.per_layer_projection_norm',
};
export const PER_LAYER_BLOCK: Layout['block'] = {
  ...LLAMA_BLOCK,
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  post_attention_norm: 'post_attention_layernorm',
  ffn_norm: 'pre_feedforward_layernorm',
  post_ffw_norm: 'post_feedforward_layernorm',
  inp_gate: 'per_layer_input_gate',
  proj: 'per_layer_projection',
  post_norm: 'post_per_layer_input_norm',
};

/** Gemma 1. */
export const gemma: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...usualConfig(facts, ropes, 'gemma', sizes),
      attention_bias: hasBias(facts),
    },
    layout: {
      top: TOP,
      blocks: 'model.layers',
      block: { ...LLAMA_BLOCK, attn_norm: fromOne('input_layernorm'), ffn_norm: fromOne('post_attention_layernorm') },
    },
  };
};

/** Gemma 2: every other layer with a window, the first one of them. */
export const gemma2: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  return {
    config: {
      ...usualConfig(facts, ropes, 'gemma2', sizes),
      attention_bias: hasBias(facts),
      query_pre_attn_scalar: scoreScalar(sizes, 46),
      sliding_window: facts.count('attention.sliding_window', 4096),
      layer_types: layerTypes(facts, sizes, 2),
      attn_logit_softcapping: cap(facts, 'attn_logit_softcapping', 50),
      final_logit_softcapping: cap(facts, 'final_logit_softcapping', 30),
    },
    layout: { top: TOP, blocks: 'model.layers', block: SANDWICH },
  };
};

/** Names of the vision tensors that some files contain. */
const PICTURES = /^(v|mm)\./;

/**
 * Gemma 3, its text model: queries and keys normalised, a rope of its own for the layers with a window. Also as Ollama's first
 * converters wrote it: ropes under other names or not at all, no epsilon, no scaling of positions, and the part that reads
 * pictures inside. What such a file leaves out is taken as Ollama takes it (`handle_gemma3` of its llama-ollama-compat.cpp),
 * which is what Google's config.json says.
 */
export const gemma3: Architecture = (facts, ropes) => {
  const sizes = sizesOf(facts);
  refusePartRotated(facts, sizes);
  const { headDim } = sizes;
  const window = facts.number('attention.sliding_window', 0);
  const pictures = [...facts.tensors.keys()].some((name) => PICTURES.test(name));
  const firstConverter = ['rope.global.freq_base', 'rope.local.freq_base'].some((key) => facts.value(key) !== undefined);
  const ofOllama = pictures || firstConverter || facts.value('attention.layer_norm_rms_epsilon') === undefined;
  const logitCap = cap(facts, 'final_logit_softcapping', 0);
  // From 4 B on the context was widened from 16,384 by 8.
  const widened =
    ofOllama &&
    facts.count('context_length') >= 131_072 &&
    facts.value('rope.scaling.type') === undefined &&
    facts.value('rope.scaling.factor') === undefined;
  return {
    config: {
      ...llamaConfig(facts, 'gemma3_text', sizes),
      ...innerSize(facts),
      rms_norm_eps: facts.number('attention.layer_norm_rms_epsilon', 1e-6),
      attention_bias: hasBias(facts),
      query_pre_attn_scalar: scoreScalar(sizes, 62),
      ...(window > 0 ? { sliding_window: window } : {}),
      layer_types: window > 0 ? layerTypes(facts, sizes, 6) : Array.from({ length: sizes.layers }, () => 'full_attention'),
      // The converter wrote Gemma 2's cap; what it was made for never applied it, and Gemma 3 was trained without.
      final_logit_softcapping: firstConverter ? null : logitCap,
      rope_parameters: {
        full_attention: ropeParameters(
          facts,
          ropes,
          headDim,
          facts.number('rope.freq_base', facts.number('rope.global.freq_base', 1_000_000)),
          widened ? 8 : 0,
        ),
        sliding_attention: {
          rope_type: 'default',
          rope_theta: facts.number('rope.freq_base_swa', facts.number('rope.local.freq_base', 10_000)),
        },
      },
    },
    layout: {
      top: TOP,
      blocks: 'model.layers',
      block: { ...SANDWICH, attn_q_norm: fromOne('self_attn.q_norm'), attn_k_norm: fromOne('self_attn.k_norm') },
    },
    ignored: PICTURES,
    notices: [
      ...(pictures ? [msg`${facts.file} also holds the part of the model that reads pictures, which is left out: only text is read.`] : []),
      ...(widened
        ? [
            msg`${facts.file} does not say how positions are scaled: they are divided by 8 in layers without a window, as in the \
models of Gemma 3 with this context.`,
          ]
        : []),
      ...(firstConverter && logitCap !== null
        ? [
            msg`${facts.file} says that logits are capped at ${logitCap}, which is not done: Gemma 3 was trained without a cap, \
and the programs this file was written for do not apply it.`,
          ]
        : []),
    ],
  };
};

/** Refuses a file some of whose numbers of a head are not rotated. */
export function refusePartRotated(facts: Facts, { headDim, rotated }: Sizes): void {
  if (rotated !== headDim)
    facts.refuse(msg`rotates ${rotated} of the ${headDim} numbers of a head, which is not supported for ${facts.architecture}`);
}

/**
 * `query_pre_attn_scalar` is not in the file: the width of a head, but of the 27B models, known by their layers, the width shared
 * out among heads (as llama.cpp).
 */
function scoreScalar({ dim, heads, headDim, layers }: Sizes, layersOf27B: number): number {
  return layers === layersOf27B ? Math.floor(dim / heads) : headDim;
}

/** A soft cap; null: none. */
function cap(facts: Facts, key: string, absent: number): number | null {
  const value = facts.number(key, absent);
  return value === 0 ? null : value;
}

/** Which layers have a window: a list, or every layer but each `n`th. */
export function layerTypes(facts: Facts, { layers }: Sizes, absent: number): readonly string[] {
  const given = facts.value('attention.sliding_window_pattern') ?? absent;
  const sliding = (layer: number): boolean => {
    if (typeof given === 'number' && Number.isInteger(given) && given > 0) return (layer + 1) % given !== 0;
    const own: unknown = Array.isArray(given) ? given[layer] : undefined;
    return typeof own === 'boolean'
      ? own
      : facts.refuse(msg`does not say in "${facts.architecture}.attention.sliding_window_pattern" whether layer ${layer} has a window`);
  };
  return Array.from({ length: layers }, (_, layer) => (sliding(layer) ? 'sliding_attention' : 'full_attention'));
}
