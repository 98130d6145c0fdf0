import { describe, expect, test } from 'vitest';
import { meanBits, paintedRanges, surprisalBits } from '../../../src/host/editor/surprisal.ts';
import { explanationOf } from './explanations.ts';

const place = (start: number, end: number, level: number) => ({ start, end, level });

test('surprisal is minus the binary logarithm of the probability, and unknown where nothing predicted', () => {
  const explanation = explanationOf([
    { text: 'a', probability: null },
    { text: 'b', probability: 1 },
    { text: 'c', probability: 0.125 },
  ]);
  expect([0, 1, 2, 3].map((i) => surprisalBits(explanation, i))).toEqual([null, 0, expect.closeTo(3, 5), null]);
  expect(meanBits(explanation)).toBeCloseTo(1.5, 5);
});

describe('painted ranges', () => {
  test('join neighbours of one level only', () => {
    expect(paintedRanges([place(0, 2, 0), place(2, 4, 0), place(4, 5, 4), place(6, 8, 0)])).toEqual([
      [
        { start: 0, end: 4 },
        { start: 6, end: 8 },
      ],
      [],
      [],
      [],
      [{ start: 4, end: 5 }],
    ]);
  });

  test('give a shared character to the more surprising token', () => {
    expect(paintedRanges([place(0, 2, 2), place(0, 2, 4), place(1, 3, 0)])).toEqual([
      [{ start: 2, end: 3 }],
      [],
      [],
      [],
      [{ start: 0, end: 2 }],
    ]);
  });

  test('leave out tokens without text or prediction', () => {
    expect(paintedRanges([place(0, 0, 2), place(0, 3, -1)]).flat()).toEqual([]);
  });

  test('are at most a thousand, the most surprising first', () => {
    const tokens = Array.from({ length: 3000 }, (_, i) => place(i * 2, i * 2 + 1, i % 3 === 0 ? 4 : 0));
    const levels = paintedRanges(tokens);
    expect(levels[4]).toHaveLength(1000);
    expect(levels[0]).toHaveLength(0);
  });
});
