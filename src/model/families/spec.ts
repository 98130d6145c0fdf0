import type { Activation } from '../../core/activations.ts';
import type { QuantizedMatrix } from '../formats/quantized.ts';
import type { StoredTensor } from '../formats/safetensors.ts';
import type { WeightType } from '../formats/widen.ts';
import type { Alibi } from './alibi.ts';
import type { Rope } from './rope.ts';

// A decoder as a declaration: what the graph builder reads, and all that a family file states.

/** A stored tensor, or one slice of its first axis, of a type that weights may have, its shape checked. */
export interface Weight extends StoredTensor {
  readonly dtype: WeightType;
  /** What the runtime multiplies with instead. */
  readonly kept?: QuantizedMatrix;
}

/** y = norm(x) * (weight + offset) (+ bias), over the last axis. `layer`: Ba et al. 2016; `rms`: Zhang and Sennrich 2019. */
export interface Norm {
  readonly kind: 'layer' | 'rms';
  /** Numbers normalised together. */
  readonly width: number;
  /** [width]; null: all 1. */
  readonly weight: Weight | null;
  /** 1 where the files hold how far the weight is from 1. */
  readonly offset: 0 | 1;
  /** [width] */
  readonly bias: Weight | null;
  readonly epsilon: number;
}

/** y = x W (+ bias). `out-in`: stored [out, in], as PyTorch's Linear; `in-out`: stored [in, out], as GPT-2's Conv1D. */
export interface Linear {
  readonly weight: Weight;
  readonly layout: 'out-in' | 'in-out';
  readonly bias: Weight | null;
}

/** The outputs of one matrix for queries, keys and values: `groups` times the group's queries, keys and values in `order`. */
export interface FusedLayout {
  readonly groups: number;
  readonly order: 'qkv' | 'qvk';
}

/** Latent attention (DeepSeek-AI 2024, section 2.1): keys and values of all heads are made from `rank` numbers a token, the rotated part of the key is shared. */
export interface LatentProjections {
  readonly kind: 'latent';
  /** Straight from x, or through a narrow normed vector. */
  readonly query: Linear | { readonly down: Linear; readonly norm: Norm; readonly up: Linear };
  /** Outputs `rank` compressed numbers, then the rotated part of the key. */
  readonly down: Linear;
  readonly norm: Norm;
  /** Per head: the unrotated part of the key, then the value. */
  readonly up: Linear;
  readonly rank: number;
  /** Unrotated and rotated numbers of a query or key. */
  readonly plain: number;
  readonly rotated: number;
}

/** How queries, keys and values are made from the normed residual. */
export type Projections =
  | { readonly kind: 'fused'; readonly qkv: Linear; readonly layout: FusedLayout }
  | { readonly kind: 'separate'; readonly q: Linear; readonly k: Linear; readonly v: Linear }
  | LatentProjections;

/**
 * A norm of queries or keys. `joined`: over all heads before they are split; `heads`: the same for each head;
 * `perHead`: with weights [headDim] of each head's own, as one matrix or many vectors.
 */
export type HeadNorm =
  | { readonly kind: 'joined' | 'heads'; readonly norm: Norm }
  | { readonly kind: 'perHead'; readonly norm: Norm; readonly weights: readonly Weight[] };

export interface QueryKeyNorm {
  readonly query: HeadNorm;
  readonly key: HeadNorm;
  readonly when: 'beforeRope' | 'afterRope';
}

export interface Attention {
  readonly projections: Projections;
  /** Queries, keys and values are kept within this of 0. */
  readonly clip: number | null;
  readonly queryKeyNorm: QueryKeyNorm | null;
  /** null: queries and keys are not turned. */
  readonly rope: Rope | null;
  /** What q . k is multiplied by before the softmax. */
  readonly scale: number;
  /** A query sees this many keys, its own the last; null: all before it. */
  readonly window: number | null;
  /** [heads] a score of no token that takes its share of the softmax (Xiao et al. 2023). */
  readonly sinks: Weight | null;
  readonly output: Linear;
}

/** `plain`: down(act(up(x))); `gated`: down(act(gate(x)) * up(x)) (Shazeer 2020); `gatedFused`: gate and up are one matrix, gate first. */
export type DenseMlp =
  | { readonly kind: 'plain'; readonly up: Linear; readonly down: Linear; readonly activation: Activation }
  | { readonly kind: 'gated'; readonly gate: Linear; readonly up: Linear; readonly down: Linear; readonly activation: Activation }
  | { readonly kind: 'gatedFused'; readonly gateUp: Linear; readonly down: Linear; readonly activation: Activation }
  /** GPT-OSS: gate and up alternate; down((up + 1) * gate * sigmoid(1.702 gate)), with gate up to `limit` and up within it. */
  | { readonly kind: 'clamped'; readonly gateUp: Linear; readonly down: Linear; readonly limit: number };

/** A layer that sends each token to some of its experts (Shazeer et al. 2017). */
export interface Experts {
  readonly kind: 'experts';
  readonly router: Linear;
  readonly experts: readonly DenseMlp[];
  /** Experts per token. */
  readonly chosen: number;
  /** Router logits to weights: over all experts, each by itself, or over the chosen ones alone. */
  readonly score: 'softmax' | 'sigmoid' | 'softmaxOfChosen';
  /** [experts] added to the scores for choosing only. */
  readonly correction: Weight | null;
  /** Only experts of the `kept` best of `count` groups may be chosen; a group is as good as its best expert or its best two. */
  readonly groups: { readonly count: number; readonly kept: number; readonly by: 'best' | 'bestTwo' } | null;
  /** The chosen weights are divided by their sum. */
  readonly normalised: boolean;
  /** The weights are multiplied by this. */
  readonly scale: number;
  /** Runs for every token; `gate` weighs it by a sigmoid. */
  readonly shared: { readonly mlp: DenseMlp; readonly gate: Linear | null } | null;
}

export type Mlp = DenseMlp | Experts;

/** The norms around one sublayer: x' = after(x + behind(sublayer(before(x)))). */
export interface Norms {
  readonly before: Norm | null;
  readonly behind: Norm | null;
  readonly after: Norm | null;
}

export interface Block {
  readonly attentionNorms: Norms;
  readonly attention: Attention;
  readonly mlpNorms: Norms;
  readonly mlp: Mlp;
  /** `sequential`: the MLP reads what attention has added to; `parallel`: both read the block's input (Wang and Komatsuzaki 2021). */
  readonly wiring: 'sequential' | 'parallel';
  /** What a sublayer's output is added to: the residual stream, or the stream after the sublayer's norm. */
  readonly addTo: 'stream' | 'normed';
}

/**
 * What of positions lies outside the layers. `learned`: rows of `table` from `offset` on are added to the embedding;
 * `sinusoidal`: sines then cosines of Vaswani et al. 2017 from position `offset` on, zeros at position `zeros`;
 * `alibi`: a bias on the scores (Press et al. 2021); `rotary`: each layer's own `rope`; `none`: the causal mask alone.
 */
export type Positions =
  | { readonly kind: 'learned'; readonly table: Weight; readonly offset: number }
  | { readonly kind: 'sinusoidal'; readonly offset: number; readonly zeros: number | null }
  | { readonly kind: 'alibi'; readonly alibi: Alibi }
  | { readonly kind: 'rotary' }
  | { readonly kind: 'none' };

export interface DecoderSpec {
  readonly heads: number;
  /** Divides `heads`. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Numbers of one head's value; the same as of its key but with latent attention. */
  readonly valueDim: number;
  /** D, the width of the residual stream. */
  readonly dim: number;
  readonly vocab: number;
  /** Tokens the model was made to read at once. */
  readonly contextLength: number;
  /** [vocab, D], or [vocab, E] where `embeddingProjection` widens it. */
  readonly embedding: Weight;
  readonly embeddingScale: number;
  readonly embeddingProjection: Linear | null;
  readonly embeddingNorm: Norm | null;
  readonly positions: Positions;
  readonly blocks: readonly Block[];
  /** What each sublayer adds is multiplied by this. */
  readonly residualScale: number;
  /** Scores and logits are squeezed to within this of 0: cap * tanh(x / cap). */
  readonly scoreCap: number | null;
  readonly logitCap: number | null;
  readonly finalNorm: Norm | null;
  readonly finalProjection: Linear | null;
  /** [vocab, D]; the embedding itself where the two are tied. */
  readonly unembed: Linear;
  /** Logits are multiplied by this, before `logitCap`. */
  readonly logitScale: number;
}

/** Attention as most have it; a family states the rest. */
export const PLAIN_ATTENTION = { clip: null, queryKeyNorm: null, rope: null, window: null, sinks: null } as const satisfies Partial<Attention>;

/** A block that normalises what its sublayers read, one after the other. */
export const PLAIN_BLOCK = { wiring: 'sequential', addTo: 'stream' } as const satisfies Partial<Block>;

/** A decoder without multipliers, caps and projections around its blocks. */
export const PLAIN_DECODER = {
  embeddingScale: 1, embeddingProjection: null, embeddingNorm: null, residualScale: 1, scoreCap: null, logitCap: null, finalProjection: null, logitScale: 1,
} as const satisfies Partial<DecoderSpec>;

/** The norm of what a sublayer reads, and no other. */
export function before(norm: Norm | null): Norms {
  return { before: norm, behind: null, after: null };
}
