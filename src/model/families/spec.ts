import type { Activation } from '../../core/activationFunctions.ts';
import type { KeyWindow } from '../../core/keyWindow.ts';
import type { QuantizedMatrix } from '../formats/quantized.ts';
import type { StoredTensor } from '../formats/storedTensor.ts';
import type { WeightType } from '../formats/widen.ts';
import type { Alibi } from './alibi.ts';
import type { Rope } from './rope.ts';

// A decoder as a declaration: family files produce it, and the graph builder reads it.

/** A stored tensor, or one slice of its first axis, with checked type and shape. */
export interface Weight extends StoredTensor {
  readonly dtype: WeightType;
  /** The quantised matrix that the runtime multiplies with instead. */
  readonly kept?: QuantizedMatrix;
  /** A factor of every number that is stored (the family's multiplier of what the weight computes). Absent: 1. */
  readonly factor?: number;
}

/** y = norm(x) * (weight + offset) (+ bias), over the last axis. `layer`: Ba et al. 2016; `rms`: Zhang and Sennrich 2019. */
export interface Norm {
  readonly kind: 'layer' | 'rms';
  /** Number of values normalised together. */
  readonly width: number;
  /** [width]; null: all 1. */
  readonly weight: Weight | null;
  /** 1 where the files hold the weight minus 1. */
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

/** Order of the outputs of a fused matrix: for each of `groups`, its queries, keys and values in `order`. */
export interface FusedLayout {
  readonly groups: number;
  readonly order: 'qkv' | 'qvk';
}

/**
 * Latent attention (DeepSeek-AI 2024, section 2.1): keys and values of all heads are computed from `rank` numbers per token; the
 * rotated part of the key is shared by all heads.
 */
export interface LatentProjections {
  readonly kind: 'latent';
  /** Query directly from x, or through a down-projected, normalised vector. */
  readonly query: Linear | { readonly down: Linear; readonly norm: Norm; readonly up: Linear };
  /** Down-projection to `rank` compressed numbers, then the part of the key to be rotated. */
  readonly down: Linear;
  readonly norm: Norm;
  /** Up-projection; per head: the unrotated part of the key, then the value. */
  readonly up: Linear;
  readonly rank: number;
  /** Unrotated and rotated numbers of a query or key. */
  readonly plain: number;
  readonly rotated: number;
}

/**
 * Matrices that compute queries, keys and values from the normed residual. `separate` without `v`: a value is what the key's matrix
 * computes, before norm and rotation. `queryAlone`: keys and values are those of layer `source`, which is of the same sizes and rope.
 */
export type Projections =
  | { readonly kind: 'fused'; readonly qkv: Linear; readonly layout: FusedLayout }
  | { readonly kind: 'separate'; readonly q: Linear; readonly k: Linear; readonly v: Linear | null }
  | { readonly kind: 'queryAlone'; readonly q: Linear; readonly source: number }
  | LatentProjections;

/**
 * A norm of queries or keys. `joined`: over all heads before they are split; `heads`: the same for each head;
 * `perHead`: with weights [headDim] of each head's own, as one matrix or many vectors.
 */
export type HeadNorm =
  | { readonly kind: 'joined' | 'heads'; readonly norm: Norm }
  | { readonly kind: 'perHead'; readonly norm: Norm; readonly weights: readonly Weight[] };

/** Norms of queries and keys. */
export interface QueryKeyNorm {
  readonly query: HeadNorm;
  /** null: only queries are normalised here, as in a layer that reads another one's keys. */
  readonly key: HeadNorm | null;
  readonly when: 'beforeRope' | 'afterRope';
}

/**
 * Factor of the queries at a position, by how often it holds the context that the model was trained with: 1 + beta ln(1 + floor((position +
 * from) / trained)).
 */
export interface QueryScale {
  readonly beta: number;
  readonly trained: number;
  /** Number of the first position: 0 or 1. */
  readonly from: 0 | 1;
}

/** How many key and value heads a layer has, and the widths of a query or key and of a value in one head. */
export interface HeadSizes {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
}

/** Softmax attention of one layer. */
export interface Attention {
  readonly kind: 'attention';
  readonly projections: Projections;
  /** Sizes of its own; null: those of the decoder. */
  readonly sizes: HeadSizes | null;
  /** Norm of each head's values; null: none. */
  readonly valueNorm: Norm | null;
  /** Queries, keys and values are clipped to this distance from 0; null: no clipping. */
  readonly clip: number | null;
  readonly queryKeyNorm: QueryKeyNorm | null;
  /** Rotary positions; null: queries and keys are not rotated. */
  readonly rope: Rope | null;
  /** Factor of the queries by their position, after the rotation; null: none. The same in every layer that has one. */
  readonly queryScale: QueryScale | null;
  /** Factor of q . k before the softmax. */
  readonly scale: number;
  /** Which keys a query sees: a sliding window's, its chunk's, or null: all up to its own. */
  readonly window: KeyWindow;
  /** [heads] scores of attention sinks, which take part in the softmax (Xiao et al. 2023). */
  readonly sinks: Weight | null;
  /**
   * What computes the gates by whose sigmoid each head's output is multiplied (Qwen3-Next, 2025): a matrix of their own
   * [heads * valueDim, D], or `behindQueries`: the query matrix, which has for each head its query, then its gate; null: heads have none.
   */
  readonly gates: Linear | 'behindQueries' | null;
  readonly output: Linear;
  /** What runs beside attention: it reads the same, and what it puts out is added to what attention puts out. null: nothing. */
  readonly beside: Mamba | null;
}

/** A causal convolution along the text, each channel by itself: y[t] = sum of kernel[j] x[t - size + 1 + j] (+ bias). */
export interface Convolution {
  /** [channels, 1, size] */
  readonly kernel: Weight;
  readonly channels: number;
  /** Tokens that an output reads, its own included; at least 2. */
  readonly size: number;
  /** [channels] */
  readonly bias: Weight | null;
}

/** A short convolution between two gates (LFM2, Liquid AI 2025): y = output(c * convolution(b * x)), where `input` computes b, c and x. */
export interface ShortConvolution {
  readonly kind: 'shortConvolution';
  /** [3 D, D] */
  readonly input: Linear;
  readonly convolution: Convolution;
  readonly output: Linear;
}

/**
 * A gated delta net (Yang, Kautz and Hatamizadeh 2024): each head keeps a matrix S [keyDim, valueDim], which holds values by their keys;
 * a token lets it decay, then moves what it holds under the token's key towards the token's value, and reads it with its query.
 */
export interface DeltaNet {
  readonly kind: 'deltaNet';
  /** `grouped`: for each key head its queries, keys, values and gates, and the strengths and decays of its value heads. */
  readonly projections:
    | { readonly kind: 'separate'; readonly qkv: Linear; readonly gate: Linear; readonly strength: Linear; readonly decay: Linear }
    | { readonly kind: 'grouped'; readonly all: Linear; readonly rates: Linear };
  readonly keyHeads: number;
  /** A multiple of `keyHeads`. */
  readonly valueHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** Of queries, keys and values, with a SiLU behind it. */
  readonly convolution: Convolution;
  /** [valueHeads] natural log of the decay's rate, and what is added to its step. */
  readonly rateLog: Weight;
  readonly stepBias: Weight;
  /** Of each head's output, before the gate. */
  readonly norm: Norm;
  readonly output: Linear;
}

/**
 * Mamba 2 (Dao and Gu 2024): each head keeps a matrix S [stateDim, headDim], which decays at a token's own pace before the token's numbers
 * x, times the length dt of its step, are added under its key B; its query C reads it: y = S^T C + skip x.
 */
export interface Mamba {
  readonly kind: 'mamba';
  readonly heads: number;
  readonly headDim: number;
  /** Groups of heads that share keys and queries; divides `heads`. */
  readonly groups: number;
  readonly stateDim: number;
  /** To the gate [heads * headDim], x [heads * headDim], B and C [groups * stateDim] each, and dt [heads]. */
  readonly input: Linear;
  /** Factors of the five; null: all 1. */
  readonly inputFactors: readonly [gate: number, x: number, B: number, C: number, dt: number] | null;
  /** Of x, B and C, with a SiLU behind it. */
  readonly convolution: Convolution;
  /** [heads] natural log of the decay's rate, what is added to dt before its softplus, and the factor of x in the output. */
  readonly rateLog: Weight;
  readonly stepBias: Weight;
  readonly skip: Weight;
  /** Bounds of dt. */
  readonly stepLimit: readonly [least: number, most: number];
  /** RMSNorm of all heads together in `parts` parts of equal width, with a weight for all of them, before the gate or behind it. */
  readonly norm: {
    readonly weight: Weight;
    readonly parts: number;
    readonly epsilon: number;
    readonly when: 'beforeGate' | 'behindGate';
  } | null;
  readonly output: Linear;
}

/** A layer without anything that mixes tokens: it is an MLP alone. */
export interface MlpAlone {
  readonly kind: 'mlpAlone';
}

/** A layer that carries the text before a token in a state of fixed size, not in keys and values: it has no attention weights. */
export type Recurrence = ShortConvolution | DeltaNet | Mamba;

/** What a layer has in place of attention. */
export type Unattending = Recurrence | MlpAlone;

/** How one layer's tokens read those before them. */
export type Mixer = Attention | Unattending;

/** `plain`: down(act(up(x))); `gated`: down(act(gate(x)) * up(x)) (Shazeer 2020); `gatedFused`: gate and up are one matrix, gate first. */
export type DenseMlp =
  | { readonly kind: 'plain'; readonly up: Linear; readonly down: Linear; readonly activation: Activation }
  /** As `plain`, with the activation xIELU, whose weights are learned. */
  | { readonly kind: 'xielu'; readonly up: Linear; readonly down: Linear; readonly xielu: Xielu }
  | {
      readonly kind: 'gated';
      readonly gate: Linear;
      readonly up: Linear;
      readonly down: Linear;
      readonly activation: Activation;
      /**
       * Gates of a token, less their mean and so many standard deviations, are 0 where that is below it (Gemma 3n's sparse activations).
       * Absent: every gate counts as it is.
       */
      readonly deviations?: number;
    }
  | { readonly kind: 'gatedFused'; readonly gateUp: Linear; readonly down: Linear; readonly activation: Activation }
  /** GPT-OSS: gate and up alternate; down((up + 1) * gate * sigmoid(1.702 gate)), with gate up to `limit` and up within it. */
  | { readonly kind: 'clamped'; readonly gateUp: Linear; readonly down: Linear; readonly limit: number };

/**
 * xIELU (Huang and Schlag 2024): p x^2 + beta x above 0, else n (e^min(x, epsilon) - 1 - x) + beta x; p = softplus(alphaP), n = beta +
 * softplus(alphaN). Each weight is one number.
 */
export interface Xielu {
  readonly alphaP: Weight;
  readonly alphaN: Weight;
  readonly beta: Weight;
  readonly epsilon: Weight;
}

/** A layer that routes each token to some of its experts (Shazeer et al. 2017). */
export interface Experts {
  readonly kind: 'experts';
  readonly router: Linear;
  readonly experts: readonly DenseMlp[];
  /** Experts per token. */
  readonly chosen: number;
  /**
   * Function from router logits to weights: over all experts, for each alone, or over the chosen ones alone; `sparseMixer`: of the best
   * expert its softmax among those near it, of the second the same without the best (Liu et al. 2024); `jitter` says what is near.
   */
  readonly score: 'softmax' | 'sigmoid' | 'softmaxOfChosen' | 'sparseMixer';
  readonly jitter?: number;
  /** Whether a weight is a factor of what its expert reads rather than of what it puts out. */
  readonly scalesInput?: boolean;
  /** [experts] added to the scores for choosing experts, but not to their weights. */
  readonly correction: Weight | null;
  /** Experts are chosen only from the `kept` best of `count` groups, ranked by their best expert or the sum of their best two. */
  readonly groups: { readonly count: number; readonly kept: number; readonly by: 'best' | 'bestTwo' } | null;
  /**
   * Whether the chosen weights are divided by their sum; a sum below `leastSum`, where there is one, counts as that, else `addedToSum` is
   * added to it, or next to nothing.
   */
  readonly normalised: boolean;
  readonly leastSum?: number;
  readonly addedToSum?: number;
  /** Factor of the weights. */
  readonly scale: number;
  /** [experts], a factor of each expert's weight. */
  readonly scales?: Weight;
  /** The shared expert, which runs for every token; `gate`, through a sigmoid, gives its weight. */
  readonly shared: { readonly mlp: DenseMlp; readonly gate: Linear | null } | null;
  /** Norms of its own of each part, where the layer has them. */
  readonly norms?: ExpertNorms;
  /** Matrices around the experts, which read and put out fewer numbers than the stream has; the shared one does not. */
  readonly latent?: { readonly down: Linear; readonly up: Linear };
}

/**
 * Norms inside a layer of experts, which is given the stream as it is and as normed by the layer's pre-norm. Of the stream as it is:
 * `router`, followed by a factor, and `experts`, what each of them reads. `behindExperts` and `behindShared`: of what the chosen ones
 * together, and the shared one, put out. The shared one reads what the layer's pre-norm gives.
 */
export interface ExpertNorms {
  readonly router: Norm;
  readonly routerScale: number;
  readonly experts: Norm;
  readonly behindExperts: Norm;
  readonly behindShared: Norm;
}

/** MLP of one layer; `none`: the layer has none. */
export type Mlp = DenseMlp | Experts | { readonly kind: 'none' };

/** The norms around one sublayer: x' = stream(x + post(sublayer(pre(x)))): its pre-norm, its post-norm, the norm of the stream after it. */
export interface Norms {
  readonly pre: Norm | null;
  readonly post: Norm | null;
  readonly stream: Norm | null;
}

/**
 * What a layer adds last, of a vector per token and layer that was made before the first layer:
 * x + norm(projection(act(gate(x)) * vector)).
 */
export interface PerLayerStep {
  readonly gate: Linear;
  readonly activation: Activation;
  readonly projection: Linear;
  readonly norm: Norm;
}

/**
 * A second, narrow way beside attention (LAuReL: Menghani, Kumar and Kumar 2024): of y, which attention reads, y + norm(up(down(y))) joins
 * what attention has been added to, and the sum is divided by sqrt(2).
 */
export interface Laurel {
  readonly down: Linear;
  readonly up: Linear;
  readonly norm: Norm;
}

/**
 * Alternating updates (AltUp: Baykal et al. 2023) around one layer, of the decoder's `streams` x. Of a vector y [D] the router makes
 * m(y) = tanh(router(norm(y) / D)). Before the layer each stream is predicted: p_i = x_i + sum over j of prediction(m(x_a))[i, j] x_j; the
 * layer itself reads p_a and makes y of it; behind it each stream is corrected: p_i + (1 + correction(m(y))[i]) (y - p_a).
 */
export interface AltUp {
  readonly norm: Norm;
  /** [n, D] */
  readonly router: Linear;
  /** [n * n, n] and [n, n] */
  readonly prediction: Linear;
  readonly correction: Linear;
  /** [D], factors of the corrected active stream for `perLayer`, which is then added to all streams but the first; null: all 1. */
  readonly outputScale: Weight | null;
}

/**
 * Several residual streams side by side. The first is what the embedding makes; stream i is projections[i - 1] of it, at the same root mean
 * square. In the end unembedProjections[i - 1] of stream i, at the root mean square of the first, join it, and the mean of all is read.
 */
export interface Streams {
  /** n, at least 2. */
  readonly count: number;
  /** a, the stream that layers read. */
  readonly active: number;
  /** n - 1 matrices [D, D] each. */
  readonly projections: readonly Linear[];
  readonly unembedProjections: readonly Linear[];
}

/**
 * The vectors that `PerLayerStep` reads (Gemma 3n's per-layer embeddings), [layers, width] a token: the sum of a row of `table` times
 * `tableScale`, and of norm(projection(x) * projectionScale), x being the first residual; all of it times `scale`.
 */
export interface PerLayerInputs {
  /** [vocab, layers * width] */
  readonly table: Weight;
  readonly tableScale: number;
  readonly projection: Linear;
  readonly projectionScale: number;
  /** Over `width` numbers. */
  readonly norm: Norm;
  readonly width: number;
  readonly scale: number;
  /**
   * An id behind the table's last row reads the first row, as in transformers, where the decoder is a part of a model; from `refused` on it
   * reads none, as the reference refuses it or another part of the model reads it. Absent: the table has a row for every id.
   */
  readonly beyond?: { readonly refused: number };
}

/** One layer of the decoder. */
export interface Block {
  readonly attentionNorms: Norms;
  readonly attention: Mixer;
  readonly mlpNorms: Norms;
  readonly mlp: Mlp;
  /** `sequential`: the MLP reads what attention has added to; `parallel`: both read the block's input (Wang and Komatsuzaki 2021). */
  readonly wiring: 'sequential' | 'parallel';
  /** Target of the residual addition: the residual stream, or the stream after the sublayer's pre-norm. */
  readonly addTo: 'stream' | 'normed';
  /** What is beside attention, of what it reads; null: nothing. */
  readonly laurel: Laurel | null;
  /** What is around the layer where the decoder has several streams; null: it has one. */
  readonly altUp: AltUp | null;
  /** What follows the MLP; null: nothing. */
  readonly perLayer: PerLayerStep | null;
  /** [1], a factor of the whole residual behind the layer; null: none. */
  readonly outputScale: Weight | null;
}

/**
 * Positions of the model as a whole. `learned`: rows of `table` from `offset` on are added to the embedding;
 * `sinusoidal`: sines then cosines of Vaswani et al. 2017 from position `offset` on, zeros at position `zeros`;
 * `alibi`: a bias on the scores (Press et al. 2021); `rotary`: each layer's own `rope`; `none`: the causal mask alone.
 */
export type Positions =
  | { readonly kind: 'learned'; readonly table: Weight; readonly offset: number }
  | { readonly kind: 'sinusoidal'; readonly offset: number; readonly zeros: number | null }
  | { readonly kind: 'alibi'; readonly alibi: Alibi }
  | { readonly kind: 'rotary' }
  | { readonly kind: 'none' };

/** A decoder: all sizes, weights and choices that its graph depends on. */
export interface DecoderSpec {
  readonly heads: number;
  /** Divides `heads`. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of a head's value; equal to `headDim` except with latent attention. */
  readonly valueDim: number;
  /** D, the width of the residual stream. */
  readonly dim: number;
  readonly vocab: number;
  /** Context length in tokens. */
  readonly contextLength: number;
  /** [vocab, D], or [vocab, E] with an `embeddingProjection`. */
  readonly embedding: Weight;
  readonly embeddingScale: number;
  readonly embeddingProjection: Linear | null;
  readonly embeddingNorm: Norm | null;
  readonly perLayerInputs: PerLayerInputs | null;
  /** null: the residual is one stream. */
  readonly streams: Streams | null;
  readonly positions: Positions;
  readonly blocks: readonly Block[];
  /** Factor of each sublayer's output before it is added. */
  readonly residualScale: number;
  /** Soft caps of attention scores and of logits: cap * tanh(x / cap); null: none. */
  readonly scoreCap: number | null;
  readonly logitCap: number | null;
  readonly finalNorm: Norm | null;
  readonly finalProjection: Linear | null;
  /** [vocab, D]; the embedding itself where the two are tied. */
  readonly unembed: Linear;
  /** Factor of the logits, before `logitCap`. */
  readonly logitScale: number;
}

/** Common defaults of experts, chosen by their scores alone; a family states the rest. */
export const PLAIN_EXPERTS = {
  kind: 'experts',
  correction: null,
  groups: null,
  scale: 1,
  shared: null,
} as const satisfies Partial<Experts>;

/** Common defaults of attention; a family states the rest. */
export const PLAIN_ATTENTION = {
  kind: 'attention',
  sizes: null,
  valueNorm: null,
  clip: null,
  queryKeyNorm: null,
  rope: null,
  queryScale: null,
  window: null,
  sinks: null,
  gates: null,
  beside: null,
} as const satisfies Partial<Attention>;

/** Common defaults of a block: sequential sublayers that add to the residual stream. */
export const PLAIN_BLOCK = {
  wiring: 'sequential',
  addTo: 'stream',
  laurel: null,
  altUp: null,
  perLayer: null,
  outputScale: null,
} as const satisfies Partial<Block>;

/** Common defaults of a decoder: no multipliers, caps or projections around its blocks. */
export const PLAIN_DECODER = {
  embeddingScale: 1,
  embeddingProjection: null,
  embeddingNorm: null,
  perLayerInputs: null,
  streams: null,
  residualScale: 1,
  scoreCap: null,
  logitCap: null,
  finalProjection: null,
  logitScale: 1,
} as const satisfies Partial<DecoderSpec>;

/** A pre-norm and no other norm. */
export function preNorm(norm: Norm | null): Norms {
  return { pre: norm, post: null, stream: null };
}

/** The decoder with the head sizes of layer `layer`: what reads one layer alone reads these. */
export function ofLayer(spec: DecoderSpec, layer: number): DecoderSpec {
  const attention = spec.blocks[layer]?.attention;
  const sizes = attention?.kind === 'attention' ? attention.sizes : null;
  return sizes === null ? spec : { ...spec, ...sizes };
}

/** The layer whose keys and values layer `layer` reads: its own, or an earlier one. */
export function keySource({ blocks }: Pick<DecoderSpec, 'blocks'>, layer: number): number {
  const attention = blocks[layer]?.attention;
  return attention?.kind === 'attention' && attention.projections.kind === 'queryAlone' ? attention.projections.source : layer;
}

/** Numbers that a layer hands on to the next one for each token: the residual's, or those of all streams. */
export function carriedWidth({ dim, streams }: Pick<DecoderSpec, 'dim' | 'streams'>): number {
  return dim * (streams?.count ?? 1);
}
