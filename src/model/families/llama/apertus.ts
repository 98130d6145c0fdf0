import { text, value, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, headNorms, llamaLike, plainMlp, readSizes, rmsEpsilon } from './base.ts';

/** The rope where config.json has none. */
const ROPE = {
  rope_type: 'llama3',
  rope_theta: 12_000_000,
  factor: 8,
  original_max_position_embeddings: 8192,
  low_freq_factor: 1,
  high_freq_factor: 4,
};

/** Apertus: queries and keys normalised per head, an MLP without a gate whose activation, xIELU, is learned. */
export function apertus(config: Options, tensors: Tensors): DecoderSpec {
  const learned = text(config, 'hidden_act', 'xielu') === 'xielu';
  const given = value(config, 'rope_scaling') ?? value(config, 'rope_parameters') ?? null;
  const values = { ...config.values, ...(given === null ? { rope_parameters: ROPE } : {}), ...(learned ? { hidden_act: 'linear' } : {}) };
  const own = { ...config, values };
  const sizes = readSizes(own, { dim: 4096, inner: 14_336, layers: 32, heads: 32, kvHeads: null, vocab: 131_072, positions: 65_536 });
  const { dim, inner, activation, headDim } = sizes;
  const epsilon = rmsEpsilon(config, 1e-5);
  return llamaLike(own, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    rope: { theta: 12_000_000 },
    normNames: ['attention_layernorm', 'feedforward_layernorm'],
    attention: ({ attention }) => headNorms(tensors, attention, headDim, epsilon),
    mlp: ({ mlp }) => {
      if (!learned) return plainMlp(tensors, `${mlp}.up_proj`, `${mlp}.down_proj`, dim, inner, activation, false);
      const at = `${mlp}.act_fn`;
      return {
        kind: 'xielu',
        up: tensors.linear(`${mlp}.up_proj`, dim, inner, false),
        down: tensors.linear(`${mlp}.down_proj`, inner, dim, false),
        xielu: {
          alphaP: tensors.weight(`${at}.alpha_p`, [1]),
          alphaN: tensors.weight(`${at}.alpha_n`, [1]),
          beta: tensors.weight(`${at}.beta`, []),
          epsilon: tensors.weight(`${at}.eps`, []),
        },
      };
    },
  });
}
