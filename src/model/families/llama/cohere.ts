import { flag, number, positive, value, type Options } from '../config.ts';
import { everyNth, slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { readRope } from '../rope.ts';
import type { Attention, DecoderSpec, HeadNorm } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, readSizes, sharedNorm, type Defaults, type Differences } from './base.ts';

const DEFAULTS: Defaults = { dim: 8192, inner: 22_528, layers: 40, heads: 64, kvHeads: null, vocab: 256_000, positions: 8192, tied: true };

/** Command R: attention and MLP in parallel after one LayerNorm without bias, rope on neighbouring pairs, scaled logits. */
export function cohere(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, DEFAULTS);
  const { heads, kvHeads, headDim } = sizes;
  const epsilon = positive(config, 'layer_norm_eps', 1e-5);
  const normed = value(config, 'use_qk_norm') !== null && flag(config, 'use_qk_norm', false);
  const perHead = (name: string, count: number): HeadNorm => ({
    kind: 'perHead',
    norm: { kind: 'layer', width: headDim, weight: null, offset: 0, bias: null, epsilon },
    weights: [tensors.weight(`${name}.weight`, [count, headDim])],
  });
  const headNorms = (attention: string): Pick<Attention, 'queryKeyNorm'> => ({
    queryKeyNorm: { query: perHead(`${attention}.q_norm`, heads), key: perHead(`${attention}.k_norm`, kvHeads), when: 'beforeRope' },
  });
  return llamaLike(config, tensors, sizes, epsilon, {
    ...cohereDifferences(config, tensors, epsilon),
    rope: { style: 'interleaved', theta: 500_000 },
    attention: ({ attention }) => (normed ? headNorms(attention) : {}),
  });
}

/** Command R7B and A: repeats three layers with a window and a rope, and one with neither. */
export function cohere2(config: Options, tensors: Tensors): DecoderSpec {
  const read = readSizes(config, DEFAULTS);
  const sizes = { ...read, headDim: read.dim / read.heads };
  const epsilon = positive(config, 'layer_norm_eps', 1e-5);
  const sliding = slidingLayers(config, sizes.layers, everyNth(config, 'sliding_window_pattern', 4));
  const rope = readRope(config, sizes.headDim, sizes.maxPositions, { style: 'interleaved' });
  return llamaLike(config, tensors, sizes, epsilon, {
    ...cohereDifferences(config, tensors, epsilon),
    windows: windowsOf(config, sliding, windowOption(config, 4096)),
    ropes: (layer) => (sliding(layer) ? rope : null),
  });
}

/** What Cohere's families share. */
export function cohereDifferences(config: Options, tensors: Tensors, epsilon: number): Differences {
  return {
    norm: (name, width) => tensors.layerNorm(name, width, epsilon, { bias: false }),
    norms: sharedNorm,
    wiring: 'parallel',
    biases: attentionBias(config),
    decoder: { logitScale: number(config, 'logit_scale', 0.0625) },
  };
}
