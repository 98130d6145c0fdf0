import { flag, positive, type Options } from '../config.ts';
import { windowOption } from '../layers.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { llamaLike, plainMlp, readSizes } from './base.ts';

/** StarCoder 2: LayerNorm, a plain MLP, biases, a window in every layer, or in none. */
export function starcoder2(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 3072,
    inner: 12_288,
    layers: 30,
    heads: 24,
    kvHeads: 2,
    vocab: 49_152,
    positions: 4096,
    activation: 'gelu_pytorch_tanh',
    tied: true,
  });
  const { dim, inner, activation } = sizes;
  const epsilon = positive(config, 'norm_epsilon', 1e-5);
  const bias = flag(config, 'use_bias', true);
  const window = windowOption(config, null);
  return llamaLike(config, tensors, sizes, epsilon, {
    norm: (name, width) => tensors.layerNorm(name, width, epsilon),
    biases: { qkv: bias, output: bias, mlp: bias },
    windows: () => window,
    mlp: ({ mlp }) => plainMlp(tensors, `${mlp}.c_fc`, `${mlp}.c_proj`, dim, inner, activation, bias),
  });
}
