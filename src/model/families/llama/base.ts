import type { Activation } from '../../../core/activationFunctions.ts';
import type { KeyWindow } from '../../../core/keyWindow.ts';
import { msg } from '../../../core/translatable.ts';
import { activationNamed } from '../activationNames.ts';
import { attentionsOf } from '../mixers.ts';
import { count, flag, optionalCount, positive, refuse, text, value, type Options } from '../config.ts';
import { readRope, ropeContext, type Rope, type RopeStyle } from '../rope.ts';
import {
  preNorm,
  PLAIN_ATTENTION,
  PLAIN_BLOCK,
  PLAIN_DECODER,
  type Attention,
  type Block,
  type DecoderSpec,
  type DenseMlp,
  type Mlp,
  type Norm,
  type Recurrence,
} from '../spec.ts';
import { embeddingPair, type Tensors } from '../tensors.ts';

/**
 * Default sizes of a family that uses Llama's option names. null: as many as heads, or the model's width divided by the heads.
 */
export interface Defaults {
  readonly dim: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number | null;
  readonly headDim?: number;
  /** Whether `head_dim` may differ from the model's width divided by the heads. */
  readonly ownHeadDim?: boolean;
  readonly vocab: number;
  readonly positions: number;
  readonly activation?: string;
  /** Default: "hidden_act". */
  readonly activationOption?: string;
  readonly tied?: boolean;
}

/** Sizes of a model. */
export interface Sizes {
  readonly dim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly inner: number;
  readonly layers: number;
  readonly vocab: number;
  readonly maxPositions: number;
  readonly activation: Activation;
  readonly tied: boolean;
}

/** Reads the sizes from config.json. */
export function readSizes(config: Options, defaults: Defaults): Sizes {
  const dim = count(config, 'hidden_size', defaults.dim);
  const heads = count(config, 'num_attention_heads', defaults.heads);
  const kvHeads = optionalCount(
    config,
    'num_key_value_heads',
    value(config, 'num_key_value_heads') === null ? heads : (defaults.kvHeads ?? heads),
  );
  const headDim = optionalCount(
    config,
    'head_dim',
    defaults.headDim !== undefined && value(config, 'head_dim') === undefined ? defaults.headDim : Math.floor(dim / heads),
  );
  const activationOption = defaults.activationOption ?? 'hidden_act';
  const named =
    typeof value(config, 'head_dim') === 'number' || (value(config, 'head_dim') === undefined && defaults.headDim !== undefined);
  if (dim % heads !== 0 && !(defaults.ownHeadDim === true && named))
    refuse(config, 'hidden_size', msg`is ${dim}, which ${heads} heads do not divide`);
  if (heads % kvHeads !== 0) refuse(config, 'num_key_value_heads', msg`is ${kvHeads}, which does not divide ${heads} heads`);
  return {
    dim,
    heads,
    kvHeads,
    headDim,
    inner: count(config, 'intermediate_size', defaults.inner),
    layers: count(config, 'num_hidden_layers', defaults.layers),
    vocab: count(config, 'vocab_size', defaults.vocab),
    maxPositions: count(config, 'max_position_embeddings', defaults.positions),
    activation: activationNamed(text(config, activationOption, defaults.activation ?? 'silu'), activationOption),
    tied: flag(config, 'tie_word_embeddings', defaults.tied ?? false),
  };
}

/** A layer, and the prefixes of its tensors' names. */
export interface Place {
  readonly layer: number;
  /** Prefix of the layer: "model.layers.0". */
  readonly at: string;
  /** Prefix of attention: "model.layers.0.self_attn". */
  readonly attention: string;
  /** Prefix of the MLP: "model.layers.0.mlp". */
  readonly mlp: string;
}

/** Differences of a family from Llama. */
export interface Differences {
  /** Default: RMSNorm with a weight. */
  readonly norm?: (name: string, width: number) => Norm;
  /** Default: a norm before attention and one before the MLP. */
  readonly norms?: (place: Place, norm: (name: string) => Norm) => Pick<Block, 'attentionNorms' | 'mlpNorms'>;
  readonly wiring?: Block['wiring'];
  readonly biases?: { readonly qkv: boolean; readonly output: boolean; readonly mlp: boolean };
  readonly attention?: (place: Place) => Partial<Attention>;
  /** What a layer has in place of attention; null: it has attention. */
  readonly recurrence?: (place: Place) => Recurrence | null;
  /** Name of attention's output matrix; default "o_proj". */
  readonly outputName?: string;
  readonly rope?: RopeStyle;
  /** The rope of a layer, null for none; default: the same for all. */
  readonly ropes?: (layer: number) => Rope | null;
  readonly windows?: (layer: number) => KeyWindow;
  readonly scale?: number;
  readonly mlp?: (place: Place) => Mlp;
  /** What of a block is neither attention nor MLP. */
  /** Names of the norms before attention and MLP. */
  readonly normNames?: readonly [attention: string, mlp: string];
  readonly block?: (place: Place) => Partial<Pick<Block, 'perLayer' | 'outputScale' | 'laurel' | 'altUp'>>;
  readonly finalNorm?: string;
  readonly unembedBias?: boolean;
  readonly decoder?: Partial<DecoderSpec>;
}

/**
 * A decoder with Llama's layout: gated MLP, rotary positions, `model.layers.0.self_attn.q_proj` and so on.
 * Files saved from the bare decoder have no prefix "model.".
 */
export function llamaLike(config: Options, tensors: Tensors, sizes: Sizes, epsilon: number, differences: Differences = {}): DecoderSpec {
  const { dim, heads, kvHeads, headDim, inner, layers, vocab, maxPositions, activation } = sizes;
  const { biases = { qkv: false, output: false, mlp: false }, finalNorm = 'norm', wiring = 'sequential' } = differences;
  const prefix = tensors.has('embed_tokens.weight') || tensors.has('layers.0.input_layernorm.weight') ? '' : 'model.';
  const norm = differences.norm ?? ((name: string, width: number): Norm => tensors.rms(name, width, epsilon));
  const ofStream = (name: string): Norm => norm(name, dim);
  const { embedding, unembed } = embeddingPair(tensors, `${prefix}embed_tokens.weight`, 'lm_head.weight', vocab, dim, sizes.tied);
  const shared = differences.ropes === undefined ? readRope(config, headDim, maxPositions, differences.rope) : null;
  const blocks: Block[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const at = `${prefix}layers.${layer}`;
    const place: Place = { layer, at, attention: `${at}.self_attn`, mlp: `${at}.mlp` };
    const norms = differences.norms?.(place, ofStream) ?? preNorms(place, ofStream, differences.normNames);
    const mlp = differences.mlp?.(place) ?? gatedMlp(tensors, place.mlp, dim, inner, activation, biases.mlp);
    const recurrence = differences.recurrence?.(place) ?? null;
    if (recurrence !== null) {
      blocks.push({ ...PLAIN_BLOCK, ...norms, wiring, attention: recurrence, mlp });
      continue;
    }
    const special = differences.attention?.(place) ?? {};
    const projection = (name: string, output: number) => tensors.linear(`${place.attention}.${name}_proj`, dim, output, biases.qkv);
    blocks.push({
      ...PLAIN_BLOCK,
      ...norms,
      wiring,
      ...differences.block?.(place),
      attention: {
        ...PLAIN_ATTENTION,
        scale: differences.scale ?? headDim ** -0.5,
        rope: differences.ropes === undefined ? shared : differences.ropes(layer),
        window: differences.windows?.(layer) ?? null,
        projections: special.projections ?? {
          kind: 'separate',
          q: projection('q', heads * headDim),
          k: projection('k', kvHeads * headDim),
          v: projection('v', kvHeads * headDim),
        },
        output:
          special.output ?? tensors.linear(`${place.attention}.${differences.outputName ?? 'o_proj'}`, heads * headDim, dim, biases.output),
        ...special,
      },
      mlp,
    });
  }
  const rope = attentionsOf(blocks).find((attention) => attention.rope !== null)?.rope ?? null;
  return {
    ...PLAIN_DECODER,
    heads,
    kvHeads,
    headDim,
    valueDim: headDim,
    dim,
    vocab,
    embedding,
    blocks,
    contextLength: ropeContext(rope, maxPositions),
    positions: { kind: rope === null ? 'none' : 'rotary' },
    finalNorm: ofStream(`${prefix}${finalNorm}`),
    unembed: differences.unembedBias === true ? { ...unembed, bias: tensors.weight('lm_head.bias', [vocab]) } : unembed,
    ...differences.decoder,
  };
}

function preNorms(
  { at }: Place,
  norm: (name: string) => Norm,
  [attention, mlp]: NonNullable<Differences['normNames']> = ['input_layernorm', 'post_attention_layernorm'],
): Pick<Block, 'attentionNorms' | 'mlpNorms'> {
  return { attentionNorms: preNorm(norm(`${at}.${attention}`)), mlpNorms: preNorm(norm(`${at}.${mlp}`)) };
}

/** Post-norms of the sublayers only (OLMo 2, section 3.2). */
export function postNorms({ at }: Place, norm: (name: string) => Norm): Pick<Block, 'attentionNorms' | 'mlpNorms'> {
  return {
    attentionNorms: { pre: null, post: norm(`${at}.post_attention_layernorm`), stream: null },
    mlpNorms: { pre: null, post: norm(`${at}.post_feedforward_layernorm`), stream: null },
  };
}

/** One norm that attention and MLP share, for parallel blocks. */
export function sharedNorm({ at }: Place, norm: (name: string) => Norm): Pick<Block, 'attentionNorms' | 'mlpNorms'> {
  const norms = preNorm(norm(`${at}.input_layernorm`));
  return { attentionNorms: norms, mlpNorms: norms };
}

/** A gated MLP with Llama's names. */
export function gatedMlp(tensors: Tensors, at: string, dim: number, inner: number, activation: Activation, bias = false): DenseMlp {
  return {
    kind: 'gated',
    activation,
    gate: tensors.linear(`${at}.gate_proj`, dim, inner, bias),
    up: tensors.linear(`${at}.up_proj`, dim, inner, bias),
    down: tensors.linear(`${at}.down_proj`, inner, dim, bias),
  };
}

/** An MLP without a gate. */
export function plainMlp(
  tensors: Tensors,
  up: string,
  down: string,
  dim: number,
  inner: number,
  activation: Activation,
  bias: boolean,
): DenseMlp {
  return { kind: 'plain', activation, up: tensors.linear(up, dim, inner, bias), down: tensors.linear(down, inner, dim, bias) };
}

/** RMSNorm of queries and keys, shared by all heads (Henry et al. 2020), with these names under the attention's prefix. */
export function headNorms(
  tensors: Tensors,
  attention: string,
  headDim: number,
  epsilon: number,
  names: readonly [query: string, key: string] = ['q_norm', 'k_norm'],
  offset: 0 | 1 = 0,
): Pick<Attention, 'queryKeyNorm'> {
  const norm = (name: string) => ({ kind: 'heads', norm: tensors.rms(`${attention}.${name}`, headDim, epsilon, offset) }) as const;
  return { queryKeyNorm: { query: norm(names[0]), key: norm(names[1]), when: 'beforeRope' } };
}

/** RMSNorm of all heads' queries, and of all heads' keys, together. */
export function joinedNorms(
  tensors: Tensors,
  attention: string,
  { heads, kvHeads, headDim }: Sizes,
  epsilon: number,
): Pick<Attention, 'queryKeyNorm'> {
  const norm = (name: string, width: number) => ({ kind: 'joined', norm: tensors.rms(`${attention}.${name}`, width, epsilon) }) as const;
  return { queryKeyNorm: { query: norm('q_norm', heads * headDim), key: norm('k_norm', kvHeads * headDim), when: 'beforeRope' } };
}

/** The option `rms_norm_eps`. */
export function rmsEpsilon(config: Options, absent = 1e-6): number {
  return positive(config, 'rms_norm_eps', absent);
}

/** The option `attention_bias`: for queries, keys and values, and with `output` for the output matrix too. */
export function attentionBias(config: Options, absent = false, output = true, mlp = false): NonNullable<Differences['biases']> {
  const bias = flag(config, 'attention_bias', absent);
  return { qkv: bias, output: output && bias, mlp };
}
