import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { scoreText, windowScores } from '../../src/analysis/windowScores.ts';
import { CancelledError, UserError } from '../../src/core/errors.ts';
import type { CallContext, Progress } from '../../src/core/progress.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { meanScores } from '../../src/core/scoringWindows.ts';
import { openLanguageModel } from '../../src/model/languageModel.ts';
import { expectNearShare } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, wasm } from './compare.ts';

interface Expected {
  readonly ids: readonly number[];
  readonly cases: readonly {
    readonly length: number;
    readonly stride: number;
    readonly logprob: readonly (number | null)[];
    readonly rank: readonly number[];
    /** Token -> the least and the greatest rank it may have, where other logits are as good as equal. */
    readonly ties: Readonly<Record<string, readonly [number, number]>>;
    readonly perplexity: number;
  }[];
}
const EXPECTED = JSON.parse(readFileSync(`${FIXTURES}/windowScores.json`, 'utf8')) as Record<string, Expected>;
const CASES = Object.entries(EXPECTED).flatMap(([name, { ids, cases }]) =>
  cases.map((one) => [name, one.length, one.stride, { ids, ...one }] as const),
);
const QUIET: CallContext = { progress: async () => undefined, checkpoint: async () => undefined };

describe.each([
  ['WASM', wasm],
  ['native', native],
])('%s', (_, runtime) => {
  test.each(CASES)('%s scores a text in windows of %d tokens, %d apart, as transformers does', async (name, length, stride, expected) => {
    const model = await openLanguageModel(folder(`${FIXTURES}/${name}`), await runtime());
    const scores = await scoreText(model, runOf(expected.ids, UNCHANGED), { length, stride }, QUIET);
    const scored = expected.logprob.flatMap((logprob, token) => (logprob === null ? [] : [token]));
    expect([...scores.logprob.keys()].filter((token) => !Number.isNaN(scores.logprob[token]))).toEqual(scored);
    const own = scored.map((token) => scores.logprob[token] ?? NaN);
    const theirs = scored.map((token) => expected.logprob[token] ?? NaN);
    expectNearShare(own, theirs, 2e-5, 'logprob');
    expectNearShare(
      scored.map((token) => scores.bits[token] ?? NaN),
      theirs.map((logprob) => -logprob / Math.LN2),
      2e-5,
      'bits',
    );
    expect(Object.keys(expected.ties).length).toBeLessThan(scored.length / 10);
    const ranks = expected.rank.map((rank, token) => {
      const [least, greatest] = expected.ties[token] ?? [rank, rank];
      return Math.min(greatest, Math.max(least, scores.rank[token] ?? NaN));
    });
    expect([...scores.rank]).toEqual(ranks);
    expect(scored.every((token) => (scores.entropy[token] ?? NaN) > 0)).toBe(true);
    expect(meanScores(scores).scored).toBe(scored.length);
    expect(Math.abs(meanScores(scores).perplexity / expected.perplexity - 1)).toBeLessThan(1e-5);
    await model.dispose();
  });
});

describe('scoring window by window', () => {
  const ids = EXPECTED['gpt2']?.ids ?? [];
  const run = runOf(ids, UNCHANGED);
  const rule = { length: 64, stride: 48 };

  test('tells how many of the tokens are done, and ends with all', async () => {
    const model = await openLanguageModel(folder(`${FIXTURES}/gpt2`), await wasm());
    const told: Progress[] = [];
    await scoreText(model, run, rule, { ...QUIET, progress: async (progress) => void told.push(progress) });
    const windows = told.filter(({ stage }) => stage === 'windows');
    expect(told.filter(({ stage }) => stage !== 'windows').every(({ stage }) => stage === 'load')).toBe(true);
    expect(windows.map(({ done }) => done)).toEqual(windows.map(({ done }) => done).toSorted((a, b) => a - b));
    expect(windows.at(-1)).toEqual({ stage: 'windows', done: ids.length, total: ids.length });
    // Layers within a window are told too.
    expect(windows.length).toBeGreaterThan(2 * 4);
    await model.dispose();
  });

  test('stops within a window, with what was scored before', async () => {
    const model = await openLanguageModel(folder(`${FIXTURES}/gpt2`), await wasm());
    const seen: number[] = [];
    const stopping = {
      ...QUIET,
      progress: async ({ stage, done }: Progress) => {
        if (stage === 'windows' && done > 120) throw new CancelledError();
      },
    };
    const scoring = async (): Promise<void> => {
      for await (const { window } of windowScores(model, run, rule, stopping)) seen.push(window.end);
    };
    await expect(scoring()).rejects.toThrow(CancelledError);
    expect(seen).toEqual([64, 112]);
    await model.dispose();
  });

  test('refuses windows that the model cannot read, in a sentence', async () => {
    const model = await openLanguageModel(folder(`${FIXTURES}/gpt2`), await wasm());
    await expect(scoreText(model, run, { length: 65, stride: 1 }, QUIET)).rejects.toThrow(UserError);
    await expect(scoreText(model, run, { length: 64, stride: 65 }, QUIET)).rejects.toThrow(RangeError);
    await model.dispose();
  });
});
