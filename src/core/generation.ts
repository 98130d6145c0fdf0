import type { Draw, SamplingSettings } from './sampling.ts';
import type { Run } from './run.ts';
import type { Explanation, Token } from './trace.ts';
import type { FilterStep } from './generationRules.ts';

/** One step of generation: the tokens to read and how to draw the next. The result depends on nothing else. */
export interface StepRequest {
  /** All tokens before the new one: the prompt, then the generated tokens. */
  readonly run: Run;
  /** Length of the prompt in tokens, for rules that count new tokens. Absent: the whole run. */
  readonly prompt?: number;
  /** Temperature 0 is greedy: the first of the most likely tokens. */
  readonly sampling: SamplingSettings;
  /** Whole number from 0 to 2^53 - 1. The draw is decided by the seed and the new token's position. */
  readonly seed: number;
  /** Number of candidates returned. */
  readonly topK: number;
  /** Whether to continue past an end-of-sequence token. */
  readonly pastEnd?: boolean;
  /** Whether to return the last token's attention in every layer and head as well. */
  readonly attention?: boolean;
}

/** Tokens generated after a text, with the model and the reading they belong to; under any other they mean nothing. */
export interface Continuation {
  readonly model: string;
  readonly chat: boolean;
  readonly ids: readonly number[];
}

/** The prompt of an explanation: its tokens that were not generated, and their text. */
export function promptOf({ text, tokens, generated = 0 }: Explained): Pick<Explanation, 'text' | 'tokens'> {
  const first = generated === 0 ? undefined : tokens[tokens.length - generated];
  return { text: text.slice(0, first?.start ?? text.length), tokens: tokens.slice(0, tokens.length - generated) };
}

/** The tokens of an explanation that were generated after its text. */
export function generatedOf({ tokens, generated = 0 }: Explained): readonly Token[] {
  return tokens.slice(tokens.length - generated);
}

type Explained = Pick<Explanation, 'text' | 'tokens' | 'generated'>;

/** Why nothing may follow the new token: the model said so, or its context is full. */
export type StopReason = 'eos' | 'context';

/** Result of one step of generation: the distribution after the run, its filtering, and the token drawn. */
export interface GenerationStep {
  /** Index of the new token, which is the number of ids before it. */
  readonly position: number;
  readonly id: number;
  /** The token's own text; part of a character shows as U+FFFD. */
  readonly text: string;
  /** The token's probability: by the model; after its rules, at the temperature; and after filtering, the one used for the draw. */
  readonly prob: number;
  readonly tempered: number;
  readonly final: number;
  /** 1 = the model's first choice. */
  readonly rank: number;
  /** Entropy in bits of the same three distributions. */
  readonly entropy: number;
  readonly entropyTempered: number;
  readonly entropyFinal: number;
  /** [K] the most likely tokens, best first, and their three probabilities. */
  readonly topIds: Int32Array;
  readonly topProbs: Float32Array;
  readonly topTempered: Float32Array;
  readonly topFinal: Float32Array;
  /** Text of every id in `topIds`. */
  readonly pieces: Readonly<Record<number, string>>;
  /** Effect of each active rule of the model and each active filter, in order of application. */
  readonly filters: readonly FilterStep[];
  /** The greedy choice, where the model's rules make it differ from the model's first choice. */
  readonly greedy?: { readonly id: number; readonly text: string; readonly prob: number };
  /** Number of tokens left to draw from. */
  readonly keptCount: number;
  /** Null for greedy decoding, where nothing is drawn. */
  readonly draw: Draw | null;
  /** Null: another token may follow. */
  readonly stop: StopReason | null;
  readonly reading: Reading;
  readonly cache: CacheSize;
  readonly attention?: LastTokenAttention;
}

/** The work done to read the tokens before the new one. */
export interface Reading {
  /** Number of tokens run: a prompt at once (prefill), then one token at a time (decode). 0 where all were cached. */
  readonly run: number;
  /** Number of tokens that were not run because their keys and values were cached. */
  readonly known: number;
  /** Whether cached tokens were run again: the model's rotary frequencies depend on the length of the text, and changed. */
  readonly reread: boolean;
  /** Milliseconds for running those tokens, without loading; and for the whole step. */
  readonly runMs: number;
  readonly stepMs: number;
}

/** Size of the cache of keys and values, which keeps any token from being run twice. */
export interface CacheSize {
  readonly positions: number;
  /** [layers] */
  readonly bytesPerLayer: readonly number[];
  readonly bytes: number;
}

/** Attention weights of the last token that was read: its row in every head. */
export interface LastTokenAttention {
  /** [layers, heads, T] A row and its sink, where there is one, sum to 1. */
  readonly weights: Float32Array;
  /** [layers, heads] weight of each head's sink; absent for a model without sinks. */
  readonly sinks?: Float32Array;
}
