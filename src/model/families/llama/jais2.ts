import { flag, positive, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, plainMlp, readSizes } from './base.ts';

/** Jais 2: LayerNorm, biases, a plain MLP with squared ReLU. */
export function jais2(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 3328,
    inner: 26_624,
    layers: 32,
    heads: 26,
    kvHeads: null,
    vocab: 150_272,
    positions: 8192,
    activation: 'relu2',
  });
  const { dim, inner, activation } = sizes;
  const epsilon = positive(config, 'layer_norm_eps', 1e-5);
  const mlpBias = flag(config, 'mlp_bias', true);
  return llamaLike(config, tensors, sizes, epsilon, {
    norm: (name, width) => tensors.layerNorm(name, width, epsilon),
    biases: attentionBias(config, true),
    mlp: ({ mlp }) => plainMlp(tensors, `${mlp}.up_proj`, `${mlp}.down_proj`, dim, inner, activation, mlpBias),
  });
}
