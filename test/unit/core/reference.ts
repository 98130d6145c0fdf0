import { readFileSync } from 'node:fs';

interface Reference {
  readonly distributions: readonly { logits: number[]; temperature: number; probs: number[]; entropy: number; lse: number }[];
  readonly warpers: readonly { logits: number[]; settings: { temperature: number; topK: number; topP: number; minP: number }; final: number[] }[];
  readonly components: readonly { dims: [number, number]; rows: number[]; skipFirst: boolean; points: number[]; explained: number[] }[];
  readonly heads: { ids: number[]; weights: number[]; dims: number[]; metrics: number[][]; size: number; thumbnails: number[] };
}

/** What NumPy and transformers computed: see test/reference/core_reference.py. */
export const reference = JSON.parse(readFileSync(new URL('../../fixtures/core/reference.json', import.meta.url), 'utf8')) as Reference;

/** Largest absolute difference of two arrays of equal length; NaN where either has NaN. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
