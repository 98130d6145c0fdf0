import { flag, number, optionalCount, optionalNumber, value, type Options } from '../config.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, readSizes } from './base.ts';
import { latentDecoder } from './latentAttention.ts';

/** MiniCPM 3: latent attention, and the multipliers of muP (Yang et al. 2022) by width and depth. */
export function minicpm3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2560,
    inner: 6400,
    layers: 62,
    heads: 40,
    kvHeads: 40,
    // Not read: latent attention has sizes of its own.
    headDim: 32,
    ownHeadDim: true,
    vocab: 73_448,
    positions: 32_768,
    tied: true,
  });
  const { dim, heads, layers } = sizes;
  const depth = value(config, 'scale_depth') === undefined ? 1.4 : optionalNumber(config, 'scale_depth');
  const base = value(config, 'dim_model_base') === null ? dim : optionalCount(config, 'dim_model_base', 256);
  const latent = { rank: 256, queryRank: 768, plain: 64, rotated: 32, valueDim: Math.floor(dim / heads) };
  return latentDecoder(
    config,
    tensors,
    sizes,
    { style: 'half', latent, epsilon: 1e-5 },
    {
      biases: attentionBias(config, false, true, flag(config, 'mlp_bias', false)),
      decoder: {
        embeddingScale: number(config, 'scale_emb', 12),
        residualScale: depth === null ? 1 : depth / Math.sqrt(layers),
        logitScale: base / dim,
      },
    },
  );
}
