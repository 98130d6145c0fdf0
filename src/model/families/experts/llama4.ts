import { msg } from '../../../core/translatable.ts';
import { count, eitherCount, list, number, optionalCount, positive, refuse, value, type Options } from '../config.ts';
import { attentionBias, gatedMlp, llamaLike, readSizes, rmsEpsilon, type Place } from '../llama/base.ts';
import { readRope } from '../rope.ts';
import { PLAIN_EXPERTS, type Attention, type DecoderSpec, type Mlp } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { chosenExperts, gatedExperts, sharedExperts } from './expertParts.ts';

const KINDS = ['chunked_attention', 'full_attention'] as const;

/**
 * Llama 4: layers with rotary positions, norms of queries and keys behind them and attention within chunks; layers without positions, whose
 * queries grow with their position; experts whose input is scaled by their weight.
 */
export function llama4(config: Options, tensors: Tensors): DecoderSpec {
  const sizes = readSizes(config, {
    dim: 5120,
    inner: 8192,
    layers: 48,
    heads: 40,
    kvHeads: 8,
    headDim: 128,
    ownHeadDim: true,
    vocab: 202_048,
    positions: 131_072,
  });
  const { dim, inner, layers, headDim, activation } = sizes;
  const epsilon = rmsEpsilon(config, 1e-5);
  const rope = readRope(config, headDim, sizes.maxPositions, { theta: 500_000, style: 'interleaved' });
  const turned = turnedLayers(config, layers);
  const kinds = list(config, 'layer_types', layers, isKind, msg`${KINDS[0]} and ${KINDS[1]}`);
  const size = value(config, 'attention_chunk_size') === null ? null : count(config, 'attention_chunk_size', 8192);
  const chunk = size === null ? null : { chunk: size };
  const chunked = (layer: number): boolean => (kinds === null ? turned(layer) : kinds[layer] === 'chunked_attention');
  const norm = { kind: 'heads', norm: { kind: 'rms', width: headDim, weight: null, offset: 0, bias: null, epsilon } } as const;
  const queryKeyNorm = isOn(config, 'use_qk_norm') ? ({ query: norm, key: norm, when: 'afterRope' } as const) : null;
  const queryScale = isOn(config, 'attn_temperature_tuning')
    ? ({ beta: number(config, 'attn_scale', 0.1), trained: positive(config, 'floor_scale', 8192), from: 1 } as const)
    : null;
  const isSparse = sparseLayers(config, layers);
  const experts = eitherCount(config, 'num_local_experts', 'num_experts', 16);
  const chosen = chosenExperts(config, experts, 1);
  const denseInner = count(config, 'intermediate_size_mlp', 16_384);
  return llamaLike(config, tensors, sizes, epsilon, {
    biases: attentionBias(config),
    ropes: (layer) => (turned(layer) ? rope : null),
    windows: (layer) => {
      if (!chunked(layer)) return null;
      return chunk ?? refuse(config, 'attention_chunk_size', msg`is missing`);
    },
    attention: ({ layer }): Partial<Attention> => (turned(layer) ? { queryKeyNorm } : { queryScale }),
    mlp: ({ layer, at }: Place): Mlp => {
      const place = `${at}.feed_forward`;
      if (!isSparse(layer)) return gatedMlp(tensors, place, dim, denseInner, activation);
      return {
        ...PLAIN_EXPERTS,
        chosen,
        score: 'sigmoid',
        scalesInput: true,
        normalised: false,
        router: tensors.linear(`${place}.router`, dim, experts, false),
        experts: gatedExperts(tensors, `${place}.experts`, experts, dim, inner, activation, undefined, 'always'),
        shared: sharedExperts(tensors, `${place}.shared_expert`, dim, inner, activation),
      };
    },
  });
}

function isKind(item: unknown): item is (typeof KINDS)[number] {
  return KINDS.some((kind) => kind === item);
}

function isWhole(item: unknown): item is number {
  return typeof item === 'number' && Number.isInteger(item);
}

/** An option that is on by default; published files have numbers for it too. */
function isOn(config: Options, name: string): boolean {
  const found = value(config, name) ?? true;
  if (typeof found !== 'boolean' && typeof found !== 'number') refuse(config, name, msg`must be true or false`);
  return found !== false && found !== 0;
}

/** Which layers have rotary positions: "no_rope_layers" is named after what 0 there means; by default all but each fourth. */
function turnedLayers(config: Options, layers: number): (layer: number) => boolean {
  const interval = count(config, 'no_rope_layer_interval', 4);
  const given = value(config, 'no_rope_layers');
  const listed = Array.isArray(given) && given.length === 0 ? null : list(config, 'no_rope_layers', layers, isWhole, msg`0 and 1`);
  return (layer) => (listed === null ? (layer + 1) % interval !== 0 : listed[layer] !== 0);
}

/** Which layers have experts: "moe_layers", or each so many. */
function sparseLayers(config: Options, layers: number): (layer: number) => boolean {
  const step = optionalCount(config, 'interleave_moe_layer_step', 1);
  const given = list(config, 'moe_layers', null, isWhole, msg`whole numbers`);
  const stray = given?.find((layer) => layer < 0 || layer >= layers);
  if (stray !== undefined) refuse(config, 'moe_layers', msg`holds ${stray}, with ${layers} layers`);
  return (layer) => (given === null ? (layer + 1) % step === 0 : given.includes(layer));
}
