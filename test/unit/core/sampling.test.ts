import { describe, expect, test } from 'vitest';
import { sample } from '../../../src/core/sampling.ts';
import { largestDifference } from '../../closeness.ts';
import { reference } from './reference.ts';

describe('sampling filters', () => {
  test.each(reference.warpers.map((one) => ({ ...one, name: JSON.stringify(one.settings), vocab: one.logits.length })))(
    'equal the warpers of transformers: vocabulary $vocab, $name',
    ({ logits, settings, final }) => {
      expect(largestDifference(sample(Float32Array.from(logits), settings).final, final)).toBeLessThan(1e-6);
    },
  );

  const logits = Float32Array.from([2, 1, 0, -1, -2]);
  const off = { temperature: 1, topK: 0, topP: 1, minP: 0 };

  test('without filters everything stays possible', () => {
    const result = sample(logits, off);
    expect(result.keptCount).toBe(5);
    expect(result.steps).toEqual([]);
    expect(result.entropyAfter).toBeCloseTo(result.entropyBefore, 6);
  });

  test('each step says how many it left and what mass it took', () => {
    const result = sample(logits, { ...off, topK: 3, minP: 0.2 });
    expect(result.steps.map((step) => [step.filter, step.kept])).toEqual([
      ['topK', 3],
      ['minP', 2],
    ]);
    const total = [2, 1, 0, -1, -2].reduce((sum, logit) => sum + Math.exp(logit), 0);
    expect(result.steps[0]?.removed).toBeCloseTo((Math.exp(-1) + Math.exp(-2)) / total, 6);
  });

  test.each([
    { settings: { ...off, temperature: 0 }, kept: 1 },
    { settings: { ...off, temperature: -3 }, kept: 1 },
    { settings: { ...off, temperature: 100 }, kept: 5 },
    { settings: { ...off, topK: 99 }, kept: 5 },
    { settings: { ...off, topP: 0 }, kept: 1 },
    { settings: { ...off, topP: -1 }, kept: 1 },
    { settings: { ...off, topP: 7 }, kept: 5 },
    { settings: { ...off, minP: 9 }, kept: 1 },
  ])('out-of-range settings stay defined: $settings', ({ settings, kept }) => {
    const result = sample(logits, settings);
    expect(result.keptCount).toBe(kept);
    expect(result.final.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6);
    expect(result.final.every((p) => Number.isFinite(p))).toBe(true);
  });
});
