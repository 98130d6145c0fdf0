// The types every view, export and message reads. Axes: attention [layer, head, query, key],
// residual [layer, token, dim], logits [token, vocab]. All are plain data: they cross threads and webviews as they are.

/** What a model is, in the field's own terms. */
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
  /** Tokens the model reads at once. */
  readonly contextLength: number;
  readonly parameters: number;
  /** How the weights are stored: "F32", "F16", "BF16", or what a GGUF file calls its mix of types, such as "Q4_K_M". Arithmetic is float32. */
  readonly weightType: string;
  readonly positions: 'learned' | 'rotary' | 'alibi' | 'sinusoidal' | 'none';
  readonly norm: 'LayerNorm' | 'RMSNorm';
  /** Absent where every layer attends to all earlier tokens and has one MLP, and nothing else is special. */
  readonly special?: ModelTraits;
  /** The model's folder has a chat template. Absent: not looked for. */
  readonly chatTemplate?: boolean;
  /** Tokens that end a generation; none: it goes on to its limit. Absent: not looked for, or generation_config.json cannot be read. */
  readonly eos?: readonly number[];
  readonly runtime: 'wasm' | 'native';
  readonly threads: number;
}

/** What sets a model apart from plain attention and one MLP a layer. */
export interface ModelTraits {
  readonly layers: readonly LayerTraits[];
  /** Each head has a score of no token that takes its share of every row. */
  readonly sinks: boolean;
  /** Numbers a token from which latent attention makes all keys and values. */
  readonly latentRank: number | null;
  /** Scores, and logits, are squeezed to within this of 0. */
  readonly scoreCap: number | null;
  readonly logitCap: number | null;
}

export interface LayerTraits {
  /** Keys a query sees, its own the last; null: all before it. */
  readonly window: number | null;
  /** Base frequency of the layer's rope; null: its queries and keys are not turned. */
  readonly ropeTheta: number | null;
  /** How many experts there are, how many each token is sent to, and whether there is one that every token passes. */
  readonly experts: { readonly count: number; readonly chosen: number; readonly shared: boolean } | null;
}

/** One token of the text, or one that the tokenizer added around it. */
export interface Token {
  readonly index: number;
  readonly id: number;
  /** The token's bytes read as UTF-8; a part of a character shows as U+FFFD. */
  readonly text: string;
  /** The bytes of the text that the token stands for; empty for an added token. */
  readonly bytes: readonly number[];
  /** UTF-16 offsets of the smallest run of whole characters that holds the token's bytes. */
  readonly start: number;
  readonly end: number;
  /** Added by the tokenizer (such as BOS) or the chat template, not part of the text. */
  readonly special: boolean;
  /** Holds part of a character only. */
  readonly partial: boolean;
}

/** A text as the model reads it. */
export interface TokenizedText {
  readonly ids: Int32Array;
  readonly tokens: readonly Token[];
}

/** Names of the per-head numbers, in the order of `HeadMetrics`' last axis. */
export const HEAD_METRICS = ['previous', 'induction', 'first', 'entropy'] as const;
export type HeadMetric = (typeof HEAD_METRICS)[number];

/**
 * One forward pass over T tokens, reduced to what the panel needs at once. Everything else is asked for by view.
 * `NaN` (and rank 0) means: nothing precedes this token, so nothing predicted it.
 */
export interface Explanation {
  readonly model: ModelInfo;
  /** The text was read as a user's message in the model's chat template. Absent: as it is. */
  readonly chat?: boolean;
  /** The text explained: exactly the part that fits. */
  readonly text: string;
  /** So many tokens at the end were generated after the text, by this model; `text` holds what they spell. Absent: none. */
  readonly generated?: number;
  /** UTF-16 units of the request's text that did not fit the model's context. */
  readonly omitted: number;
  readonly tokens: readonly Token[];
  /** [T] natural log of the probability the model gave this token. */
  readonly logprob: Float32Array;
  /** [T] 1 = the model's first choice; 0 = not predicted. */
  readonly rank: Int32Array;
  /** [T] bits, of the distribution that predicted this token. */
  readonly entropy: Float32Array;
  /** K candidates per position, of the distribution after the token. */
  readonly topK: number;
  /** [T, K] ids, best first. */
  readonly topIds: Int32Array;
  /** [T, K] probabilities. */
  readonly topProbs: Float32Array;
  /** Text of every id in `topIds`. */
  readonly pieces: Readonly<Record<number, string>>;
  /** [layers, heads, HEAD_METRICS.length]; NaN where the text does not define it. */
  readonly headMetrics: Float32Array;
  /** Side of one thumbnail in cells. */
  readonly thumbnailSize: number;
  /** [layers, heads, S, S] attention, the largest value of each cell, 255 = 1. */
  readonly thumbnails: Uint8Array;
  /** Milliseconds of the forward pass, without loading. */
  readonly forwardMs: number;
}

/** Attention of one head over the whole text. */
export interface AttentionMap {
  readonly layer: number;
  readonly head: number;
  /** [T, T] after softmax; row = query, column = key. A row and its sink, where there is one, sum to 1. */
  readonly weights: Float32Array;
  /** [T] the share of each row that the head's sink takes; absent for a model without sinks. */
  readonly sink?: Float32Array;
}

/**
 * Attention of one head as a picture: a byte a weight, for its colour only. Exact weights come by rows (`AttentionRow`).
 * At 1,024 tokens this is 0.5 MB where the weights themselves are 4 MB.
 */
export interface AttentionPicture {
  readonly layer: number;
  readonly head: number;
  /** [T (T + 1) / 2] row after row, keys 0..query: 255 times the fourth root of the weight, so that small weights still differ. */
  readonly shades: Uint8Array;
  /** The largest weight, and the largest where the first key is left out; exact. */
  readonly largest: number;
  readonly largestRest: number;
  /** [T] the share of each row that the head's sink takes, exact; absent for a model without sinks. */
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
 * How one attention weight came about: dot = q . k; scaled = dot * scale; cap; bias; mask; softmax over the row and the sink.
 * Vaswani et al. 2017, equation 1.
 */
export interface AttentionCell {
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  readonly key: number;
  /** [headDim] after positions are applied. */
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly dot: number;
  /** What the dot product is multiplied by, usually 1 / sqrt(headDim). */
  readonly scale: number;
  readonly scaled: number;
  /** Limit of a soft cap, and the score behind it: softCap * tanh(scaled / softCap). */
  readonly softCap?: number;
  readonly capped?: number;
  /** Added to the score for the key's distance (ALiBi). */
  readonly bias?: number;
  /** Keys a query sees, where it sees its latest only. */
  readonly window?: number;
  /** The score of no token that takes part in the row's softmax, and the weight it takes. */
  readonly sink?: { readonly score: number; readonly weight: number };
  /** The score that enters the softmax, where a cap or a bias makes it another than `scaled`. */
  readonly score?: number;
  /** The key comes after the query or before its window: the score is replaced by minus infinity. */
  readonly masked: boolean;
  /** First key that the query sees; absent: 0. */
  readonly firstKey?: number;
  /** [query - firstKey + 1] scores of the keys the query sees. */
  readonly rowScores: Float32Array;
  /** Largest of `rowScores` and the sink's, taken off before exponentiating. */
  readonly rowMax: number;
  /** Sum of exp(score - rowMax) over the row, the sink's included. */
  readonly rowSum: number;
  readonly weight: number;
}

/** Which experts of a layer each token was sent to. */
export interface ExpertRouting {
  readonly layer: number;
  /** Experts there are, and those each token is sent to. */
  readonly count: number;
  readonly chosen: number;
  /** [T, chosen] */
  readonly ids: Int32Array;
  /** [T, chosen] what each expert's output is multiplied by. */
  readonly weights: Float32Array;
}

/** What latent attention keeps of one token in one layer: the keys and values of all heads are made from it. */
export interface LatentVector {
  readonly layer: number;
  readonly token: number;
  /** [rank] after its norm. */
  readonly compressed: Float32Array;
  /** [rotated] the part of the key that all heads share, after positions. */
  readonly sharedKey: Float32Array;
  /** Numbers that keys and values of all heads would take in full. */
  readonly full: number;
}

/** Principal components of the T token vectors at one place of the residual stream. */
export interface Projection {
  /** -1: static embedding, before positions; 0: input of the first block; i: after block i. */
  readonly layer: number;
  /** [T, 3] coordinates, in units of the residual stream. */
  readonly points: Float32Array;
  /** [3] share of the variance each component explains. */
  readonly explained: Float32Array;
  /** [T] Euclidean length of each vector before centring. */
  readonly norms: Float32Array;
  /** Tokens that took no part in finding the components (but are projected): the first token where asked. */
  readonly leftOut: number;
}

/**
 * What the model would predict if it stopped after `layer` (0 = input of the first block, L = the model itself):
 * final norm and unembedding applied to the residual stream (nostalgebraist 2020, "logit lens").
 */
export interface LensLayer {
  readonly layer: number;
  /** [T] */
  readonly topIds: Int32Array;
  /** [T] */
  readonly topProbs: Float32Array;
  /** [T] rank of the token that really follows; 0 for the last token. */
  readonly nextRank: Int32Array;
  /** [T] probability of the token that really follows; NaN for the last token. */
  readonly nextProb: Float32Array;
  /** [T] bits */
  readonly entropy: Float32Array;
  /** [T] Kullback-Leibler divergence in bits, of this distribution from the final one: KL(final || layer). */
  readonly kl: Float32Array;
  readonly pieces: Readonly<Record<number, string>>;
}

/** The next-token distribution after one position, before any sampling filter. */
export interface Distribution {
  readonly position: number;
  /** [vocab] */
  readonly logits: Float32Array;
  /** Ids by falling logit: as many as `pieces` names. */
  readonly topIds: Int32Array;
  readonly pieces: Readonly<Record<number, string>>;
}
