import { isRecord } from '../../../core/records.ts';
import { msg } from '../../../core/translatable.ts';
import { count, flag, numberOrNull, only, optionalCount, options, positive, refuse, value, type Options } from '../config.ts';
import { gemma4Experts, gemma4Mixture, type Gemma4Experts } from '../experts/gemma4Experts.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import type { Attention, Block, DecoderSpec, HeadSizes, Mlp, Norm, PerLayerInputs, Projections } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, gatedMlp, llamaLike, readSizes, rmsEpsilon, type Differences, type Place, type Sizes } from './base.ts';
import { sandwich } from './gemma.ts';
import { countFrom0, perLayerInputs, perLayerStep, sourcesOf } from './gemmaParts.ts';
import { ropesByKind } from './ropesByKind.ts';

const DEFAULTS = {
  dim: 2304,
  inner: 9216,
  layers: 30,
  heads: 8,
  kvHeads: 4,
  headDim: 256,
  ownHeadDim: true,
  vocab: 262_144,
  positions: 131_072,
  activation: 'gelu_pytorch_tanh',
  activationOption: 'hidden_activation',
  tied: true,
} as const;

/** The ropes where config.json has none. */
const ROPES = {
  sliding_attention: { rope_type: 'default', rope_theta: 10_000 },
  full_attention: { rope_type: 'proportional', partial_rotary_factor: 0.25, rope_theta: 1_000_000 },
};

/**
 * Gemma 4: heads of two sizes, by whether a layer has a window; queries, keys and values normalised per head; the last layers read keys
 * and values of an earlier one; a factor of the whole residual behind each layer. Some have per-layer embeddings, some experts beside
 * the MLP.
 */
export function gemma4(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, DEFAULTS);
  const epsilon = rmsEpsilon(config);
  const width = countFrom0(config, 'hidden_size_per_layer_input', 256);
  const inputs = width === 0 ? null : perLayerInputs(config, tensors, sizes, { width, epsilon });
  const experts = flag(config, 'enable_moe_block', false) ? gemma4Experts(config) : null;
  return gemma4Like(config, tensors, sizes, { epsilon, window: 512, inputs, experts });
}

/** Gemma 4 12B: without per-layer embeddings and experts. */
export function gemma4Unified(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, { ...DEFAULTS, positions: 262_144 });
  return gemma4Like(config, tensors, sizes, { epsilon: rmsEpsilon(config), window: 1024, inputs: null, experts: null });
}

/** What the members of the family have or have not. */
interface Gemma4Parts {
  readonly epsilon: number;
  /** The window where config.json has none. */
  readonly window: number;
  readonly inputs: PerLayerInputs | null;
  readonly experts: Gemma4Experts | null;
}

function gemma4Like(config: Options, tensors: Tensors, sizes: Sizes, { epsilon, window, inputs, experts }: Gemma4Parts): DecoderSpec {
  const { dim, heads, layers, activation } = sizes;
  only(config, 'use_bidirectional_attention', 'vision');
  const sliding = kindsOf(config, layers);
  const headSizes = sizesByLayer(config, sizes, sliding);
  const source = sourcesOf(config, layers, sliding);
  const sameValues = flag(config, 'attention_k_eq_v', false);
  const wide = flag(config, 'use_double_wide_mlp', false);
  const biases = attentionBias(config);
  const ropes = ropesOf(config, sizes, headSizes, sliding);
  const plain = (of: number): Norm => ({ kind: 'rms', width: of, weight: null, offset: 0, bias: null, epsilon });
  const attention = ({ layer, attention: at }: Place): Partial<Attention> => {
    const own = headSizes(layer);
    const { kvHeads, headDim } = own;
    const linear = (name: string, output: number) => tensors.linear(`${at}.${name}_proj`, dim, output, biases.qkv);
    const norm = (name: string) => ({ kind: 'heads', norm: tensors.rms(`${at}.${name}`, headDim, epsilon) }) as const;
    const from = source(layer);
    if (from !== layer && !isSame(headSizes(from), own))
      refuse(config, 'num_kv_shared_layers', msg`lets layer ${layer} read keys of layer ${from}, whose heads have another size`);
    const keys = kvHeads * headDim;
    const projections: Projections =
      from === layer
        ? {
            kind: 'separate',
            q: linear('q', heads * headDim),
            k: linear('k', keys),
            v: sameValues && !sliding(layer) ? null : linear('v', keys),
          }
        : { kind: 'queryAlone', q: linear('q', heads * headDim), source: from };
    return {
      projections,
      sizes: isSame(own, { ...sizes, valueDim: sizes.headDim }) ? null : own,
      queryKeyNorm: { query: norm('q_norm'), key: from === layer ? norm('k_norm') : null, when: 'beforeRope' },
      valueNorm: from === layer ? plain(headDim) : null,
      output: tensors.linear(`${at}.o_proj`, heads * headDim, dim, biases.output),
    };
  };
  const mlp = (place: Place): Mlp => {
    const inner = sizes.inner * (wide && source(place.layer) !== place.layer ? 2 : 1);
    const dense = gatedMlp(tensors, place.mlp, dim, inner, activation);
    return experts === null ? dense : gemma4Mixture(tensors, place, sizes, experts, { dense, epsilon, plain });
  };
  const differences: Differences = {
    norms: sandwich,
    biases,
    scale: 1,
    windows: windowsOf(config, sliding, windowOption(config, window)),
    ropes: (layer) => (sliding(layer) ? ropes.sliding : ropes.full),
    attention,
    mlp,
    block: (place) => behindMlp(tensors, place, sizes, inputs, epsilon),
    decoder: {
      embeddingScale: Math.fround(Math.sqrt(dim)),
      perLayerInputs: inputs,
      logitCap: numberOrNull(config, 'final_logit_softcapping', null) === null ? null : positive(config, 'final_logit_softcapping', 1),
    },
  };
  return llamaLike(config, tensors, sizes, epsilon, differences);
}

/** Which layers have a window: by default all but each sixth; never the last, whatever config.json says. */
function kindsOf(config: Options, layers: number): (layer: number) => boolean {
  const sliding = slidingLayers(config, layers, (layer) => (layer + 1) % 6 !== 0);
  return (layer) => layer < layers - 1 && sliding(layer);
}

function isSame(a: HeadSizes, b: HeadSizes): boolean {
  return a.kvHeads === b.kvHeads && a.headDim === b.headDim;
}

/** Sizes of each layer's heads: `per_layer_config`, or in the words of published files `global_head_dim` and its relative. */
function sizesByLayer(config: Options, { kvHeads, headDim, heads, layers }: Sizes, sliding: (layer: number) => boolean) {
  const given = value(config, 'per_layer_config') ?? null;
  const byLayer = given === null ? null : options(given, 'per_layer_config');
  const stray = Object.keys(byLayer?.values ?? {}).find((name) => !/^\d+$/.test(name) || Number(name) >= layers);
  if (byLayer !== null && stray !== undefined) refuse(byLayer, stray, msg`is no layer of this model`);
  const full: HeadSizes = sized(
    flag(config, 'attention_k_eq_v', false) ? optionalCount(config, 'num_global_key_value_heads', kvHeads) : kvHeads,
    count(config, 'global_head_dim', 512),
  );
  return (layer: number): HeadSizes => {
    if (byLayer === null) return sliding(layer) ? sized(kvHeads, headDim) : full;
    // The reference writes the numbers of layers with zeros in front, so that all are as long.
    const own = Object.entries(byLayer.values).find(([name]) => Number(name) === layer)?.[1];
    if (own === undefined) return sized(kvHeads, headDim);
    const from = options(own, `per_layer_config.${layer}`);
    const unknown = Object.keys(isRecord(own) ? own : {}).find((name) => name !== 'head_dim' && name !== 'num_key_value_heads');
    if (unknown !== undefined) refuse(from, unknown, msg`is set, which is not supported`);
    const found = sized(count(from, 'num_key_value_heads', kvHeads), count(from, 'head_dim', headDim));
    if (heads % found.kvHeads !== 0) refuse(from, 'num_key_value_heads', msg`is ${found.kvHeads}, which does not divide ${heads} heads`);
    return found;
  };

  function sized(count: number, width: number): HeadSizes {
    return { kvHeads: count, headDim: width, valueDim: width };
  }
}

function ropesOf(config: Options, sizes: Sizes, headSizes: (layer: number) => HeadSizes, sliding: (layer: number) => boolean) {
  const given = value(config, 'rope_parameters') ?? null;
  const from = given === null ? { ...config, values: { ...config.values, rope_parameters: ROPES } } : config;
  const named = options(given ?? ROPES, 'rope_parameters');
  for (const kind of ['full_attention', 'sliding_attention']) if (value(named, kind) === undefined) refuse(named, kind, msg`is missing`);
  const widthOf = (isSliding: boolean): number => {
    const widths = new Set(
      Array.from({ length: sizes.layers }, (_, layer) => layer).flatMap((layer) =>
        sliding(layer) === isSliding ? [headSizes(layer).headDim] : [],
      ),
    );
    if (widths.size > 1) refuse(config, 'per_layer_config', msg`has heads of several sizes in layers of one kind, which share a rope`);
    return [...widths][0] ?? sizes.headDim;
  };
  const defaults = { full: 1_000_000, sliding: 10_000, slidingOption: null };
  return {
    full: ropesByKind(from, { ...sizes, headDim: widthOf(false) }, defaults).full,
    sliding: ropesByKind(from, { ...sizes, headDim: widthOf(true) }, defaults).sliding,
  };
}

function behindMlp(
  tensors: Tensors,
  { at }: Place,
  sizes: Sizes,
  inputs: PerLayerInputs | null,
  epsilon: number,
): Pick<Block, 'perLayer' | 'outputScale'> {
  const scale = `${at}.layer_scalar`;
  return {
    perLayer: inputs === null ? null : perLayerStep(tensors, at, sizes, inputs, epsilon),
    outputScale: tensors.has(scale) ? tensors.weight(scale, [1]) : null,
  };
}
