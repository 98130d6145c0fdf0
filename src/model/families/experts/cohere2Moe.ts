import { count, only, optionalCount, positive, text, value, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { gatedMlp, llamaLike, readSizes, type Place, type Sizes } from '../llama/base.ts';
import { cohereDifferences } from '../llama/cohere.ts';
import { times } from '../mamba.ts';
import { readRope } from '../rope.ts';
import { PLAIN_EXPERTS, type DecoderSpec, type DenseMlp, type Experts } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { sparseByKind } from './denseThenExperts.ts';
import { chosenExperts, gatedExperts, normalisedOption, sharedExperts } from './expertParts.ts';

/** Cohere's Command with experts: Command R7B's attention, and the mean, or sum, of a shared expert and those chosen by their logits. */
export function cohere2Moe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 8192,
    inner: 22_528,
    layers: 40,
    heads: 64,
    kvHeads: null,
    headDim: 128,
    ownHeadDim: true,
    vocab: 256_000,
    positions: 8192,
    tied: true,
  });
  const { dim, inner, activation } = sizes;
  const first = count(config, 'first_k_dense_replace', 0, 0);
  const pattern = count(config, 'sliding_window_pattern', 4);
  const densePattern = count(config, 'prefix_dense_sliding_window_pattern', 1);
  const sliding = slidingLayers(config, sizes.layers, (layer) =>
    layer < first ? (layer + 1) % densePattern !== 0 : (layer - first + 1) % pattern !== 0,
  );
  const isSparse = sparseByKind(config, sizes.layers, (layer) => layer >= first);
  const rope = readRope(config, sizes.headDim, sizes.maxPositions, { style: 'interleaved' });
  const denseInner = optionalCount(config, 'prefix_dense_intermediate_size', inner);
  const rms = (value(config, 'rms_norm_eps') ?? null) === null ? null : positive(config, 'rms_norm_eps', 1e-6);
  const mixture = cohereExperts(config, tensors, sizes);
  return llamaLike(config, tensors, sizes, 1, {
    ...cohereDifferences(config, tensors, positive(config, 'layer_norm_eps', 1e-5)),
    ...(rms === null ? {} : { norm: (name, width) => tensors.rms(name, width, rms) }),
    windows: windowsOf(config, sliding, windowOption(config, 4096)),
    ropes: (layer) => (sliding(layer) || (!isSparse(layer) && densePattern === 1) ? rope : null),
    mlp: (place) => (isSparse(place.layer) ? mixture(place) : gatedMlp(tensors, place.mlp, dim, denseInner, activation)),
  });
}

function cohereExperts(
  config: Options,
  tensors: Tensors,
  { dim, inner, activation }: Pick<Sizes, 'dim' | 'inner' | 'activation'>,
): (place: Place) => Experts {
  const experts = count(config, 'num_experts', 8);
  const chosen = chosenExperts(config, experts, 2);
  const shared = count(config, 'num_shared_experts', 0, 0);
  const by = text(config, 'expert_selection_fn', 'softmax');
  if (by !== 'sigmoid') only(config, 'expert_selection_fn', 'softmax');
  const together = text(config, 'shared_expert_combination_strategy', 'average');
  if (shared > 0 && together !== 'sum') only(config, 'shared_expert_combination_strategy', 'average');
  const normalised = normalisedOption(config, true);
  const half = (mlp: DenseMlp): DenseMlp => (shared > 0 && together === 'average' ? { ...mlp, down: times(mlp.down, 0.5) } : mlp);
  return ({ mlp }) => {
    const beside = shared === 0 ? null : sharedExperts(tensors, `${mlp}.shared_experts`, dim, inner * shared, activation);
    return {
      ...PLAIN_EXPERTS,
      chosen,
      ...(by === 'softmax' ? { score: 'softmaxOfChosen', normalised: false } : { score: 'sigmoid', normalised }),
      router: tensors.linear(`${mlp}.gate`, dim, experts, false),
      experts: gatedExperts(tensors, `${mlp}.experts`, experts, dim, inner, activation).map(half),
      shared: beside === null ? null : { ...beside, mlp: half(beside.mlp) },
    };
  };
}
