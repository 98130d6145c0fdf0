import { flag, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, plainMlp, readSizes, rmsEpsilon } from './base.ts';

/** Arcee's AFM: Llama with a plain MLP of squared ReLU. */
export function arcee(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2560,
    inner: 18_432,
    layers: 32,
    heads: 32,
    kvHeads: null,
    vocab: 32_000,
    positions: 4096,
    activation: 'relu2',
  });
  const { dim, inner, activation } = sizes;
  const bias = flag(config, 'mlp_bias', false);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 1e-5), {
    biases: attentionBias(config),
    mlp: ({ mlp }) => plainMlp(tensors, `${mlp}.up_proj`, `${mlp}.down_proj`, dim, inner, activation, bias),
  });
}
