import { count, eitherCount, value, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { attentionBias, headNorms, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { denseThenExperts, sigmoidRouting } from './denseThenExperts.ts';

/** dots.llm1: attention as in Qwen 3, experts as in DeepSeek V3. */
export function dots1(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { dim: 4608, inner: 10_944, layers: 62, heads: 32, kvHeads: 32, vocab: 152_064, positions: 2048 });
  const epsilon = rmsEpsilon(config);
  const experts = eitherCount(config, 'n_routed_experts', 'num_local_experts', 1);
  const first = count(config, 'max_window_layers', 62, 0);
  const window = windowOption(config, 4096);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    windows: windowsOf(
      config,
      slidingLayers(config, sizes.layers, (layer) => window !== null && layer >= first),
      window,
    ),
    attention: ({ attention }) => headNorms(tensors, attention, sizes.headDim, epsilon),
    mlp: denseThenExperts(
      config,
      tensors,
      sizes,
      { firstSparse: 0, bias: false, experts, chosen: 1, scale: 1, inner: 1408, shared: 1 },
      {
        ...sigmoidRouting(config, tensors, experts, [1, 1]),
        ...(value(config, 'norm_topk_prob') === undefined ? { normalised: false } : {}),
      },
    ),
  });
}

/** Solar Open: Llama's attention, experts as in GLM 4.5 in every layer. */
export function solarOpen(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 1,
    layers: 48,
    heads: 64,
    kvHeads: 8,
    headDim: 128,
    ownHeadDim: true,
    vocab: 196_608,
    positions: 131_072,
  });
  const experts = eitherCount(config, 'n_routed_experts', 'num_local_experts', 128);
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 1e-5), {
    biases: attentionBias(config, false, false),
    rope: { theta: 1_000_000 },
    mlp: denseThenExperts(
      config,
      tensors,
      sizes,
      { firstSparse: 0, isSparse: () => true, bias: false, experts, chosen: 8, scale: 1, inner: 1280, shared: 1 },
      sigmoidRouting(config, tensors, experts, [1, 1]),
    ),
  });
}
