import { expect, test } from 'vitest';
import {
  meanOfSequences,
  randomTokens,
  REPEATED_SCORES,
  repeatedReading,
  repeatedSamples,
  type RepeatedHeads,
} from '../../../src/core/repeatedTokens.ts';

test('scores are the sums of the diagonals that each names', () => {
  // A first token and three random ones twice.
  const cells = repeatedReading(1, 3, 1).sums.map(({ keys, samples }) => ({
    cells: keys.flatMap((of, query) => Array.from(of, (key) => [query, key])),
    samples,
  }));
  expect(cells).toEqual([
    {
      cells: [
        [2, 1],
        [3, 2],
        [4, 3],
        [5, 4],
        [6, 5],
      ],
      samples: 5,
    },
    {
      cells: [
        [4, 2],
        [5, 3],
        [6, 4],
      ],
      samples: 3,
    },
    {
      cells: [
        [4, 1],
        [5, 2],
        [6, 3],
      ],
      samples: 3,
    },
    {
      cells: [
        [4, 0],
        [5, 0],
        [6, 0],
      ],
      samples: 3,
    },
  ]);
});

test('random tokens are the same each time, other ones in each sequence, and ordinary', () => {
  const even = (id: number): boolean => id % 2 === 0;
  const drawn = [0, 1].map((sequence) => randomTokens(sequence, 50, 1000, even) ?? []);
  expect(drawn[0]).toEqual(randomTokens(0, 50, 1000, even));
  expect(drawn[0]).not.toEqual(drawn[1]);
  for (const id of drawn.flat()) expect([id % 2, id >= 20 && id < 500]).toEqual([0, true]);
  expect(new Set(drawn.flat()).size).toBeGreaterThan(60);
  expect(randomTokens(0, 50, 1000, () => false)).toBeUndefined();
});

test('several sequences are one mean', () => {
  const part = (sequence: number, score: number, bits: number): RepeatedHeads => ({
    sequence,
    tokens: 50,
    begins: true,
    scores: new Float32Array(REPEATED_SCORES.length).fill(score),
    firstBits: bits,
    secondBits: bits / 2,
    thumbnailSize: 0,
    thumbnails: new Uint8Array(0),
  });
  const mean = meanOfSequences([part(0, 0.25, 10), part(1, 0.75, 20)]);
  expect([mean?.scores[1], mean?.firstBits, mean?.secondBits]).toEqual([0.5, 15, 7.5]);
  expect(repeatedSamples(part(0, 0, 0), 2)).toEqual({ previous: 198, induction: 100, duplicate: 100, first: 100 });
  expect(meanOfSequences([])).toBeUndefined();
});
