import type { ProviderUse, RuntimeKind } from './runtimeChoice.ts';
// The types every view, export and message reads. Axes: attention [layer, head, query, key],
// residual [layer, token, dim], logits [token, vocab]. All are plain data: they cross threads and webviews as they are.

import type { Run } from './run.ts';
import type { ServedBy } from './servedBy.ts';
import type { Translatable } from './translatable.ts';

/** Properties of a model. */
export interface ModelInfo {
  readonly name: string;
  /** `model_type` of config.json, such as "llama". */
  readonly family: string;
  readonly layers: number;
  /** Query heads per layer. */
  readonly heads: number;
  /** Key and value heads per layer; fewer than `heads` with grouped-query attention. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of the residual stream. */
  readonly dim: number;
  /** Rows of the unembedding. */
  readonly vocab: number;
  /** Context length in tokens. */
  readonly contextLength: number;
  readonly parameters: number;
  /**
   * How the weights are stored: "F32", "F16", "BF16", or what a GGUF file calls its mix of types, such as "Q4_K_M". Arithmetic is
   * float32.
   */
  readonly weightType: string;
  readonly positions: 'learned' | 'rotary' | 'alibi' | 'sinusoidal' | 'none';
  readonly norm: 'LayerNorm' | 'RMSNorm';
  /** Traits beyond plain attention and one MLP a layer; absent where there are none. */
  readonly traits?: ModelTraits;
  /** Whether the model's folder has a chat template. Absent: not checked. */
  readonly chatTemplate?: boolean;
  /** Ids of tokens that end a generation; empty: only its limit does. Absent: not checked, or generation_config.json is unreadable. */
  readonly eos?: readonly number[];
  /**
   * Options of generation_config.json: applied at every step, not supported (`leftOut`), or suggested to the user. Absent: there are
   * none, or the file is unreadable.
   */
  readonly generation?: Readonly<Record<'applied' | 'leftOut' | 'suggested', readonly GenerationOption[]>>;
  /**
   * Parts of the model's files that its numbers do not include, and why: an adapter that is not applied, a vision encoder; and what
   * interventions and gradients leave as it is. Absent: none.
   */
  readonly notices?: readonly Translatable[];
  /** Path of the model without the adapter that is added to it here. Absent: there is none, or it lies in the same folder. */
  readonly adapterOn?: string;
  readonly runtime: RuntimeKind;
  readonly threads: number;
  /** The native runtime's own error, for the log, where WASM replaces it. Absent: no failure. */
  readonly nativeFailure?: string;
  /** What became of the execution provider that was asked for. Absent: none but the CPU was. */
  readonly provider?: ProviderUse;
  /**
   * The engine elsewhere that serves the model. The numbers of its sizes are then not known, and 0; so is `contextLength` where the engine
   * does not tell it. Absent: the model runs on this machine.
   */
  readonly served?: ServedBy;
}

/** An option of generation_config.json with its value as JSON. */
export interface GenerationOption {
  readonly name: string;
  readonly value: string;
}

/** Traits of a model beyond plain attention and one MLP a layer. */
export interface ModelTraits {
  readonly layers: readonly LayerTraits[];
  /** Whether each head has an attention sink: a learned score, of no token, that takes part in every row's softmax. */
  readonly sinks: boolean;
  /** Rank of latent attention: numbers per token that all keys and values are computed from; null without it. */
  readonly latentRank: number | null;
  /** Soft caps of attention scores and of logits: x becomes cap * tanh(x / cap); null: none. */
  readonly scoreCap: number | null;
  readonly logitCap: number | null;
}

/**
 * Kinds of layers, or of what runs beside a layer's attention, that carry the text before a token in a state of fixed size, and have no
 * attention weights; `mlpAlone`: a layer whose tokens read no others.
 */
export type RecurrenceKind = 'shortConvolution' | 'deltaNet' | 'mamba' | 'mlpAlone';

/** Traits of such a layer, or of what runs beside its attention. */
export interface RecurrenceTraits {
  readonly kind: RecurrenceKind;
  /** Maps of its effective attention: as many as heads, 1 where it has none, 0 where tokens read no others. */
  readonly maps: number;
  /** Tokens that it reads at most, its own included; null: all before it. */
  readonly reach: number | null;
  /** Numbers that it keeps of all tokens before. */
  readonly kept: number;
  /** Whether a norm follows what its heads read, so that only the proportions of what they read count. */
  readonly normed: boolean;
}

/** Traits of one layer. */
export interface LayerTraits {
  /** What the layer has in place of softmax attention; absent: it has that. */
  readonly recurrence?: RecurrenceTraits;
  /** What runs beside its attention, of the same input, and adds to what attention puts out. Absent: nothing. */
  readonly beside?: RecurrenceTraits;
  /** Whether the layer has no MLP. Absent: it has one. */
  readonly withoutMlp?: true;
  /** Sliding window: number of keys a query sees, its own included; null: all up to its own. */
  readonly window: number | null;
  /** Positions of a chunk, where a token sees only those of its own. */
  readonly chunk?: number;
  /** Base frequency of the layer's rope; null: no rotation. */
  readonly ropeTheta: number | null;
  /** Number of experts, number that each token is routed to, and whether a shared expert runs for every token; null: one MLP. */
  readonly experts: { readonly count: number; readonly chosen: number; readonly shared: boolean } | null;
  /** Key and value heads, and the width of a query or key, where they differ from the model's. */
  readonly sizes?: { readonly kvHeads: number; readonly headDim: number };
  /** The layer whose keys and values this one reads. Absent: its own. */
  readonly keysOf?: number;
}

/** One token of the text, or one that the tokenizer added around it. */
export interface Token {
  readonly index: number;
  readonly id: number;
  /** The token's bytes decoded as UTF-8; a part of a character shows as U+FFFD. */
  readonly text: string;
  /** The bytes of the text that the token covers; empty for an added token. */
  readonly bytes: readonly number[];
  /** UTF-16 offsets of the smallest run of whole characters that holds the token's bytes. */
  readonly start: number;
  readonly end: number;
  /** Whether the token was added by the tokenizer (such as BOS) or the chat template and is not part of the text. */
  readonly special: boolean;
  /** Whether the token covers only part of a character. */
  readonly partial: boolean;
}

/** A text split into tokens. */
export interface TokenizedText {
  readonly ids: Int32Array;
  readonly tokens: readonly Token[];
}

/** A window of a text that is longer than a model's context. Offsets are UTF-16 units of the whole text. */
export interface TextWindow {
  /** Tokens `begin` to `end` - 1 of the whole text, with those that the tokenizer puts around it. */
  readonly begin: number;
  readonly end: number;
  /** The text of these tokens: whole characters, although the first token may be the later part of one. */
  readonly start: number;
  readonly stop: number;
  /** Start of what no window before holds. */
  readonly enter: number;
}

/** The window that was read of a text, and those there are. */
export interface ReadWindow {
  /** The one that was read. */
  readonly index: number;
  readonly windows: readonly TextWindow[];
  /** Tokens of the whole text. */
  readonly tokens: number;
  /** Tokens of a window, and from the begin of one to that of the next. */
  readonly length: number;
  readonly stride: number;
}

/** The memory that a whole text would need, and the memory available. */
export interface Shortage {
  /** Estimated number of tokens of the whole text, at most the context length. */
  readonly wholeTokens: number;
  readonly neededBytes: number;
  readonly availableBytes: number;
}

/**
 * One forward pass over T tokens, reduced to what the panel needs at once. Views request everything else.
 * `NaN` (and rank 0) means: nothing precedes this token, so nothing predicted it.
 */
export interface Explanation {
  readonly model: ModelInfo;
  /** The run of the ids of `tokens`; every question about the explanation refers to it. */
  readonly run: Run;
  /** Whether the text was read as a user's message in the model's chat template. Absent: as plain text. */
  readonly chat?: boolean;
  /** The explained text: exactly the part that was read. */
  readonly text: string;
  /** The window of a longer text that `text` is. Absent: it is the text, or its beginning. */
  readonly window?: ReadWindow;
  /** Number of tokens at the end that this model generated; `text` includes their text. Absent: 0. */
  readonly generated?: number;
  /** UTF-16 units at the end of the request's text that were not read, and that no window reads. */
  readonly omitted: number;
  /** Present where memory, not the context, limited what was read. */
  readonly shortage?: Shortage;
  readonly tokens: readonly Token[];
  /** [T] natural log of the probability the model gave this token. */
  readonly logprob: Float32Array;
  /** [T] 1 = the model's first choice; 0 = not predicted, or, of an engine, not told. */
  readonly rank: Int32Array;
  /** [T] entropy in bits of the distribution that predicted this token; NaN throughout for a model that an engine serves. */
  readonly entropy: Float32Array;
  /** K, the number of candidates per position, of the distribution after the token. */
  readonly topK: number;
  /** [T, K] ids, best first; `NOT_RETURNED` where an engine returned fewer. */
  readonly topIds: Int32Array;
  /** [T, K] probabilities. */
  readonly topProbs: Float32Array;
  /** Text of every id in `topIds`. */
  readonly pieces: Readonly<Record<number, string>>;
  /** Milliseconds of the forward pass, without loading. */
  readonly forwardMs: number;
  /** Whether the forward pass came from the cache; `forwardMs` is then what it took originally. Absent: it was run for this explanation. */
  readonly forwardKept?: boolean;
  /**
   * Number of tokens at the start that were not run, as an earlier text began with the same; `forwardMs` is of the others alone.
   * Absent: 0.
   */
  readonly forwardShared?: number;
}

/** Numbers and a small picture of every head of some layers. */
export interface HeadSummaries {
  /** The first of the layers. */
  readonly layer: number;
  /** [layers, heads, HEAD_METRICS.length], see `headMetrics`; NaN where the text does not define it, and in layers without attention. */
  readonly metrics: Float32Array;
  /** Side of one thumbnail in cells. */
  readonly thumbnailSize: number;
  /** [layers, heads, S, S] attention, the largest value of each cell, 255 = 1. */
  readonly thumbnails: Uint8Array;
}

/** Attention of one head over the whole text. */
export interface AttentionMap {
  readonly layer: number;
  readonly head: number;
  /** [T, T] after softmax; row = query, column = key. A row and its sink, where there is one, sum to 1. */
  readonly weights: Float32Array;
  /** [T] weight of the head's sink in each row; absent for a model without sinks. */
  readonly sink?: Float32Array;
}

/**
 * Attention of one head as a picture: one byte per weight, for its colour only. Exact weights come by rows (`AttentionRow`).
 * At 1,024 tokens this is 0.5 MB where the weights themselves are 4 MB.
 */
export interface AttentionPicture {
  readonly layer: number;
  readonly head: number;
  /** [T (T + 1) / 2] by rows, keys 0..query: 255 times the fourth root of the weight, so that small weights remain distinguishable. */
  readonly shades: Uint8Array;
  /** The largest weight, and the largest without the first key; exact. */
  readonly largest: number;
  readonly largestRest: number;
  /** [T] weight of the head's sink in each row, exact; absent for a model without sinks. */
  readonly sink?: Float32Array;
}

/** Attention of one query in one head, exact. */
export interface AttentionRow {
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  /** [query + 1] after softmax; with the sink, where there is one, they sum to 1. */
  readonly weights: Float32Array;
  readonly sink?: number;
}

/**
 * Computation of one attention weight: dot = q . k; scaled = dot * scale; cap; bias; mask; softmax over the row and the sink.
 * Vaswani et al. 2017, equation 1.
 */
export interface AttentionCell {
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  readonly key: number;
  /** [headDim] after rotary positions. */
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly dot: number;
  /** Factor of the dot product, usually 1 / sqrt(headDim). */
  readonly scale: number;
  readonly scaled: number;
  /** Limit of the soft cap, and the score after it: softCap * tanh(scaled / softCap). */
  readonly softCap?: number;
  readonly capped?: number;
  /** Added to the score for the key's distance (ALiBi). */
  readonly bias?: number;
  /** Sliding window: number of keys a query sees; absent: all up to its own. */
  readonly window?: number;
  /** The attention sink's score, which takes part in the row's softmax, and its weight. */
  readonly sink?: { readonly score: number; readonly weight: number };
  /** The score that enters the softmax, where a cap or a bias makes it differ from `scaled`. */
  readonly score?: number;
  /** Whether the key comes after the query or before its window, or the recipe hides it, so that the score becomes minus infinity. */
  readonly masked: boolean;
  /** Whether the run's recipe hides the key from the query; absent: it does not. */
  readonly cut?: true;
  /** First key that the query sees; absent: 0. */
  readonly firstKey?: number;
  /** Scores of the keys the query sees, in order: query - firstKey + 1, less those that a recipe hides. */
  readonly rowScores: Float32Array;
  /** Largest of `rowScores` and the sink's score, subtracted before exponentiation. */
  readonly rowMax: number;
  /** Sum of exp(score - rowMax) over the row, the sink's included. */
  readonly rowSum: number;
  readonly weight: number;
}

/** The experts of a layer that each token was routed to. */
export interface ExpertRouting {
  readonly layer: number;
  /** Number of experts in the layer, of an engine's the least that there can be; and number that each token is routed to. */
  readonly count: number;
  readonly chosen: number;
  /** [T, chosen] */
  readonly ids: Int32Array;
  /** [T, chosen] weight of each expert's output; null: an engine has routed the tokens, and does not return them. */
  readonly weights: Float32Array | null;
}

/** Latent attention's cache of one token in one layer, from which the keys and values of all heads are computed. */
export interface LatentVector {
  readonly layer: number;
  readonly token: number;
  /** [rank] after its norm. */
  readonly compressed: Float32Array;
  /** [rotated] the part of the key that all heads share, after rotation. */
  readonly sharedKey: Float32Array;
  /** Number of values that all heads' keys and values would take without compression. */
  readonly full: number;
}

/** The T token vectors at one place of the residual stream, projected onto their principal components. */
export interface Projection {
  /** -1: static embedding, before positions; 0: input of the first block; i: after block i. */
  readonly layer: number;
  /** [T, 3] coordinates, in units of the residual stream. */
  readonly points: Float32Array;
  /** [3] share of the variance that each component explains. */
  readonly explained: Float32Array;
  /** [T] Euclidean norm of each vector before centring. */
  readonly norms: Float32Array;
  /** Number of first tokens left out when computing the components (they are projected nevertheless): 0 or 1. */
  readonly leftOut: number;
}

/**
 * Some layers at some positions of the logit lens (nostalgebraist 2020): final norm and unembedding applied to the residual stream
 * after a layer, as if the model stopped there (0 = input of the first block, L = the model itself).
 */
export interface LensWindow {
  /** The first layer, and how many follow one another. */
  readonly layer: number;
  readonly layers: number;
  /** The first position, and how many follow one another. */
  readonly position: number;
  readonly positions: number;
  /** [layers, positions] */
  readonly topIds: Int32Array;
  /** [layers, positions] */
  readonly topProbs: Float32Array;
  /** [layers, positions] rank of the actual next token; 0 for the last token. */
  readonly nextRank: Int32Array;
  /** [layers, positions] probability of the actual next token; NaN for the last token. */
  readonly nextProb: Float32Array;
  /** [layers, positions] bits */
  readonly entropy: Float32Array;
  /** [layers, positions] Kullback-Leibler divergence KL(final || layer) in bits. */
  readonly kl: Float32Array;
  readonly pieces: Readonly<Record<number, string>>;
  /** Of a lens of steps: whether attention and MLP read the same input in one of the blocks, so that nothing reads what is between them. */
  readonly parallel?: boolean;
}

/**
 * What the steps of some blocks point to by themselves at some positions: what each adds to the residual, times the unembedding, with the
 * final norm's scale held at what it is at the position, as in direct logit attribution. In logits less their mean over the vocabulary, as
 * what is added to all logits alike changes no probability.
 */
export interface AddedWindow {
  /** The first row, and how many follow one another: row 2 i is what attention of block i adds, row 2 i + 1 its MLP. */
  readonly layer: number;
  readonly layers: number;
  readonly position: number;
  readonly positions: number;
  /** [layers, positions], the token that is raised most, and by how much. */
  readonly raisedIds: Int32Array;
  readonly raised: Float32Array;
  /** [layers, positions], the token that is lowered most, and by how much. */
  readonly loweredIds: Int32Array;
  readonly lowered: Float32Array;
  /** [layers, positions], of the actual next token; NaN for the last token. */
  readonly next: Float32Array;
  /** [layers, positions], 1 = no token is raised more; 0 for the last token. */
  readonly nextRank: Int32Array;
  readonly pieces: Readonly<Record<number, string>>;
}

/** The next-token distribution after one position, before any sampling filter. */
export interface Distribution {
  readonly position: number;
  /** [vocab] */
  readonly logits: Float32Array;
  /** Ids by descending logit: as many as `pieces` names. */
  readonly topIds: Int32Array;
  readonly pieces: Readonly<Record<number, string>>;
}
