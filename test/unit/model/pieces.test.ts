import { describe, expect, test } from 'vitest';
import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import { CancelledError } from '../../../src/core/errors.ts';
import { SCORE_BYTES } from '../../../src/core/memory.ts';
import { openLanguageModel } from '../../../src/model/languageModel.ts';
import { piecesOf, workOf, type SessionWork } from '../../../src/model/run/pieces.ts';
import { readModel } from '../../../src/model/describeModel.ts';
import { FIXTURES, native } from '../../golden/compare.ts';
import { folder } from './folder.ts';

/** GPT-2 124M in one session. */
const GPT2: SessionWork = { parameters: 85e6, perKey: 12 * 12 * (64 + 64 + 128), scoreBytes: 12 * 4 };

describe('the pieces of a text', () => {
  test('follow one another without a gap, and a short text is one', () => {
    for (const [past, tokens] of [
      [0, 1],
      [0, 40],
      [0, 257],
      [1000, 500],
      [0, 4096],
    ] as const) {
      const pieces = piecesOf(GPT2, past, tokens);
      expect(pieces[0]?.from).toBe(0);
      expect(pieces.at(-1)?.to).toBe(tokens);
      for (const [i, { from, to }] of pieces.entries()) {
        expect(to).toBeGreaterThan(from);
        expect(from).toBe(i === 0 ? 0 : pieces[i - 1]?.to);
      }
    }
    expect(piecesOf(GPT2, 0, 40)).toHaveLength(1);
    expect(piecesOf(GPT2, 0, 0)).toEqual([]);
  });

  test('are shorter the more keys and weights there are', () => {
    const sizes = piecesOf(GPT2, 0, 8192).map(({ from, to }) => to - from);
    expect(sizes.slice(0, -2)).toEqual(sizes.slice(0, -2).toSorted((a, b) => b - a));
    expect(sizes.at(-1)).toBeLessThan(sizes[0] ?? 0);
    const longest = (parameters: number): number => piecesOf({ ...GPT2, parameters }, 0, 1000)[0]?.to ?? 0;
    expect(longest(1e6)).toBeGreaterThan(longest(85e6));
    expect(longest(85e6)).toBeGreaterThan(longest(1e9));
    expect(longest(1e12)).toBeGreaterThan(0);
  });

  test('have tables of scores that stay small, however long the text is', () => {
    const light: SessionWork = { parameters: 1e3, perKey: 1, scoreBytes: 12 * 4 };
    for (const { from, to } of piecesOf(light, 0, 4096)) expect((to - from) * to * light.scoreBytes).toBeLessThanOrEqual(SCORE_BYTES);
    expect(piecesOf(light, 0, 1024)).toHaveLength(4);
  });

  test('know the weights of their layers', async () => {
    const { spec } = await readModel(folder(`${FIXTURES}/gpt2`), 'wasm');
    const layer = 12 * 64 ** 2 + 13 * 64;
    expect(workOf(spec, 0, 2).parameters).toBe(2 * layer);
    expect(workOf(spec, 1, 2).perKey).toBe(4 * (16 + 16 + 128));
  });
});

test('a native run tells its pieces, and stops between two of them', async () => {
  const cut = (_: SessionWork, _past: number, tokens: number) =>
    Array.from({ length: Math.ceil(tokens / 8) }, (_one, i) => ({ from: 8 * i, to: Math.min(8 * (i + 1), tokens) }));
  const model = await openLanguageModel(folder(`${FIXTURES}/llama`), native(), cut);
  const run = runOf(
    Array.from({ length: 40 }, (_, i) => i + 1),
    UNCHANGED,
  );
  const told: number[] = [];
  await model.run(run, ({ stage, done, total }) => stage === 'forward' && told.push(done / total));
  // Five pieces, each through the sessions of two layers.
  expect(told).toEqual(Array.from({ length: 11 }, (_, i) => i / 10));
  let heard = 0;
  const stopped = model.run(run, ({ stage }) => {
    if (stage === 'forward' && ++heard === 3) throw new CancelledError();
  });
  await expect(stopped).rejects.toThrow(CancelledError);
  expect(heard).toBe(3);
  // A sequence keeps what was read before.
  const sequence = model.sequence();
  heard = 0;
  const reading = sequence.read(run, ({ stage }) => {
    if (stage === 'forward' && ++heard === 5) throw new CancelledError();
  });
  await expect(reading).rejects.toThrow(CancelledError);
  expect(await sequence.read(run)).toEqual({ run: 24, known: 16, reread: false });
  await model.dispose();
});
