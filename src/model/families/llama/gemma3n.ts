import { normalQuantile } from '../../../core/probability.ts';
import { msg } from '../../../core/translatable.ts';
import { count, flag, list, numberOrNull, options, positive, refuse, value, type Options } from '../config.ts';
import { slidingLayers, windowOption, windowsOf } from '../layers.ts';
import type { AltUp, Attention, DecoderSpec, Laurel, Linear, Mlp, Projections, Streams } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { attentionBias, gatedMlp, llamaLike, readSizes, rmsEpsilon, type Place, type Sizes } from './base.ts';
import { sandwich } from './gemma.ts';
import { perLayerInputs, perLayerStep, sourcesOf } from './gemmaParts.ts';
import { ropesByKind } from './ropesByKind.ts';

const DEFAULTS = {
  dim: 2048,
  inner: 16_384,
  layers: 35,
  heads: 8,
  kvHeads: 2,
  headDim: 256,
  ownHeadDim: true,
  vocab: 262_400,
  positions: 32_768,
  activation: 'gelu_pytorch_tanh',
  activationOption: 'hidden_activation',
  tied: true,
} as const;
/** Layers that read keys and values of earlier ones, where config.json does not say. */
const SHARED = 15;
/** The first layers' share of gates that are 0, where config.json does not say and there are more layers. */
const SPARSE = { layers: 10, share: 0.95 } as const;
/** The first ids that vision and audio towers read instead, where config.json does not say. */
const OFFSETS = { vision_config: 262_144, audio_config: 262_272 } as const;

/**
 * Gemma 3n: several residual streams, of which layers read one, predict all and correct all (AltUp); a second, narrow way beside attention
 * (LAuReL); per-layer embeddings; the last layers read keys and values of an earlier one; sparse gates in some MLPs.
 */
export function gemma3n(config: Options, tensors: Tensors, whole: Options | null): DecoderSpec {
  const { sizes, innerOf } = sizesOf(config);
  const { dim, heads, kvHeads, headDim, layers, activation } = sizes;
  if (dim % heads !== 0) refuse(config, 'hidden_size', msg`is ${dim}, which ${heads} heads do not divide`);
  const epsilon = rmsEpsilon(config);
  const sliding = slidingLayers(config, layers, (layer) => (layer + 1) % 5 !== 0);
  const source = sourcesOf(config, layers, sliding, SHARED);
  const biases = attentionBias(config);
  const ropes = ropesByKind(config, sizes, { full: 1_000_000, sliding: 10_000, slidingOption: 'rope_local_base_freq' });
  const deviations = deviationsOf(config, layers);
  const width = count(config, 'hidden_size_per_layer_input', 256);
  const beyond = { refused: whole === null ? count(config, 'vocab_size_per_layer_input', 262_144) : firstForeign(whole) };
  const inputs = perLayerInputs(config, tensors, sizes, { width, epsilon, beyond });
  const streams = streamsOf(config, tensors, sizes);
  const attention = ({ layer, attention: at }: Place): Partial<Attention> => {
    const linear = (name: string, output: number): Linear => tensors.linear(`${at}.${name}_proj`, dim, output, biases.qkv);
    const norm = (name: string) => ({ kind: 'heads', norm: tensors.rms(`${at}.${name}`, headDim, epsilon) }) as const;
    const from = source(layer);
    const q = linear('q', heads * headDim);
    const own = from === layer;
    const projections: Projections = own
      ? { kind: 'separate', q, k: linear('k', kvHeads * headDim), v: linear('v', kvHeads * headDim) }
      : { kind: 'queryAlone', q, source: from };
    return {
      projections,
      queryKeyNorm: { query: norm('q_norm'), key: own ? norm('k_norm') : null, when: 'beforeRope' },
      valueNorm: own ? { kind: 'rms', width: headDim, weight: null, offset: 0, bias: null, epsilon } : null,
    };
  };
  const mlp = ({ layer, mlp: at }: Place): Mlp => {
    const dense = gatedMlp(tensors, at, dim, innerOf(layer), activation);
    const own = deviations(layer);
    return dense.kind !== 'gated' || own === null ? dense : { ...dense, deviations: own };
  };
  return llamaLike(config, tensors, sizes, epsilon, {
    norms: sandwich,
    biases,
    scale: 1,
    windows: windowsOf(config, sliding, windowOption(config, 512)),
    ropes: (layer) => (sliding(layer) ? ropes.sliding : ropes.full),
    attention,
    mlp,
    block: ({ at }) => ({
      laurel: laurelOf(config, tensors, at, dim, epsilon),
      altUp: altUpOf(config, tensors, at, { dim, count: streams.count, epsilon }),
      perLayer: perLayerStep(tensors, at, sizes, inputs, epsilon),
    }),
    decoder: {
      embeddingScale: Math.fround(Math.sqrt(dim)),
      perLayerInputs: inputs,
      streams,
      logitCap: numberOrNull(config, 'final_logit_softcapping', 30) === null ? null : positive(config, 'final_logit_softcapping', 30),
    },
  });
}

/** The sizes, and the neurons of each layer: `intermediate_size` may be a list. */
function sizesOf(config: Options): { readonly sizes: Sizes; readonly innerOf: (layer: number) => number } {
  if (!Array.isArray(value(config, 'intermediate_size'))) {
    const sizes = readSizes(config, DEFAULTS);
    return { sizes, innerOf: () => sizes.inner };
  }
  const { intermediate_size: listed, ...values } = config.values;
  const sizes = readSizes({ ...config, values }, DEFAULTS);
  const isWhole = (item: unknown): item is number => typeof item === 'number' && Number.isSafeInteger(item) && item > 0;
  const all = list({ ...config, values: { intermediate_size: listed } }, 'intermediate_size', sizes.layers, isWhole, msg`whole numbers`);
  return { sizes, innerOf: (layer) => all?.[layer] ?? sizes.inner };
}

/** By layer, how many standard deviations above the mean a gate has to be; null: it counts whatever it is. */
function deviationsOf(config: Options, layers: number): (layer: number) => number | null {
  const isShare = (item: unknown): item is number => typeof item === 'number' && item >= 0 && item < 1;
  const shares = list(config, 'activation_sparsity_pattern', layers, isShare, msg`shares from 0 to below 1`);
  return (layer) => {
    const absent = layers > SPARSE.layers && layer < SPARSE.layers ? SPARSE.share : 0;
    const share = Math.fround(shares?.[layer] ?? absent);
    return share > 0 ? normalQuantile(share) : null;
  };
}

function streamsOf(config: Options, tensors: Tensors, { dim }: Sizes): Streams {
  const streams = count(config, 'altup_num_inputs', 4, 2);
  const active = count(config, 'altup_active_idx', 0, 0);
  if (active >= streams) refuse(config, 'altup_active_idx', msg`is ${active}, of ${streams} streams`);
  const prefix = tensors.has('embed_tokens.weight') ? '' : 'model.';
  const matrices = (name: string): readonly Linear[] =>
    Array.from({ length: streams - 1 }, (_, index) => tensors.linear(`${prefix}${name}.${index}`, dim, dim, false));
  return { count: streams, active, projections: matrices('altup_projections'), unembedProjections: matrices('altup_unembed_projections') };
}

function altUpOf(
  config: Options,
  tensors: Tensors,
  layer: string,
  { dim, count: streams, epsilon }: { readonly dim: number; readonly count: number; readonly epsilon: number },
): AltUp {
  const at = `${layer}.altup`;
  return {
    norm: tensors.rms(`${at}.router_norm`, dim, epsilon),
    router: tensors.linear(`${at}.modality_router`, dim, streams, false),
    prediction: tensors.linear(`${at}.prediction_coefs`, streams, streams * streams, false),
    correction: tensors.linear(`${at}.correction_coefs`, streams, streams, false),
    outputScale: flag(config, 'altup_correct_scale', true) ? tensors.weight(`${at}.correct_output_scale`, [dim]) : null,
  };
}

function laurelOf(config: Options, tensors: Tensors, layer: string, dim: number, epsilon: number): Laurel {
  const rank = count(config, 'laurel_rank', 64);
  return {
    down: tensors.linear(`${layer}.laurel.linear_left`, dim, rank, false),
    up: tensors.linear(`${layer}.laurel.linear_right`, rank, dim, false),
    norm: tensors.rms(`${layer}.laurel.post_laurel_norm`, dim, epsilon),
  };
}

/** The first id that a tower of the whole model reads in place of the text part. */
function firstForeign(whole: Options): number {
  const offsets = Object.entries(OFFSETS).map(([name, absent]) => {
    const tower = value(whole, name) ?? null;
    return tower === null ? absent : count(options(tower, name), 'vocab_offset', absent, 0);
  });
  return Math.min(...offsets);
}
