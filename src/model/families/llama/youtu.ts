import { flag, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { readSizes } from './base.ts';
import { latentDecoder } from './latentAttention.ts';

/** Tencent's Youtu-LLM: latent attention as in DeepSeek V3, without experts. */
export function youtu(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2048,
    inner: 6144,
    layers: 32,
    heads: 16,
    kvHeads: 16,
    // Not read: latent attention has sizes of its own.
    headDim: 64,
    ownHeadDim: true,
    vocab: 128_256,
    positions: 131_072,
    tied: true,
  });
  return latentDecoder(config, tensors, sizes, { style: flag(config, 'rope_interleave', true) ? 'interleaved' : 'half' }, {});
}
