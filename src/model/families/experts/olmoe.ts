import { eitherCount, type Options } from '../config.ts';
import { attentionBias, joinedNorms, llamaLike, postNorms, readSizes, rmsEpsilon, type Differences, type Sizes } from '../llama/base.ts';
import { clipOption } from '../llama/olmo.ts';
import { PLAIN_EXPERTS, type DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, gatedExperts, normalisedOption } from './expertParts.ts';

/** OLMoE: queries and keys normalised over all heads together, experts in every layer. */
export function olmoe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 2048, inner: 2048, layers: 16, heads: 16, kvHeads: null, vocab: 50_304, positions: 4096 });
  const clip = clipOption(config);
  return olmoeLike(config, tensors, sizes, { epsilon: rmsEpsilon(config, 1e-5), experts: 64, chosen: 8, clip });
}

/** FlexOlmo: OLMoE with norms behind attention and experts in place of those before. */
export function flexOlmo(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4096, inner: 11_008, layers: 32, heads: 32, kvHeads: null, vocab: 100_352, positions: 4096 });
  const own = { norms: postNorms, rope: { theta: 500_000 } };
  return olmoeLike(config, tensors, sizes, { epsilon: rmsEpsilon(config), experts: 7, chosen: 5, clip: null }, own);
}

/** Options that the family's members default to, and OLMoE's clipping. */
interface OlmoeOptions {
  readonly epsilon: number;
  readonly experts: number;
  readonly chosen: number;
  readonly clip: number | null;
}

function olmoeLike(config: Options, tensors: Tensors, sizes: Sizes, absent: OlmoeOptions, differences: Differences = {}): DecoderSpec {
  const { dim, inner, activation } = sizes;
  const { epsilon, clip } = absent;
  const experts = eitherCount(config, 'num_experts', 'num_local_experts', absent.experts);
  const chosen = chosenExperts(config, experts, absent.chosen);
  const normalised = normalisedOption(config, false);
  return llamaLike(config, tensors, sizes, epsilon, {
    ...differences,
    biases: attentionBias(config),
    attention: ({ attention }) => ({ clip, ...joinedNorms(tensors, attention, sizes, epsilon) }),
    mlp: ({ mlp }) => ({
      ...PLAIN_EXPERTS,
      chosen,
      score: 'softmax',
      normalised,
      router: tensors.linear(`${mlp}.gate`, dim, experts, false),
      experts: gatedExperts(tensors, `${mlp}.experts`, experts, dim, inner, activation),
    }),
  });
}
