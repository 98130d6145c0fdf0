import { msg } from '../../../core/translatable.ts';
import { count, flag, list, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { readRope } from '../rope.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, llamaLike, readSizes, rmsEpsilon } from './base.ts';

/** SmolLM 3: every few layers have no positions (Yang et al. 2025); where there is a window, those layers have it. */
export function smollm3(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2048,
    inner: 11_008,
    layers: 36,
    heads: 16,
    kvHeads: 4,
    vocab: 128_256,
    positions: 32_768,
    tied: true,
  });
  const interval = count(config, 'no_rope_layer_interval', 4);
  // Named after what it switches off, yet 1 means that positions are used.
  const given = list(config, 'no_rope_layers', sizes.layers, isFlag, msg`0 and 1`);
  const turned = (layer: number): boolean => (given === null ? (layer + 1) % interval !== 0 : given[layer] === 1);
  const rope = readRope(config, sizes.headDim, sizes.maxPositions, { theta: 2_000_000 });
  const window = windowOption(config, null);
  // `layer_types` has an effect without this option too.
  const windowed = flag(config, 'use_sliding_window', false) && window !== null;
  return llamaLike(config, tensors, sizes, rmsEpsilon(config), {
    biases: attentionBias(config, false, true, flag(config, 'mlp_bias', false)),
    ropes: (layer) => (turned(layer) ? rope : null),
    windows: windowsOf(
      config,
      slidingLayers(config, sizes.layers, (layer) => windowed && !turned(layer)),
      window,
    ),
  });
}

function isFlag(item: unknown): item is 0 | 1 {
  return item === 0 || item === 1;
}
