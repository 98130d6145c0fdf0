import { msg } from '../../../core/translatable.ts';
import { flag, refuse, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, readSizes, rmsEpsilon } from './base.ts';

/** Kyutai's Helium: Llama with rope on neighbouring pairs. */
export function helium(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2560,
    inner: 7040,
    layers: 24,
    heads: 20,
    kvHeads: 20,
    headDim: 128,
    vocab: 48_000,
    positions: 4096,
  });
  const { dim, heads, headDim } = sizes;
  if (heads * headDim !== dim)
    refuse(config, 'head_dim', msg`is ${headDim}, where ${heads} heads of together ${dim} numbers are called for`);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 1e-8), {
    rope: { style: 'interleaved', theta: 100_000 },
    biases: attentionBias(config, false, false, flag(config, 'mlp_bias', false)),
  });
}
