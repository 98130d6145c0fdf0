import { count, eitherCount, optionalNumber, value, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { attentionBias, llamaLike, readSizes, rmsEpsilon, type Place } from '../llama/base.ts';
import { ropesByKind, withoutFlatRope } from '../llama/ropesByKind.ts';
import { times } from '../mamba.ts';
import type { Attention, DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { denseThenExperts, sigmoidRouting, sparseByKind } from './denseThenExperts.ts';

/**
 * Xiaomi's MiMo V2 Flash: layers with a window have twice the key and value heads and an attention sink per head, values are narrower than
 * keys and scaled, a third of each head is rotated.
 */
export function mimoV2Flash(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 4096,
    inner: 16_384,
    layers: 48,
    heads: 64,
    kvHeads: 4,
    headDim: 192,
    ownHeadDim: true,
    vocab: 152_576,
    positions: 131_072,
  });
  const { dim, heads, headDim } = sizes;
  const valueDim = count(config, 'v_head_dim', 128);
  const valueScale = value(config, 'attention_value_scale') === undefined ? 0.707 : (optionalNumber(config, 'attention_value_scale') ?? 1);
  const sliding = slidingLayers(config, sizes.layers, (layer) => layer > 0 && (layer + 1) % 6 !== 0);
  const ropes = ropesByKind(withoutFlatRope(config), sizes, {
    full: 5_000_000,
    sliding: 10_000,
    slidingOption: null,
    style: { partial: 0.334, types: ['default'] },
  });
  const biases = attentionBias(config, false, false);
  const experts = eitherCount(config, 'n_routed_experts', 'num_local_experts', 256);
  const attention = ({ layer, attention: at }: Place): Partial<Attention> => {
    const kvHeads = sliding(layer) ? 2 * sizes.kvHeads : sizes.kvHeads;
    return {
      sizes: { kvHeads, headDim, valueDim },
      projections: {
        kind: 'separate',
        q: tensors.linear(`${at}.q_proj`, dim, heads * headDim, biases.qkv),
        k: tensors.linear(`${at}.k_proj`, dim, kvHeads * headDim, biases.qkv),
        v: times(tensors.linear(`${at}.v_proj`, dim, kvHeads * valueDim, biases.qkv), valueScale),
      },
      sinks: sliding(layer) ? tensors.weight(`${at}.attention_sink_bias`, [heads]) : null,
      output: tensors.linear(`${at}.o_proj`, heads * valueDim, dim, false),
    };
  };
  // The published file has null for a factor of 1.
  const { routed_scaling_factor: scale, ...values } = config.values;
  return llamaLike(config, tensors, sizes, rmsEpsilon(config, 1e-5), {
    biases,
    windows: windowsOf(config, sliding, windowOption(config, 128)),
    ropes: (layer) => (sliding(layer) ? ropes.sliding : ropes.full),
    attention,
    mlp: denseThenExperts(
      scale === null ? { ...config, values } : config,
      tensors,
      sizes,
      {
        firstSparse: 1,
        isSparse: sparseByKind(config, sizes.layers, (layer) => layer > 0),
        bias: false,
        experts,
        chosen: 8,
        scale: 1,
        inner: 2048,
        shared: null,
      },
      sigmoidRouting(config, tensors, experts, [1, 1]),
    ),
    decoder: { valueDim },
  });
}
