import { flag, list, type Options } from '../config.ts';
import { msg } from '../../../core/translatable.ts';
import { attentionBias, gatedMlp, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { graniteMamba } from './graniteHybrid.ts';
import { isLayer } from './expertParts.ts';

/** Bamba (IBM 2024): Mamba 2 in all layers but those of `attn_layer_indices`, which have attention with half of each head rotated. */
export function bamba(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 14_336,
    layers: 32,
    heads: 32,
    kvHeads: 8,
    vocab: 128_000,
    positions: 262_144,
  });
  const { dim, inner, activation } = sizes;
  const attending = list(config, 'attn_layer_indices', null, isLayer, msg`whole numbers`) ?? [];
  const mamba = graniteMamba(config, tensors, dim, 1e-5);
  const bias = flag(config, 'mlp_bias', false);
  // Beside the rope's own options the reference reads no share of a head that is rotated.
  const { partial_rotary_factor: _, ...values } = config.values;
  return llamaLike({ ...config, values }, tensors, sizes, rmsEpsilon(config, 1e-5), {
    biases: attentionBias(config),
    rope: { partial: 0.5, oddRoundsUp: true },
    normNames: ['input_layernorm', 'pre_ff_layernorm'],
    finalNorm: 'final_layernorm',
    recurrence: ({ layer, at }) => (attending.includes(layer) ? null : mamba(`${at}.mamba`)),
    mlp: ({ at }) => gatedMlp(tensors, `${at}.feed_forward`, dim, inner, activation, bias),
  });
}
