import { isRecord } from '../../../core/records.ts';
import { msg } from '../../../core/translatable.ts';
import { flag, list, value, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import { readRope, type Rope } from '../rope.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, readSizes, rmsEpsilon, type Sizes } from './base.ts';
import { graniteLike } from './granite.ts';

/** Granite with a window in all layers but each fourth, the first one of these, an attention sink per head, and a rope by layer. */
export function graniteSwa(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 2560,
    inner: 8192,
    layers: 24,
    heads: 20,
    kvHeads: 4,
    vocab: 100_352,
    positions: 8192,
    tied: true,
  });
  const differences = {
    biases: attentionBias(config, false, true, flag(config, 'mlp_bias', false)),
    windows: windowsOf(
      config,
      slidingLayers(config, sizes.layers, (layer) => layer % 4 !== 0),
      windowOption(config, 128),
    ),
    ropes: ropesByLayer(config, sizes),
    attention: ({ attention }: { readonly attention: string }) => ({ sinks: tensors.weight(`${attention}.sinks`, [sizes.heads]) }),
  };
  return graniteLike(config, tensors, differences, sizes, rmsEpsilon(config, 1e-5));
}

/** The rope of each layer: `layer_rope_theta` has its base frequency, or 0 for none. */
function ropesByLayer(config: Options, { headDim, maxPositions, layers }: Sizes): (layer: number) => Rope | null {
  const isTheta = (item: unknown): item is number => typeof item === 'number' && Number.isFinite(item) && item >= 0;
  const thetas = list(config, 'layer_rope_theta', layers, isTheta, msg`numbers from 0 on`);
  const shared = readRope(config, headDim, maxPositions);
  if (thetas === null) return () => shared;
  const name = isRecord(value(config, 'rope_scaling')) ? 'rope_scaling' : 'rope_parameters';
  const given = value(config, name) ?? {};
  const withTheta = (theta: number): Options =>
    isRecord(given) ? { ...config, values: { ...config.values, [name]: { ...given, rope_theta: theta } } } : config;
  const made = new Map(
    [...new Set(thetas)].map((theta) => [theta, theta === 0 ? null : readRope(withTheta(theta), headDim, maxPositions)]),
  );
  return (layer) => made.get(thetas[layer] ?? 0) ?? null;
}
