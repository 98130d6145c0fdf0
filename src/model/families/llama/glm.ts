import type { Options } from '../config.ts';
import type { Block, DecoderSpec, Norm } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, readSizes, rmsEpsilon, type Differences, type Place } from './base.ts';

/** GLM 4 (2024): half of each head rotated, neighbours paired; gate and up fused in one matrix. */
export function glm(config: Options, tensors: Tensors): DecoderSpec {
  return glmLike(config, tensors, {});
}

/** GLM 4 (0414): the same with post-norms too. */
export function glm4(config: Options, tensors: Tensors): DecoderSpec {
  return glmLike(config, tensors, { norms: sandwich });
}

function glmLike(config: Options, tensors: Tensors, differences: Differences): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 13_696,
    layers: 40,
    heads: 32,
    kvHeads: 2,
    headDim: 128,
    vocab: 151_552,
    positions: 131_072,
  });
  const { dim, inner, activation } = sizes;
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 0.00000015625), {
    biases: attentionBias(config, true, false),
    rope: { style: 'interleaved', partial: 0.5 },
    mlp: ({ mlp }) => ({
      kind: 'gatedFused',
      activation,
      gateUp: tensors.linear(`${mlp}.gate_up_proj`, dim, 2 * inner, false),
      down: tensors.linear(`${mlp}.down_proj`, inner, dim, false),
    }),
    ...differences,
  });
}

function sandwich({ at }: Place, norm: (name: string) => Norm): Pick<Block, 'attentionNorms' | 'mlpNorms'> {
  return {
    attentionNorms: { pre: norm(`${at}.input_layernorm`), post: norm(`${at}.post_self_attn_layernorm`), stream: null },
    mlpNorms: { pre: norm(`${at}.post_attention_layernorm`), post: norm(`${at}.post_mlp_layernorm`), stream: null },
  };
}
