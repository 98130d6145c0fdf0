import { count, eitherCount, flag, type Options } from '../config.ts';
import { everyNth, slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { attentionBias, headNorms, llamaLike, readSizes, rmsEpsilon } from '../llama/base.ts';
import { readRope } from '../rope.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { biasedRouting, denseThenExperts } from './denseThenExperts.ts';

/** Arcee's Trinity: a gate behind each head, a norm before and one behind each sublayer, positions in layers with a window alone. */
export function afmoe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2048,
    inner: 6144,
    layers: 32,
    heads: 16,
    kvHeads: null,
    headDim: 128,
    ownHeadDim: true,
    vocab: 200_192,
    positions: 16_384,
  });
  const { dim, heads, headDim } = sizes;
  const epsilon = rmsEpsilon(config, 1e-5);
  const sliding = slidingLayers(config, sizes.layers, everyNth(config, 'global_attn_every_n_layers', 4));
  const rope = readRope(config, headDim, sizes.maxPositions);
  const dense = count(config, 'num_dense_layers', 1, 0);
  const experts = eitherCount(config, 'num_experts', 'num_local_experts', 64);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    norms: ({ at }, norm) => ({
      attentionNorms: { pre: norm(`${at}.input_layernorm`), post: norm(`${at}.post_attention_layernorm`), stream: null },
      mlpNorms: { pre: norm(`${at}.pre_mlp_layernorm`), post: norm(`${at}.post_mlp_layernorm`), stream: null },
    }),
    windows: windowsOf(config, sliding, windowOption(config, 1024)),
    ropes: (layer) => (sliding(layer) ? rope : null),
    attention: ({ attention }) => ({
      ...headNorms(tensors, attention, headDim, epsilon),
      gates: tensors.linear(`${attention}.gate_proj`, dim, heads * headDim, false),
    }),
    mlp: denseThenExperts(
      config,
      tensors,
      sizes,
      {
        firstSparse: dense,
        isSparse: (layer) => layer >= dense,
        bias: false,
        experts,
        chosen: 6,
        scale: 1,
        inner: 1408,
        shared: 2,
        names: { router: 'router.gate', sharedOption: 'num_shared_experts', scaleOption: 'route_scale' },
      },
      biasedRouting(tensors, experts),
    ),
    decoder: { embeddingScale: flag(config, 'mup_enabled', false) ? Math.fround(Math.sqrt(dim)) : 1 },
  });
}
