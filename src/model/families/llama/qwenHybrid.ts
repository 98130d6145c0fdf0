import { msg } from '../../../core/translatable.ts';
import { count, list, refuse, type Options } from '../config.ts';
import { qwenExperts } from '../experts/qwenMoe.ts';
import { everyNth } from '../layers.ts';
import type { DecoderSpec, DeltaNet } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import {
  attentionBias,
  gatedMlp,
  headNorms,
  llamaLike,
  readSizes,
  rmsEpsilon,
  type Defaults,
  type Differences,
  type Place,
  type Sizes,
} from './base.ts';

const DEFAULTS: Defaults = {
  dim: 4096,
  inner: 12_288,
  layers: 32,
  heads: 16,
  kvHeads: 4,
  headDim: 256,
  ownHeadDim: true,
  vocab: 248_320,
  positions: 32_768,
};

/** Qwen 3.5 and 3.6 (2026): of four layers three are gated delta nets, one attention with gated heads. */
export function qwen35(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, DEFAULTS);
  const epsilon = rmsEpsilon(config);
  return llamaLike(config, tensors, sizes, epsilon, hybridDifferences(config, tensors, sizes, epsilon, separateProjections));
}

/** The same with experts, whose chosen weights always sum to 1, and a shared expert behind a gate. */
export function qwen35Moe(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { ...DEFAULTS, dim: 2048, inner: 5632, layers: 40, kvHeads: 2 });
  const epsilon = rmsEpsilon(config);
  return llamaLike(config, tensors, sizes, epsilon, {
    ...hybridDifferences(config, tensors, sizes, epsilon, separateProjections),
    mlp: qwenExperts(
      config,
      tensors,
      sizes,
      { experts: count(config, 'num_experts', 256), chosen: 8, inner: 512, normalised: true },
      sharedExpert(config, tensors, sizes),
    ),
  });
}

/** Qwen 3 Next (2025), from which Qwen 3.5 comes: the delta nets' matrices hold the numbers of each key head together. */
export function qwen3Next(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { ...DEFAULTS, dim: 2048, inner: 5632, layers: 48, kvHeads: 2, vocab: 151_936 });
  const epsilon = rmsEpsilon(config);
  return llamaLike(config, tensors, sizes, epsilon, {
    ...hybridDifferences(config, tensors, sizes, epsilon, groupedProjections),
    mlp: qwenExperts(
      config,
      tensors,
      sizes,
      { experts: count(config, 'num_experts', 512, 0), chosen: 10, inner: 512, normalisedByDefault: true },
      sharedExpert(config, tensors, sizes),
    ),
  });
}

function sharedExpert(config: Options, tensors: Tensors, { dim, activation }: Sizes) {
  const inner = count(config, 'shared_expert_intermediate_size', 512);
  return ({ mlp }: Place) => ({
    mlp: gatedMlp(tensors, `${mlp}.shared_expert`, dim, inner, activation),
    gate: tensors.linear(`${mlp}.shared_expert_gate`, dim, 1, false),
  });
}

/** Sizes of a gated delta net. */
type DeltaSizes = Pick<DeltaNet, 'keyHeads' | 'valueHeads' | 'keyDim' | 'valueDim'> & { readonly dim: number };
type ReadProjections = (tensors: Tensors, at: string, sizes: DeltaSizes) => DeltaNet['projections'];

function hybridDifferences(config: Options, tensors: Tensors, sizes: Sizes, epsilon: number, projections: ReadProjections): Differences {
  const { dim, heads, kvHeads, headDim } = sizes;
  const isLinear = linearLayers(config, sizes.layers);
  const biases = attentionBias(config);
  return {
    biases,
    norm: (name, width) => tensors.rms(name, width, epsilon, 1),
    rope: { theta: 10_000, partial: 0.25, renamed: { mrope: 'default' } },
    recurrence: ({ layer, at }) => (isLinear(layer) ? deltaNet(config, tensors, `${at}.linear_attn`, dim, epsilon, projections) : null),
    attention: ({ attention }) => ({
      ...headNorms(tensors, attention, headDim, epsilon, ['q_norm', 'k_norm'], 1),
      gates: 'behindQueries',
      projections: {
        kind: 'separate',
        q: tensors.linear(`${attention}.q_proj`, dim, 2 * heads * headDim, biases.qkv),
        k: tensors.linear(`${attention}.k_proj`, dim, kvHeads * headDim, biases.qkv),
        v: tensors.linear(`${attention}.v_proj`, dim, kvHeads * headDim, biases.qkv),
      },
    }),
  };
}

function deltaNet(config: Options, tensors: Tensors, at: string, dim: number, epsilon: number, projections: ReadProjections): DeltaNet {
  const keyHeads = count(config, 'linear_num_key_heads', 16);
  const valueHeads = count(config, 'linear_num_value_heads', 32);
  const keyDim = count(config, 'linear_key_head_dim', 128);
  const valueDim = count(config, 'linear_value_head_dim', 128);
  const size = count(config, 'linear_conv_kernel_dim', 4, 2);
  if (valueHeads % keyHeads !== 0)
    refuse(config, 'linear_num_key_heads', msg`is ${keyHeads}, which does not divide ${valueHeads} value heads`);
  const channels = 2 * keyHeads * keyDim + valueHeads * valueDim;
  return {
    kind: 'deltaNet',
    keyHeads,
    valueHeads,
    keyDim,
    valueDim,
    projections: projections(tensors, at, { dim, keyHeads, valueHeads, keyDim, valueDim }),
    convolution: { kernel: tensors.weight(`${at}.conv1d.weight`, [channels, 1, size]), channels, size, bias: null },
    rateLog: tensors.weight(`${at}.A_log`, [valueHeads]),
    stepBias: tensors.weight(`${at}.dt_bias`, [valueHeads]),
    norm: tensors.rms(`${at}.norm`, valueDim, epsilon),
    output: tensors.linear(`${at}.out_proj`, valueHeads * valueDim, dim, false),
  };
}

const separateProjections: ReadProjections = (tensors, at, { dim, keyHeads, valueHeads, keyDim, valueDim }) => {
  const linear = (name: string, output: number) => tensors.linear(`${at}.in_proj_${name}`, dim, output, false);
  return {
    kind: 'separate',
    qkv: linear('qkv', 2 * keyHeads * keyDim + valueHeads * valueDim),
    gate: linear('z', valueHeads * valueDim),
    strength: linear('b', valueHeads),
    decay: linear('a', valueHeads),
  };
};

const groupedProjections: ReadProjections = (tensors, at, { dim, keyHeads, valueHeads, keyDim, valueDim }) => ({
  kind: 'grouped',
  all: tensors.linear(`${at}.in_proj_qkvz`, dim, 2 * keyHeads * keyDim + 2 * valueHeads * valueDim, false),
  rates: tensors.linear(`${at}.in_proj_ba`, dim, 2 * valueHeads, false),
});

const KINDS = ['linear_attention', 'full_attention'] as const;

/** Which layers are delta nets: by `layer_types`, or all but every n-th. */
function linearLayers(config: Options, layers: number): (layer: number) => boolean {
  const isKind = (item: unknown): item is string => KINDS.some((kind) => kind === item);
  const kinds = list(config, 'layer_types', layers, isKind, msg`${KINDS[0]} and ${KINDS[1]}`);
  return kinds === null ? everyNth(config, 'full_attention_interval', 4) : (layer) => kinds[layer] === 'linear_attention';
}
