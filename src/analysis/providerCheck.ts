import { effectiveMaps, hasAttention } from '../core/recurrence.ts';
import { logSumExp } from '../core/probability.ts';
import { PROVIDER_NAMES } from '../core/runtimeChoice.ts';
import { runOf, UNCHANGED } from '../core/run.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { ProvidedRuntime } from '../model/run/runtime.ts';
import { lastResidual } from './traceRows.ts';

/** The text of the self-check, and most tokens of it. */
export const CHECKED_TEXT = 'The quick brown fox jumps over the lazy dog, and 17 foxes watch.';
const CHECKED_TOKENS = 16;

/**
 * Largest difference between a log-probability (nats) or attention weight of an execution provider and the CPU's with which the
 * provider is used: a probability is then one percent off. Arithmetic in float32 stays a hundred times below, in float16 it does not.
 */
export const MOST_DIFFERENCE = 0.01;

/** What the self-check compares. */
export interface Checked {
  /** [T, V] logits. */
  readonly logits: Float32Array;
  /** Rows of `logits`. */
  readonly tokens: number;
  /** Attention weights of all heads in each layer that has any, and the effective attention of what is in their place or beside them. */
  readonly attention: readonly Float32Array[];
}

/** The numbers of the self-check by one model. `ids`: the text's tokens; the first few are read. */
export async function checkedNumbers(model: LanguageModel, ids: Int32Array): Promise<Checked> {
  const run = runOf(ids.slice(0, Math.min(CHECKED_TOKENS, model.info.contextLength)), UNCHANGED);
  const trace = await model.run(run);
  const { data: logits } = await model.logits(lastResidual(trace));
  const attention: Float32Array[] = [];
  for (let layer = 0; layer < model.info.layers; layer++) {
    if (hasAttention(model.info, layer)) attention.push((await model.attention(trace, layer)).data);
    if (effectiveMaps(model.info, layer) > 0) attention.push((await model.effectiveAttention(trace, layer)).data);
  }
  return { logits, tokens: run.ids.length, attention };
}

/** Accepts the provider by the numbers it gave, or gives it up. */
export function judge({ provider, accept, giveUp }: ProvidedRuntime, cpu: Checked, other: Checked): void {
  const difference = largestDifference(cpu, other);
  const [name, off] = [PROVIDER_NAMES[provider], difference.toPrecision(2)];
  if (difference <= MOST_DIFFERENCE) return accept(difference);
  giveUp(
    msg`The execution provider ${name} is ${off} off the CPU in a self-check, more than ${MOST_DIFFERENCE}, so the CPU computes.`,
    `The largest difference of a log-probability or attention weight is ${difference}.`,
  );
}

/** NaN where one side has a number that is none. */
function largestDifference(cpu: Checked, other: Checked): number {
  const pairs = [
    [logProbabilities(cpu), logProbabilities(other)] as const,
    ...cpu.attention.map((weights, layer) => [weights, other.attention[layer] ?? new Float32Array(0)] as const),
  ];
  let largest = 0;
  for (const [ours, theirs] of pairs) {
    for (const [i, value] of ours.entries()) {
      const difference = Math.abs(value - (theirs[i] ?? Number.NaN));
      // Equal infinities, as of a token that is masked, differ by nothing.
      if (value !== theirs[i] && !(difference <= largest)) largest = difference;
      if (Number.isNaN(largest)) return largest;
    }
  }
  return largest;
}

/** [T, V] natural log-probabilities. */
function logProbabilities({ logits, tokens }: Checked): Float64Array {
  const vocab = logits.length / tokens;
  const all = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += vocab) {
    const row = logits.subarray(start, start + vocab);
    const total = logSumExp(row);
    for (const [i, logit] of row.entries()) all[start + i] = logit - total;
  }
  return all;
}
