import { flag, positive, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, plainMlp, readSizes } from './base.ts';

/** Nemotron 4 and Minitron: LayerNorm weights stored minus 1, a plain MLP with squared ReLU, half of each head rotated. */
export function nemotron(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 6144,
    inner: 24_576,
    layers: 32,
    heads: 48,
    kvHeads: null,
    vocab: 256_000,
    positions: 4096,
    activation: 'relu2',
  });
  const { dim, inner, activation } = sizes;
  const epsilon = positive(config, 'norm_eps', 1e-5);
  const mlpBias = flag(config, 'mlp_bias', false);
  return llamaLike(config, tensors, sizes, epsilon, {
    norm: (name, width) => tensors.layerNorm(name, width, epsilon, { offset: 1 }),
    biases: attentionBias(config),
    rope: { partial: 0.5 },
    mlp: ({ mlp }) => plainMlp(tensors, `${mlp}.up_proj`, `${mlp}.down_proj`, dim, inner, activation, mlpBias),
  });
}
