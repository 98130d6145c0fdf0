import { msg } from '../../../core/translatable.ts';
import { flag, list, number, optionalCount, positive, refuse, value, type Options } from '../config.ts';
import { preNorm, type DecoderSpec, type DenseMlp, type Recurrence } from '../spec.ts';
import type { Tensors } from '../tensors.ts';
import { headNorms, llamaLike, readSizes, type Differences, type Place, type Sizes } from './base.ts';

/** LFM2 (Liquid AI 2025): most layers are short convolutions, a few attention with queries and keys normalised per head. */
export function lfm2(config: Options, tensors: Tensors): DecoderSpec {
  const { sizes, epsilon } = lfm2Sizes(config, 2560, 12_288);
  const inner = innerOf(config, optionalCount(config, 'block_ff_dim', sizes.inner));
  return llamaLike(config, tensors, sizes, epsilon, {
    ...lfm2Differences(config, tensors, sizes, epsilon),
    mlp: ({ at }) => lfm2Mlp(tensors, `${at}.feed_forward`, sizes, inner),
  });
}

/** Sizes by LFM2's names, the older ones too. */
export function lfm2Sizes(config: Options, dim: number, inner: number): { readonly sizes: Sizes; readonly epsilon: number } {
  const sizes = readSizes(config, { dim, inner, layers: 32, heads: 32, kvHeads: 8, vocab: 65_536, positions: 128_000, tied: true });
  const tied = value(config, 'tie_embedding') === undefined ? sizes.tied : flag(config, 'tie_embedding', true);
  return { sizes: { ...sizes, tied, activation: 'silu' }, epsilon: positive(config, 'norm_eps', 1e-5) };
}

/** Differences of LFM2 from Llama, with and without experts. */
export function lfm2Differences(config: Options, tensors: Tensors, { dim, headDim, layers }: Sizes, epsilon: number): Differences {
  const size = optionalCount(config, 'conv_L_cache', 3);
  if (size < 2) refuse(config, 'conv_L_cache', msg`is ${size}: a convolution of at least 2 tokens is supported`);
  const bias = flag(config, 'conv_bias', false);
  const isConvolution = convolutions(config, layers);
  return {
    rope: { theta: 1_000_000 },
    finalNorm: 'embedding_norm',
    outputName: 'out_proj',
    norms: ({ at }, norm) => ({ attentionNorms: preNorm(norm(`${at}.operator_norm`)), mlpNorms: preNorm(norm(`${at}.ffn_norm`)) }),
    attention: ({ attention }) => headNorms(tensors, attention, headDim, epsilon, ['q_layernorm', 'k_layernorm']),
    recurrence: (place) => (isConvolution(place.layer) ? shortConvolution(tensors, place, { dim, size, bias }) : null),
  };
}

function shortConvolution(
  tensors: Tensors,
  { at }: Place,
  { dim, size, bias }: { readonly dim: number; readonly size: number; readonly bias: boolean },
): Recurrence {
  return {
    kind: 'shortConvolution',
    input: tensors.linear(`${at}.conv.in_proj`, dim, 3 * dim, bias),
    convolution: {
      kernel: tensors.weight(`${at}.conv.conv.weight`, [dim, 1, size]),
      channels: dim,
      size,
      bias: bias ? tensors.weight(`${at}.conv.conv.bias`, [dim]) : null,
    },
    output: tensors.linear(`${at}.conv.out_proj`, dim, dim, bias),
  };
}

/** A gated MLP with LFM2's names. */
export function lfm2Mlp(tensors: Tensors, at: string, { dim, activation }: Sizes, inner: number): DenseMlp {
  return {
    kind: 'gated',
    activation,
    gate: tensors.linear(`${at}.w1`, dim, inner, false),
    up: tensors.linear(`${at}.w3`, dim, inner, false),
    down: tensors.linear(`${at}.w2`, inner, dim, false),
  };
}

/** Width of the MLP: with `block_auto_adjust_ff_dim` two thirds of the option, times a factor, rounded up to a multiple. */
function innerOf(config: Options, inner: number): number {
  if (!flag(config, 'block_auto_adjust_ff_dim', true)) return inner;
  const factor = value(config, 'block_ffn_dim_multiplier') === null ? null : number(config, 'block_ffn_dim_multiplier', 1);
  const reduced = Math.floor((2 * inner) / 3);
  if (factor === null) return reduced;
  const multiple = optionalCount(config, 'block_multiple_of', 256);
  return multiple * Math.floor((Math.floor(factor * reduced) + multiple - 1) / multiple);
}

const KINDS = ['conv', 'full_attention'] as const;

/** Which layers are convolutions: by `layer_types`, or the older `full_attn_idxs`, which names the others. */
function convolutions(config: Options, layers: number): (layer: number) => boolean {
  const isKind = (item: unknown): item is string => KINDS.some((kind) => kind === item);
  const kinds = list(config, 'layer_types', layers, isKind, msg`${KINDS[0]} and ${KINDS[1]}`);
  if (kinds !== null) return (layer) => kinds[layer] === 'conv';
  const isLayer = (item: unknown): item is number => typeof item === 'number' && Number.isInteger(item) && item >= 0 && item < layers;
  const full = list(config, 'full_attn_idxs', null, isLayer, msg`numbers of layers`);
  return (layer) => full !== null && !full.includes(layer);
}
