import { surprisalBits } from '../core/probability.ts';
import type { CallContext } from '../core/progress.ts';
import { partOf, runOf, UNCHANGED, type Run } from '../core/run.ts';
import {
  checkRule,
  scoringWindows,
  windowAfter,
  windowBegin,
  type ScoringWindow,
  type TextScores,
  type WindowRule,
} from '../core/scoringWindows.ts';
import type { PartScores } from '../core/fileScores.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Token } from '../core/trace.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import { lastResidual, rowsBetween, targetLogprob } from './traceRows.ts';

/** Rows unembedded between two places to stop at. */
const CHUNK_ROWS = 64;

/** Scores of the tokens from `window.scoredFrom` to `window.end` - 1; axes and units as in `TextScores`. */
export interface WindowScores extends PartScores {
  readonly window: ScoringWindow;
}

/**
 * Scores a text of any length window by window, in order; no window of it is kept. Reports the tokens scored of those there are, and
 * stops wherever the model's own run can. Throws RangeError for a rule without meaning, UserError for ids that the model cannot read.
 */
export async function* windowScores(model: LanguageModel, run: Run, rule: WindowRule, context: CallContext): AsyncGenerator<WindowScores> {
  const total = run.ids.length;
  for (const window of scoringWindows(total, rule))
    yield await scoreWindow(model, partOf(run, window.begin, window.end), window, total, context);
}

/** Scores one window of a text of `total` tokens. `run`: the window's own tokens. */
async function scoreWindow(
  model: LanguageModel,
  run: Run,
  window: ScoringWindow,
  total: number,
  context: CallContext,
): Promise<WindowScores> {
  const { begin, end, scoredFrom } = window;
  const count = Math.max(0, end - scoredFrom);
  // Of the time a window takes, running it is nearly all.
  const report = (done: number, of: number): Promise<void> =>
    context.progress({ stage: 'windows', done: scoredFrom + Math.floor((count * done) / of), total });
  if (count === 0) return { window, logprob: new Float32Array(), rank: new Int32Array(), entropy: new Float32Array() };
  const trace = await model.run(run, (progress) =>
    progress.stage === 'load' ? context.progress(progress) : report(progress.done, progress.total),
  );
  const { ids } = run;
  const rows = rowsBetween(lastResidual(trace), scoredFrom - begin - 1, ids.length - 1);
  const { logprob, rank, entropy } = await scoreRows(model, rows, ids.subarray(scoredFrom - begin), context.checkpoint);
  await report(1, 1);
  return { window, logprob, rank, entropy };
}

/**
 * Scores of the tokens `ids` that follow each of the residual's `rows` [N, D]; axes and units as in `TextScores`. Stops between some rows
 * and the next.
 */
export async function scoreRows(
  model: LanguageModel,
  rows: Tensor,
  ids: Int32Array,
  checkpoint: CallContext['checkpoint'],
): Promise<PartScores> {
  const count = ids.length;
  const scores = { logprob: new Float32Array(count), rank: new Int32Array(count), entropy: new Float32Array(count) };
  for (let first = 0; first < count; first += CHUNK_ROWS) {
    const end = Math.min(first + CHUNK_ROWS, count);
    const stats = await model.unembed(rowsBetween(rows, first, end), 1, ids.slice(first, end));
    for (let i = 0; i < end - first; i++) scores.logprob[first + i] = targetLogprob(stats, i);
    scores.rank.set(stats.targetRank, first);
    scores.entropy.set(stats.entropyBits, first);
    await checkpoint();
  }
  return scores;
}

/** Tokens of a text, in order, with their scores. */
export interface ScoredTokens {
  readonly tokens: readonly Token[];
  /** [tokens] natural log of the probability; NaN: nothing in its window precedes the token. */
  readonly logprob: Float32Array;
}

/**
 * Scores a text whose tokens come in parts, window by window: the same numbers as `scoreText`, but no more than a window's tokens and one
 * part are held. Throws as `windowScores` does, and what `parts` throws.
 */
export async function* scoreParts(
  model: LanguageModel,
  parts: Iterable<readonly Token[]>,
  rule: WindowRule,
  context: CallContext,
): AsyncGenerator<ScoredTokens> {
  checkRule(rule);
  /** Tokens from `base` on. */
  let held: readonly Token[] = [];
  let base = 0;
  let total = 0;
  const coming = parts[Symbol.iterator]();
  for (let last: ScoringWindow | null = null; ;) {
    const begin = windowBegin(last, rule);
    held = held.slice(begin - base);
    base = begin;
    while (held.length < rule.length) {
      const part = coming.next();
      if (part.done === true) break;
      held = [...held, ...part.value];
      total += part.value.length;
    }
    const scored: number = last?.end ?? 0;
    if (total <= scored) return;
    last = windowAfter(last, total, rule);
    const own = held.slice(0, last.end - base);
    const ids = Int32Array.from(own, ({ id }) => id);
    const scores = await scoreWindow(model, runOf(ids, UNCHANGED), last, total, context);
    const tokens = own.slice(scored - base);
    const logprob = new Float32Array(tokens.length).fill(NaN);
    logprob.set(scores.logprob, tokens.length - scores.logprob.length);
    yield { tokens, logprob };
  }
}

/** The scores of all windows together. */
export async function scoreText(model: LanguageModel, run: Run, rule: WindowRule, context: CallContext): Promise<TextScores> {
  const { length } = run.ids;
  const windows: ScoringWindow[] = [];
  const logprob = new Float32Array(length).fill(NaN);
  const rank = new Int32Array(length);
  const entropy = new Float32Array(length).fill(NaN);
  for await (const scores of windowScores(model, run, rule, context)) {
    const { scoredFrom } = scores.window;
    windows.push(scores.window);
    logprob.set(scores.logprob, scoredFrom);
    rank.set(scores.rank, scoredFrom);
    entropy.set(scores.entropy, scoredFrom);
  }
  return { windows, logprob, bits: logprob.map(surprisalBits), rank, entropy };
}
