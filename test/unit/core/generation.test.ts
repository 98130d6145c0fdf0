import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { promptOf } from '../../../src/core/generation.ts';
import { philox, uniformAt } from '../../../src/core/random.ts';
import { draw, sample, type SamplingSettings } from '../../../src/core/sampling.ts';
import type { Token } from '../../../src/core/trace.ts';
import { largestDifference } from '../../closeness.ts';

interface Expected {
  readonly draws: readonly { readonly seed: number; readonly index: number; readonly uniform: number }[];
  readonly filters: readonly {
    readonly name: string;
    readonly logits: readonly number[];
    readonly settings: SamplingSettings;
    readonly kept: readonly number[];
    readonly final: readonly number[];
  }[];
}
const EXPECTED = JSON.parse(readFileSync('test/fixtures/core/generation.json', 'utf8')) as Expected;
const ALL = 0xffffffff;

describe('random numbers', () => {
  test.each([
    { counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    { counter: [ALL, ALL, ALL, ALL], key: [ALL, ALL], words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd] },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ] as const)("are the known answers of Philox's authors", ({ counter, key, words }) => expect(philox(counter, key)).toEqual(words));

  test('are those of whole-number arithmetic in Python to the last bit', () => {
    for (const { seed, index, uniform } of EXPECTED.draws) expect(uniformAt(seed, index)).toBe(uniform);
  });

  test('are spread evenly from 0 to 1, neighbours of a seed apart', () => {
    const tenths = Array.from({ length: 10_000 }, (_, index) => Math.floor(uniformAt(5, index) * 10));
    for (let tenth = 0; tenth < 10; tenth++) expect(Math.abs(tenths.filter((one) => one === tenth).length - 1000)).toBeLessThan(150);
    expect(new Set(Array.from({ length: 1000 }, (_, seed) => uniformAt(seed, 0))).size).toBe(1000);
  });

  test.each([
    [-1, 0],
    [0.5, 0],
    [2 ** 53, 0],
    [Number.NaN, 0],
    [0, -1],
  ])('are refused for seed %d and index %d', (seed, index) => expect(() => uniformAt(seed, index)).toThrow(RangeError));
});

describe('filters at the edges of their settings', () => {
  test.each(EXPECTED.filters.map((one) => ({ ...one, set: JSON.stringify(one.settings) })))(
    '$name, $set: what transformers keeps',
    ({ logits, settings, kept, final }) => {
      const found = sample(Float32Array.from(logits), settings);
      expect([...found.kept]).toEqual(kept);
      expect(largestDifference(found.final, final)).toBeLessThan(1e-6);
      expect(found.steps.reduce((left, { dropped }) => left - dropped, logits.length)).toBe(found.keptCount);
      for (const { removed } of found.steps) expect(removed >= 0 && removed < 1).toBe(true);
    },
  );

  test('a temperature next to 0 is the likeliest token', () => {
    expect([...sample(Float32Array.of(1, 3, 2), { temperature: 1e-320, topK: 0, topP: 1, minP: 0 }).final]).toEqual([0, 1, 0]);
  });

  test('a vocabulary too large to be sorted whole is cut at the same place', () => {
    const logits = Float32Array.from({ length: 70_000 }, (_, id) => Math.sin(id * 12.9898) * 6);
    const { final, kept, keptCount } = sample(logits, { temperature: 1, topK: 0, topP: 0.6, minP: 0 });
    const least = logits.reduce((low, logit, id) => (kept[id] === 1 ? Math.min(low, logit) : low), Infinity);
    expect(logits.filter((logit) => logit > least).length).toBeLessThan(keptCount);
    expect(logits.filter((logit) => logit >= least).length).toBeGreaterThanOrEqual(keptCount);
    expect(final.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4);
  });
});

describe('a draw', () => {
  const final = Float32Array.of(0.125, 0.5, 0, 0.125, 0.25);
  test.each([
    { uniform: 0, index: 1, from: 0, to: 0.5 },
    { uniform: 0.4999, index: 1, from: 0, to: 0.5 },
    { uniform: 0.5, index: 4, from: 0.5, to: 0.75 },
    { uniform: 0.75, index: 0, from: 0.75, to: 0.875 },
    { uniform: 0.9999999999999999, index: 3, from: 0.875, to: 1 },
  ])('of $uniform takes the token whose share holds it', (expected) => expect(draw(final, expected.uniform)).toEqual(expected));

  test('never takes a token that was filtered out, even where rounding left the sum below the number', () => {
    expect(draw(Float32Array.of(0, 0.6, 0.3999), 0.99995).index).toBe(2);
    expect(draw(Float32Array.of(0, 1, 0), 0.9999999999999999).index).toBe(1);
  });

  test('goes down a flat distribution over a vocabulary of many in order of id', () => {
    const size = 20_000;
    const flat = new Float32Array(size).fill(1 / size);
    expect(draw(flat, 0.25).index).toBeGreaterThan(size * 0.249);
    expect(draw(flat, 0.25).index).toBeLessThan(size * 0.251);
  });
});

test('the prompt of an explanation ends where what was generated begins', () => {
  const token = (index: number, start: number, end: number): Token => ({
    index,
    id: index,
    text: 'abcd'.slice(start, end),
    bytes: [],
    start,
    end,
    special: false,
    partial: false,
  });
  const tokens = [token(0, 0, 1), token(1, 1, 3), token(2, 3, 4)];
  expect(promptOf({ text: 'abcd', tokens, generated: 2 })).toEqual({ text: 'a', tokens: tokens.slice(0, 1) });
  expect(promptOf({ text: 'abcd', tokens })).toEqual({ text: 'abcd', tokens });
});
