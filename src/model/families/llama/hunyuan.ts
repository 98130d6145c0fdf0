import { options, optionalNumber, value, type Options } from '../config.ts';
import { isRecord } from '../../../core/records.ts';
import { readRope, ropeOf, type Rope } from '../rope.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, headNorms, llamaLike, readSizes, rmsEpsilon, type Differences, type Sizes } from './base.ts';

/** Dense models of Hunyuan: queries and keys normalised per head, after rotation. */
export function hunyuan(config: Options, tensors: Tensors): DecoderSpec {
  return hunyuanLike(config, tensors, hunyuanSizes(config), {});
}

/** Sizes of a model of Hunyuan's family. */
export function hunyuanSizes(config: Options): Sizes {
  return readSizes(config, { dim: 4096, inner: 11_008, layers: 32, heads: 32, kvHeads: null, vocab: 290_943, positions: 2048 });
}

/** A decoder with Hunyuan's attention. */
export function hunyuanLike(config: Options, tensors: Tensors, sizes: Sizes, { mlp }: Pick<Differences, 'mlp'>): DecoderSpec {
  const epsilon = rmsEpsilon(config, 1e-5);
  const rope = hunyuanRope(config, sizes);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    ...(mlp === undefined ? {} : { mlp }),
    ropes: () => rope,
    attention: ({ attention }) => {
      const { queryKeyNorm } = headNorms(tensors, attention, sizes.headDim, epsilon, ['query_layernorm', 'key_layernorm']);
      return { queryKeyNorm: queryKeyNorm === null ? null : { ...queryKeyNorm, when: 'afterRope' } };
    },
  });
}

/** Hunyuan's rope: a dynamic one with `alpha` is a plain one with a raised base frequency, whatever the text's length. */
function hunyuanRope(config: Options, { headDim, maxPositions }: Sizes): Rope {
  const given = value(config, 'rope_scaling') ?? value(config, 'rope_parameters');
  const rope = isRecord(given) ? options(given, 'rope_parameters') : options({});
  const alpha = optionalNumber(rope, 'alpha') ?? 0;
  if (alpha === 0 || (value(rope, 'rope_type') ?? value(rope, 'type')) !== 'dynamic') return readRope(config, headDim, maxPositions);
  const plain = ropeOf(config, { ...rope, values: { ...rope.values, rope_type: 'default' } }, headDim, maxPositions, {});
  return { ...plain, theta: plain.theta * alpha ** (headDim / (headDim - 2)) };
}
