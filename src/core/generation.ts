import type { FilterStep, SamplingSettings } from './sampling.ts';

/** What to read, and how to draw the token after it. The answer depends on nothing else. */
export interface StepRequest {
  /** All that comes before the new token: the prompt, then what was generated. */
  readonly ids: Int32Array;
  /** Temperature 0 is greedy: the first of the likeliest. */
  readonly sampling: SamplingSettings;
  /** Whole number from 0 to 2^53 - 1. The draw is decided by the seed and the new token's position. */
  readonly seed: number;
  /** Candidates that are named. */
  readonly topK: number;
  /** Also tell what the last token of `ids` attended to, in every layer and head. */
  readonly attention?: boolean;
}

/** Tokens generated after a text, and how the text was read: read by another model, or in another way, they mean nothing. */
export interface Continuation {
  readonly model: string;
  readonly chat: boolean;
  readonly ids: readonly number[];
}

/** Why nothing may follow the new token: the model said so, or its context is full. */
export type StopReason = 'eos' | 'context';

/** One step of generation: the distribution after `ids`, what the settings made of it, and the token drawn. */
export interface GenerationStep {
  /** Index of the new token: as many ids came before it. */
  readonly position: number;
  readonly id: number;
  /** What the token reads as by itself; part of a character shows as U+FFFD. */
  readonly text: string;
  /** Its probability: by the model; at the temperature; and once filtered, which it was drawn with. */
  readonly prob: number;
  readonly tempered: number;
  readonly final: number;
  /** 1 = the model's first choice. */
  readonly rank: number;
  /** Bits, of the same three distributions. */
  readonly entropy: number;
  readonly entropyTempered: number;
  readonly entropyFinal: number;
  /** [K] the likeliest, best first, and their three probabilities. */
  readonly topIds: Int32Array;
  readonly topProbs: Float32Array;
  readonly topTempered: Float32Array;
  readonly topFinal: Float32Array;
  /** Text of every id in `topIds`. */
  readonly pieces: Readonly<Record<number, string>>;
  /** What each filter that is on took away, in the order they were applied. */
  readonly filters: readonly FilterStep[];
  /** Tokens that were left to draw from. */
  readonly keptCount: number;
  /** Null where there was nothing to draw: greedy. */
  readonly draw: Draw | null;
  /** Null: another token may follow. */
  readonly stop: StopReason | null;
  readonly reading: Reading;
  readonly cache: CacheSize;
  readonly attention?: LastTokenAttention;
}

/**
 * A draw by the inverse of the cumulative distribution: tokens stand side by side in falling order of their final probability
 * (equal ones in order of id), and the one is taken whose share of 0..1 holds the uniform number.
 */
export interface Draw {
  /** 0 <= uniform < 1 */
  readonly uniform: number;
  /** The token's share: from <= uniform < to. */
  readonly from: number;
  readonly to: number;
}

/** What was run to read `ids`. */
export interface Reading {
  /** Tokens run: a prompt is read at once (prefill), then one token at a time (decode). 0 where all were known. */
  readonly run: number;
  /** Tokens whose keys and values were known, and were not run. */
  readonly known: number;
  /** All were run anew though some were known: the model's rotary frequencies depend on the length of the text, and changed. */
  readonly reread: boolean;
  /** Milliseconds for running them, loading left out; and for the whole step. */
  readonly runMs: number;
  readonly stepMs: number;
}

/** The keys and values that are held, so that no token is run twice. */
export interface CacheSize {
  readonly positions: number;
  /** [layers] */
  readonly bytesPerLayer: readonly number[];
  readonly bytes: number;
}

/** Attention of the last token that was read: its row of every head. */
export interface LastTokenAttention {
  /** [layers, heads, T] A row and its sink, where there is one, sum to 1. */
  readonly weights: Float32Array;
  /** [layers, heads] the share that each head's sink takes; absent for a model without sinks. */
  readonly sinks?: Float32Array;
}
