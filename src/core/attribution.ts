/**
 * Ways to say how much each token of a text counts for a prediction.
 * - `gradient-x-input`: the gradient at the input of the first block times that input, summed over its numbers (Simonyan et al. 2013).
 * - `integrated-gradients`: the gradient's mean on the straight line from the average token's input, times the way (Sundararajan et al.
 *   2017).
 * - `hidden`: what the target loses when no later token attends to the token, in any layer.
 * - `replaced`: what the target loses when the token is replaced by the average one.
 * - `removed`: what the target loses when the text lacks the token.
 * - `alti-logit`: what all heads add to the logit directly, by the tokens of the text that the read ones are made of in the layers below
 *   (Ferrando et al. 2023).
 * - `value-weighted`: the length of what attention brings from the token to the position, weights times values through the output
 *   projection; its share in a layer, averaged over the layers (Kobayashi et al. 2020).
 * - `rollout`: the mean of all heads' attention with the residual, half and half, multiplied through the layers (Abnar and Zuidema 2020).
 */
export const ATTRIBUTION_METHODS = [
  'gradient-x-input',
  'integrated-gradients',
  'hidden',
  'replaced',
  'removed',
  'alti-logit',
  'value-weighted',
  'rollout',
] as const;
export type AttributionMethod = (typeof ATTRIBUTION_METHODS)[number];

/** Methods that run the model again without each token, or without each unit of several. */
export const LEAVE_ONE_OUT = ['hidden', 'replaced', 'removed'] as const satisfies readonly AttributionMethod[];
export type LeaveOneOut = (typeof LEAVE_ONE_OUT)[number];

/** Whether a method runs the model again for each unit of the text. */
export function leavesOneOut(method: AttributionMethod): method is LeaveOneOut {
  return LEAVE_ONE_OUT.some((one) => one === method);
}

/**
 * Whether a method's values are parts of the target, which may be negative, or shares of a whole, which say nothing of the token that is
 * explained.
 */
export function isSigned(method: AttributionMethod): boolean {
  return method !== 'value-weighted' && method !== 'rollout';
}

/** What a method's values should sum to, by its own theorem, and do. */
export interface Completeness {
  /** The target where every token is the average one: the values should sum to `target` less this. */
  readonly baseline: number;
  /** Points between that and the text at which the gradient was taken, both included. */
  readonly steps: number;
  /** |sum - (target - baseline)| as a share of |target - baseline|; Infinity where that is 0. */
  readonly gap: number;
}

/** What a target loses without each of some units of a text, each a run of tokens left out together. */
export interface LeftOut {
  /** The target: the token's logit before a final soft cap, less the rival's. */
  readonly target: number;
  /** Of the first units that were asked about, in their order. */
  readonly values: Float32Array;
}

/** How much each token of a text counts for one prediction, by one method. */
export interface Attribution {
  readonly method: AttributionMethod;
  /** Where the prediction is made: the token is one that may follow this position. */
  readonly position: number;
  readonly token: number;
  /** Compared with this token; null: none. */
  readonly rival: number | null;
  /** The token's logit before a final soft cap, less the rival's. */
  readonly target: number;
  /** [T]; 0 after the position. */
  readonly values: Float32Array;
  /** Of methods whose values should sum to a difference; null: of the others. */
  readonly completeness: Completeness | null;
}

/** Methods that attribute the log-probabilities of several tokens together; the others follow the attention of one position. */
export const SPAN_METHODS = [
  'gradient-x-input',
  'integrated-gradients',
  'hidden',
  'replaced',
  'removed',
] as const satisfies readonly AttributionMethod[];
export type SpanMethod = (typeof SPAN_METHODS)[number];

export function isSpanMethod(method: AttributionMethod): method is SpanMethod {
  return (SPAN_METHODS as readonly AttributionMethod[]).includes(method);
}

/** Tokens of a text that are explained together: those that follow positions `position` to `end`, one at least. */
export interface SpanQuestion {
  readonly position: number;
  readonly end: number;
}

/** How much each token of a text counts for several of its tokens together, by one method. */
export interface SpanAttribution extends SpanQuestion {
  readonly method: SpanMethod;
  /** The sum of the tokens' log-probabilities (natural), each given all before it. */
  readonly target: number;
  /** [T], parts of that; 0 after `end`. */
  readonly values: Float32Array;
  /** As in `Attribution`. */
  readonly completeness: Completeness | null;
}
