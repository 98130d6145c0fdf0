import type { Activation } from './activations.ts';

// One token's way through the model, in stages. Every stage says which stages its numbers are made from and how, so that each
// number can be shown with those it comes from, and checked against them.

/** What happens to the token, in the words of the walkthrough; a model has those of them that it does. In order. */
export type PathStep =
  | 'embedding' | 'position' | 'embeddingNorm'
  | 'attentionNorm' | 'heads' | 'headNorm' | 'clip' | 'rotary' | 'scores' | 'scale' | 'mask' | 'softmax' | 'mix' | 'join' | 'attentionOutput' | 'attentionBehind' | 'attentionAdd' | 'attentionAfter'
  | 'mlpNorm' | 'router' | 'mlp' | 'mlpOutput' | 'mixture' | 'mlpBehind' | 'mlpAdd' | 'mlpAfter'
  | 'layers' | 'finalNorm' | 'logits' | 'probabilities';

/** Vectors of the token by their place on the way. */
const STAGE_NAMES = [
  'embedding', 'scaledEmbedding', 'projectedEmbedding', 'position', 'placedEmbedding', 'normedEmbedding',
  'input', 'attentionRead',
  'queryNarrow', 'queryNarrowNormed', 'latent', 'latentNormed', 'plainKey', 'sharedKey',
  'query', 'key', 'value', 'queryNormed', 'keyNormed', 'queryClipped', 'keyClipped', 'valueClipped', 'queryTurned', 'keyTurned', 'sharedKeyTurned', 'joinedKey',
  'dots', 'scaledScores', 'cappedScores', 'biasedScores', 'maskedScores', 'weights', 'mixed', 'joined',
  'attentionOutput', 'attentionBehind', 'attentionAdded', 'attentionAfter',
  'mlpRead', 'routerLogits', 'routerScores', 'correctedScores', 'chosenScores', 'expertWeights', 'sharedGateLogit', 'sharedGate',
  'gate', 'gateClipped', 'activated', 'up', 'upClipped', 'hidden', 'expertOutput', 'mlpOutput', 'mlpBehind', 'mlpAdded', 'mlpAfter',
  'lengths', 'changes', 'finalInput', 'finalRead', 'finalNarrowed', 'rawLogits', 'scaledLogits', 'logits', 'probabilities',
] as const;
export type StageName = (typeof STAGE_NAMES)[number];

export function isStageName(value: unknown): value is StageName {
  return STAGE_NAMES.some((name) => name === value);
}

/** How the numbers of a stage come from those of others. `of` is always the stage they are made from. */
export type Making =
  /** They come from before: the residual stream at this place. */
  | { readonly kind: 'given' }
  /** Row `row` of a stored table. */
  | { readonly kind: 'row'; readonly row: number; readonly rows: number; readonly tensor: string }
  /** Sines of the position, then cosines; wavelengths from 2 pi to 10000 * 2 pi. */
  | { readonly kind: 'sinusoid'; readonly position: number }
  | { readonly kind: 'scaled'; readonly of: StageName; readonly factor: number }
  /** of + factor * with */
  | { readonly kind: 'sum'; readonly of: StageName; readonly with: StageName; readonly factor: number }
  /**
   * (x - mean) / divisor * weight + bias, where divisor = sqrt(variance or mean square + epsilon) of the numbers normed together:
   * the first `values.length` of `of`, or `whole`, where a head's numbers are normed with those of all heads (they begin at `from`).
   */
  | {
    readonly kind: 'norm'; readonly of: StageName; readonly form: 'layer' | 'rms'; readonly mean: number; readonly divisor: number; readonly epsilon: number;
    readonly weight: Float32Array | null; readonly bias: Float32Array | null; readonly whole?: Float32Array; readonly from?: number;
  }
  /** W of (+ bias): the weights of one number are asked for. */
  | { readonly kind: 'linear'; readonly of: StageName; readonly bias: boolean }
  | { readonly kind: 'clip'; readonly of: StageName; readonly low: number; readonly high: number }
  /** of[i] * cos[i] + of[partner[i]] * sin[i] (Su et al. 2021, equation 34). */
  | { readonly kind: 'turned'; readonly of: StageName; readonly cos: Float32Array; readonly sin: Float32Array; readonly partner: Int32Array }
  /** Numbers of `of` from `from` on. */
  | { readonly kind: 'part'; readonly of: StageName; readonly from: number }
  /** One after another. */
  | { readonly kind: 'joined'; readonly of: StageName; readonly with: StageName }
  /** All heads' vectors one after another; `of` is that of head `head`. */
  | { readonly kind: 'heads'; readonly of: StageName; readonly head: number; readonly heads: number }
  /** of . row, for each row of `rows` [n, values of `of`]. */
  | { readonly kind: 'dots'; readonly of: StageName; readonly rows: Float32Array }
  /** limit * tanh(of / limit) */
  | { readonly kind: 'capped'; readonly of: StageName; readonly limit: number }
  | { readonly kind: 'biased'; readonly of: StageName; readonly bias: Float32Array }
  /** Minus infinity outside of first..last. */
  | { readonly kind: 'masked'; readonly of: StageName; readonly first: number; readonly last: number; readonly window: number | null }
  /** exp(of - max) / sum; `sink` is a further score that takes part in max and sum. */
  | { readonly kind: 'softmax'; readonly of: StageName; readonly max: number; readonly sum: number; readonly sink: number | null }
  /** Rows of `rows` [values of `of`, n], each times its number of `of`, added up. */
  | { readonly kind: 'weighted'; readonly of: StageName; readonly rows: Float32Array }
  | { readonly kind: 'activation'; readonly of: StageName; readonly activation: Activation }
  /** of * (with + plus) */
  | { readonly kind: 'product'; readonly of: StageName; readonly with: StageName; readonly plus: 0 | 1 }
  /** The numbers of `of` at `ids` of the stage. */
  | { readonly kind: 'chosen'; readonly of: StageName }
  /** of / sum * factor */
  | { readonly kind: 'shares'; readonly of: StageName; readonly sum: number; readonly factor: number }
  /** Rows of `rows` [experts, n], each times its number of `of`, added up, and `shared` times the stage `gate` where there is one. */
  | { readonly kind: 'mixture'; readonly of: StageName; readonly rows: Float32Array; readonly shared: Float32Array | null; readonly gate: StageName | null }
  /** Euclidean lengths of the residual at each place, or of what each layer changed. */
  | { readonly kind: 'lengths' };

/** What the numbers of a stage are counted by. */
export type StageAxis = 'dimension' | 'neuron' | 'key' | 'expert' | 'layer' | 'vocabulary';

export interface Stage {
  readonly step: PathStep;
  readonly name: StageName;
  readonly axis: StageAxis;
  readonly values: Float32Array;
  readonly made: Making;
  /** Of which expert or token of the vocabulary each number is; absent: number i is of i. */
  readonly ids?: Int32Array;
}

/** The way of token `token`, through layer `layer` as head `head` sees it. */
export interface ForwardPath {
  readonly token: number;
  readonly layer: number;
  readonly head: number;
  /** The key and value head that `head` reads. */
  readonly kvHead: number;
  readonly stages: readonly Stage[];
  /** Of a layer with experts: those the token was sent to, by falling weight, the one that is shown inside, and whether there is a shared one behind them. */
  readonly experts?: { readonly ids: Int32Array; readonly shown: number; readonly shared: boolean };
  /** Attention and MLP both read the layer's input. */
  readonly parallel: boolean;
  /** Text of every id of the vocabulary that a stage names. */
  readonly pieces: Readonly<Record<number, string>>;
}

/** One number of a stage made by a matrix: the sum of inputs times weights, and the bias. */
export interface WeightedSum {
  readonly stage: StageName;
  readonly index: number;
  readonly inputs: Float32Array;
  readonly weights: Float32Array;
  readonly bias: number | null;
  /** Name of the stored tensor, and where in it the weights are. */
  readonly tensor: string;
  readonly row: number;
  /** The weights are a column of the tensor, not a row. */
  readonly column: boolean;
}

/** The stage of a path by its name. Throws RangeError where the path has none. */
export function stageOf(stages: readonly Stage[], name: StageName): Stage {
  const found = stages.find((stage) => stage.name === name);
  if (found === undefined) throw new RangeError(`The path has no ${name}.`);
  return found;
}
