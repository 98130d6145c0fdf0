import { flag, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { llamaLike, readSizes, rmsEpsilon } from './base.ts';

/** Seed-OSS: Llama with biases on queries, keys and values, and an option of its own for the output matrix. */
export function seedOss(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 27_648,
    layers: 64,
    heads: 80,
    kvHeads: 8,
    headDim: 128,
    ownHeadDim: true,
    vocab: 155_136,
    positions: 524_288,
  });
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), {
    biases: {
      qkv: flag(config, 'attention_bias', true),
      output: flag(config, 'attention_out_bias', false),
      mlp: flag(config, 'mlp_bias', false),
    },
  });
}
