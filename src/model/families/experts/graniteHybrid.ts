import { msg } from '../../../core/translatable.ts';
import { count, flag, list, only, refuse, text, value, type Options } from '../config.ts';
import { graniteLike, graniteSizes } from '../llama/granite.ts';
import { rmsEpsilon } from '../llama/base.ts';
import { mambaLayer, mambaSizes, stepLimitOption } from '../mamba.ts';
import { readRope } from '../rope.ts';
import type { DecoderSpec, Mamba, Mlp } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { graniteMixture, sharedGranite } from './graniteMoe.ts';

/** Granite 4 (IBM 2025): most layers are Mamba 2, a few attention, most often without positions; with experts, or the shared MLP alone. */
export function graniteHybrid(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = graniteSizes(config);
  const { dim, headDim, maxPositions, layers } = sizes;
  const isMamba = mambaLayers(config, layers);
  const mamba = graniteMamba(config, tensors, dim);
  const kind = value(config, 'position_embedding_type') === null ? 'nope' : text(config, 'position_embedding_type', 'nope');
  if (kind !== 'rope' && kind !== 'nope') only(config, 'position_embedding_type', 'rope');
  const rope = kind === 'rope' ? readRope(config, headDim, maxPositions) : null;
  const shared = sharedGranite(config, tensors, 1024, 1);
  const experts = value(config, 'num_local_experts') === null ? 0 : count(config, 'num_local_experts', 8, 0);
  const mixture = experts === 0 ? null : graniteMixture(config, tensors, experts, shared);
  return graniteLike(config, tensors, {
    ropes: () => rope,
    recurrence: ({ layer, at }) => (isMamba(layer) ? mamba(`${at}.mamba`) : null),
    mlp: (place): Mlp => mixture?.(place) ?? shared(place.at)?.mlp ?? refuse(config, 'shared_intermediate_size', msg`is missing`),
  });
}

/** A Mamba 2 layer by the options `mamba_*`, with one norm behind the gate. `epsilon`: the default of `rms_norm_eps`. */
export function graniteMamba(config: Options, tensors: Tensors, dim: number, epsilon?: number): (at: string) => Mamba {
  only(config, 'hidden_act', 'silu');
  const sizes = mambaSizes(config, dim, count(config, 'mamba_expand', 2) * dim);
  const bias = flag(config, 'mamba_proj_bias', false);
  const biases = { input: bias, convolution: flag(config, 'mamba_conv_bias', true), output: bias };
  const limit = stepLimitOption(config);
  const norm = { parts: 1, epsilon: rmsEpsilon(config, epsilon), when: 'behindGate' } as const;
  return (at) => mambaLayer(tensors, at, sizes, biases, limit, norm);
}

const KINDS = ['linear_attention', 'full_attention', 'mamba', 'attention'] as const;

/** Which layers are Mamba 2, by `layer_types` or its other name `layers_block_type`; all where neither is there. */
function mambaLayers(config: Options, layers: number): (layer: number) => boolean {
  const isKind = (item: unknown): item is string => KINDS.some((kind) => kind === item);
  const name = (value(config, 'layer_types') ?? null) === null ? 'layers_block_type' : 'layer_types';
  const kinds = list(config, name, layers, isKind, msg`${KINDS[0]} and ${KINDS[1]}`);
  return (layer) => kinds === null || kinds[layer] === 'linear_attention' || kinds[layer] === 'mamba';
}
