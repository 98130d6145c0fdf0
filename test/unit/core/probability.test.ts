import { describe, expect, it, test } from 'vitest';
import {
  argmax,
  entropyBits,
  logSumExp,
  normalQuantile,
  rankOf,
  softmax,
  surprisalBits,
  topIndices,
} from '../../../src/core/probability.ts';
import { largestDifference } from '../../closeness.ts';
import { reference } from './reference.ts';

describe('softmax, log-sum-exp and entropy', () => {
  test.each(reference.distributions.map((one, index) => ({ index, ...one })))(
    'equal PyTorch in float64 (case $index, temperature $temperature)',
    ({ logits, temperature, probs, entropy, lse }) => {
      const own = softmax(logits, temperature);
      expect(largestDifference(own, probs)).toBeLessThan(1e-7);
      expect(entropyBits(own)).toBeCloseTo(entropy, 5);
      expect(logSumExp(logits.map((logit) => logit / temperature))).toBeCloseTo(lse, 6);
    },
  );

  test('temperature 0 puts all mass on the first largest logit', () => {
    expect([...softmax([1, 5, 5, 2], 0)]).toEqual([0, 1, 0, 0]);
  });

  test('a distribution of nothing is nothing, not NaN', () => {
    expect([...softmax([])]).toEqual([]);
    expect(logSumExp([])).toBe(-Infinity);
  });

  test('one bit of surprisal is half the probability', () => {
    expect(surprisalBits(Math.log(0.5))).toBeCloseTo(1, 12);
  });
});

describe('ranks and largest values', () => {
  test('equal logits share the best rank', () => {
    expect([0, 1, 2, 3].map((index) => rankOf([3, 9, 3, 1], index))).toEqual([2, 1, 2, 4]);
  });

  test('the k largest come falling, equal ones by index, as a full sort would give them', () => {
    const values = Float32Array.from({ length: 997 }, (_, i) => Math.round(Math.sin(i * 12.9898) * 50));
    const sorted = Array.from(values.keys()).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
    for (const count of [0, 1, 2, 10, 996, 997, 5000]) expect([...topIndices(values, count)]).toEqual(sorted.slice(0, count));
  });

  test('argmax is the first of equals', () => {
    expect(argmax([1, 7, 7])).toBe(1);
  });
});

describe('normalQuantile', () => {
  // Of scipy.stats.norm.ppf.
  it.each([
    [0.5, 0],
    [0.95, 1.6448536269514722],
    [0.6, 0.2533471031357997],
    [0.3, -0.5244005127080407],
    [1e-6, -4.753424308822899],
    [1 - 2 ** -24, 5.294704085064098],
  ])('of %d is %d', (probability, expected) => {
    expect(normalQuantile(probability)).toBeCloseTo(expected, 7);
  });
});
