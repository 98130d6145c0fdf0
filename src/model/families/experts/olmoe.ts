import { eitherCount, type Options } from '../config.ts';
import { attentionBias, joinedNorms, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import { clipOption } from '../llama/olmo.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, gatedExperts, normalisedOption } from './expertParts.ts';

/** OLMoE: queries and keys normalised over all heads together, experts in every layer. */
export function olmoe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 2048, inner: 2048, layers: 16, heads: 16, kvHeads: null, vocab: 50_304, positions: 4096 });
  const { dim, inner, activation } = sizes;
  const epsilon = rmsEpsilon(config, 1e-5);
  const clip = clipOption(config);
  const experts = eitherCount(config, 'num_experts', 'num_local_experts', 64);
  const chosen = chosenExperts(config, experts, 8);
  const normalised = normalisedOption(config, false);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    attention: ({ attention }) => ({ clip, ...joinedNorms(tensors, attention, sizes, epsilon) }),
    mlp: ({ mlp }) => ({
      kind: 'experts',
      chosen,
      score: 'softmax',
      correction: null,
      groups: null,
      normalised,
      scale: 1,
      shared: null,
      router: tensors.linear(`${mlp}.gate`, dim, experts, false),
      experts: gatedExperts(tensors, `${mlp}.experts`, experts, dim, inner, activation),
    }),
  });
}
