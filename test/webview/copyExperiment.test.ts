import { expect, it } from 'vitest';
import type { ModelInfo } from '../../src/core/trace.ts';
import { byInduction, headNames, RANDOM_DRAWS, randomHeads } from '../../webview/figures/copyExperiment.ts';

const MODEL = { layers: 2, heads: 3 } as ModelInfo;
/** Four scores a head; the second is that of induction. */
const scores = Float32Array.from(
  [0.1, 0.5, 0.2].flatMap((score) => [9, score, 9, 9]).concat([0.3, 0.6, 0.4].flatMap((score) => [9, score, 9, 9])),
);

it('ranks heads by their induction score', () => {
  expect(byInduction({ scores }, MODEL).map(({ layer, head }) => [layer, head])).toEqual([
    [1, 1],
    [0, 1],
    [1, 2],
    [1, 0],
    [0, 2],
    [0, 0],
  ]);
});

it('draws as many other heads, none twice in a draw, the same every time, and not the same in every draw', () => {
  const others = byInduction({ scores }, MODEL).slice(2);
  const draws = randomHeads(others, 2);
  expect(draws).toHaveLength(RANDOM_DRAWS);
  for (const draw of draws) {
    expect(new Set(draw.map((head) => JSON.stringify(head))).size).toBe(2);
    for (const head of draw) expect(others).toContainEqual(expect.objectContaining(head));
  }
  expect(randomHeads(others, 2)).toEqual(draws);
  expect(new Set(draws.map(headNames)).size).toBeGreaterThan(2);
  expect(randomHeads(others, 9).every((draw) => draw.length === 4)).toBe(true);
});
