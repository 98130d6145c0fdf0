import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { scoreParts, scoreText } from '../../src/analysis/windowScores.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import type { WindowRule } from '../../src/core/scoringWindows.ts';
import type { Token } from '../../src/core/trace.ts';
import { openLanguageModel, type LanguageModel } from '../../src/model/languageModel.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, wasm } from './compare.ts';

interface Rolling {
  readonly ids: readonly number[];
  readonly cases: readonly { readonly length: number; readonly last: number; readonly logprob: readonly (number | null)[] }[];
}
const ROLLING = (
  JSON.parse(readFileSync(`${FIXTURES}/rollingScores.json`, 'utf8')) as { readonly rolling: Readonly<Record<string, Rolling>> }
).rolling;
const CASES = Object.entries(ROLLING).flatMap(([name, { ids, cases }]) => cases.map((one) => [name, one.length, ids, one] as const));

const token = (id: number, index: number): Token => ({
  index,
  id,
  text: '',
  bytes: [],
  start: index,
  end: index + 1,
  special: false,
  partial: false,
});

/** Scores of ids whose tokens come in parts of these lengths, over and over. */
async function inParts(
  model: LanguageModel,
  ids: readonly number[],
  lengths: readonly number[],
  rule: WindowRule,
): Promise<{ readonly tokens: readonly Token[]; readonly logprob: readonly number[] }> {
  const parts: Token[][] = [];
  for (let from = 0; from < ids.length;) {
    const length = lengths[parts.length % lengths.length] ?? 1;
    parts.push(ids.slice(from, from + length).map((id, i) => token(id, from + i)));
    from += length;
  }
  const tokens: Token[] = [];
  const logprob: number[] = [];
  for await (const scored of scoreParts(model, parts, rule, UNWATCHED)) {
    tokens.push(...scored.tokens);
    logprob.push(...scored.logprob);
  }
  return { tokens, logprob };
}

describe.each([
  ['WASM', wasm],
  ['native', native],
])('%s', (_, runtime) => {
  test.each(CASES)(
    '%s: windows that share a token score as lm-eval does with at most %d, but for the last',
    async (name, length, ids, one) => {
      const model = await openLanguageModel(folder(`${FIXTURES}/${name}`), await runtime());
      const { logprob } = await inParts(model, ids, [ids.length], { length: length + 1, stride: length });
      const same = ids.length - (one.last === length ? 0 : one.last);
      expect(same).toBeGreaterThan(length);
      expect(logprob[0]).toBeNaN();
      for (let i = 1; i < same; i++) expect(Math.abs((logprob[i] ?? NaN) - (one.logprob[i] ?? NaN))).toBeLessThan(1e-4);
      // Its last window reaches back where ours does not.
      if (one.last < length) expect(Math.abs((logprob.at(-1) ?? NaN) - (one.logprob.at(-1) ?? NaN))).toBeGreaterThan(1e-3);
      await model.dispose();
    },
  );
});

test.each([
  [[1], { length: 64, stride: 16 }],
  [[7, 0, 50], { length: 64, stride: 64 }],
  [[40, 200], { length: 40, stride: 39 }],
  [[5], { length: 9, stride: 9 }],
])('tokens that come in parts of %j have the scores of the whole text', async (lengths, rule) => {
  const model = await openLanguageModel(folder(`${FIXTURES}/llama`), await wasm());
  const ids = ROLLING['llama']?.ids ?? [];
  for (const count of [ids.length, 65, 64, 1, 0]) {
    const own = ids.slice(0, count);
    const { tokens, logprob } = await inParts(model, own, lengths, rule);
    expect(tokens.map(({ id, index }) => [id, index])).toEqual(own.map((id, index) => [id, index]));
    expect(logprob).toEqual([...(await scoreText(model, runOf(own, UNCHANGED), rule, UNWATCHED)).logprob]);
  }
  await expect(inParts(model, ids, [1], { length: 64, stride: 65 })).rejects.toThrow(RangeError);
  await model.dispose();
});
