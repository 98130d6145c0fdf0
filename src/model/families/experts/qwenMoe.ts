import { count, eitherCount, flag, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { attentionBias, gatedMlp, headNorms, llamaLike, readSizes, rmsEpsilon, type Place, type Sizes } from '../llama/base.ts';
import { VISION_ROPE } from '../llama/qwen.ts';
import { PLAIN_EXPERTS, type DecoderSpec, type Experts, type Mlp } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, gatedExperts, normalisedOption, sparseLayers } from './expertParts.ts';

/** Experts of a family: their number, and defaults of its options. */
interface QwenExperts {
  readonly experts: number;
  readonly chosen: number;
  readonly inner: number;
  /** Whether the chosen weights sum to 1; default: as `norm_topk_prob` says. */
  readonly normalised?: boolean;
  /** What `norm_topk_prob` is where it is missing; default: false. */
  readonly normalisedByDefault?: boolean;
  /** Whether files may hold all experts as [experts, in, out]. */
  readonly maybeTurned?: boolean;
}

/** Qwen 1.5 and 2 with experts, and a shared expert gated by a sigmoid. */
export function qwen2Moe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 2048, inner: 5632, layers: 24, heads: 16, kvHeads: 16, vocab: 151_936, positions: 32_768 });
  const { dim, activation } = sizes;
  const sharedInner = count(config, 'shared_expert_intermediate_size', 5632);
  const window = flag(config, 'use_sliding_window', false) ? windowOption(config, 4096) : null;
  const until = count(config, 'max_window_layers', 28, 0);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), {
    biases: { qkv: flag(config, 'qkv_bias', true), output: false, mlp: false },
    windows: windowsOf(
      config,
      slidingLayers(config, sizes.layers, (layer) => window !== null && layer % 2 === 0 && layer < until),
      window,
    ),
    mlp: qwenExperts(config, tensors, sizes, { experts: count(config, 'num_experts', 60, 0), chosen: 4, inner: 1408 }, ({ mlp }) => ({
      mlp: gatedMlp(tensors, `${mlp}.shared_expert`, dim, sharedInner, activation),
      gate: tensors.linear(`${mlp}.shared_expert_gate`, dim, 1, false),
    })),
  });
}

/** Qwen 3 with experts. */
export function qwen3Moe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 2048, inner: 6144, layers: 24, heads: 32, kvHeads: 4, vocab: 151_936, positions: 32_768 });
  const epsilon = rmsEpsilon(config);
  const window = flag(config, 'use_sliding_window', false) ? windowOption(config, 4096) : null;
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    windows: () => window,
    attention: ({ attention }) => headNorms(tensors, attention, sizes.headDim, epsilon),
    mlp: qwenExperts(
      config,
      tensors,
      sizes,
      { experts: eitherCount(config, 'num_local_experts', 'num_experts', 128), chosen: 8, inner: 768 },
      () => null,
    ),
  });
}

/** Text part of Qwen3-VL with experts: Qwen 3 with experts, whose chosen weights always sum to 1. */
export function qwen3VlMoe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2048,
    inner: 5632,
    layers: 24,
    heads: 16,
    kvHeads: 16,
    headDim: 128,
    ownHeadDim: true,
    vocab: 151_936,
    positions: 128_000,
    tied: true,
  });
  const epsilon = rmsEpsilon(config);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    rope: VISION_ROPE,
    attention: ({ attention }) => headNorms(tensors, attention, sizes.headDim, epsilon),
    mlp: qwenExperts(
      config,
      tensors,
      sizes,
      { experts: eitherCount(config, 'num_local_experts', 'num_experts', 60), chosen: 4, inner: 1408, normalised: true, maybeTurned: true },
      () => null,
    ),
  });
}

export function qwenExperts(
  config: Options,
  tensors: Tensors,
  { dim, inner: denseInner, activation }: Sizes,
  { experts, ...absent }: QwenExperts,
  shared: (place: Place) => Experts['shared'],
): (place: Place) => Mlp {
  const inner = count(config, 'moe_intermediate_size', absent.inner);
  const isSparse = sparseLayers(config, experts);
  const normalised = absent.normalised ?? normalisedOption(config, absent.normalisedByDefault ?? false);
  const chosen = experts === 0 ? 0 : chosenExperts(config, experts, absent.chosen);
  return (place) => {
    if (!isSparse(place.layer)) return gatedMlp(tensors, place.mlp, dim, denseInner, activation);
    return {
      ...PLAIN_EXPERTS,
      chosen,
      score: 'softmax',
      normalised,
      router: tensors.linear(`${place.mlp}.gate`, dim, experts, false),
      experts: gatedExperts(tensors, `${place.mlp}.experts`, experts, dim, inner, activation, undefined, absent.maybeTurned),
      shared: shared(place),
    };
  };
}
