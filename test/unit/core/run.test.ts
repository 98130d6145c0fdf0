import { describe, expect, test } from 'vitest';
import { changeAt, cutsIn, headSteps, isCut, mlpSteps, onlyKey, patternOf, residualSteps } from '../../../src/core/interventions.ts';
import {
  carriedOver,
  commonTokens,
  continued,
  partOf,
  runKey,
  runOf,
  startOf,
  startsWith,
  UNCHANGED,
  withoutPositions,
  withoutTokens,
  type Recipe,
} from '../../../src/core/run.ts';

const other: Recipe = [{ kind: 'head', layer: 1, head: 2, action: 'zero' }];

describe('a run', () => {
  test('has a key that ids and recipe make, and nothing else', () => {
    expect(runKey(runOf([1, 2], UNCHANGED))).toBe(runKey(runOf(Int32Array.of(1, 2), [])));
    const keys = [
      runOf([1, 2], UNCHANGED),
      runOf([12], UNCHANGED),
      runOf([1], UNCHANGED),
      runOf([], UNCHANGED),
      runOf([1, 2], other),
      runOf([], other),
    ].map(runKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('goes on with what was done to the model', () => {
    const run = continued(runOf([1, 2], other), [3, 4]);
    expect(run).toEqual(runOf([1, 2, 3, 4], other));
    expect(startOf(run, 3)).toEqual(runOf([1, 2, 3], other));
  });

  test('has its first tokens in common with another, and none where something else was done to the model', () => {
    const run = runOf([1, 2, 3], UNCHANGED);
    expect(commonTokens(run, runOf([1, 2, 4, 5], UNCHANGED))).toBe(2);
    expect(commonTokens(run, runOf([1, 2, 3, 4], UNCHANGED))).toBe(3);
    expect(commonTokens(run, runOf([1, 2, 3], other))).toBe(0);
    expect(startsWith(run, runOf([1, 2], UNCHANGED))).toBe(true);
    expect(startsWith(run, runOf([1, 2, 3, 4], UNCHANGED))).toBe(false);
    expect(startsWith(run, runOf([], other))).toBe(false);
  });
});

describe('a recipe', () => {
  const key = { kind: 'key', key: 2, action: 'cut' } as const;
  const edge = { kind: 'edge', query: 4, key: 1, head: 3, action: 'cut' } as const;

  test('multiplies the outputs that it names, in their layer alone, and several steps multiply', () => {
    const factors = (recipe: Recipe, layer: number, heads: number): readonly number[] =>
      Array.from({ length: heads }, (_, head) => changeAt(headSteps(recipe, layer), head, 7).factor);
    expect(factors(other, 1, 4)).toEqual([1, 1, 0, 1]);
    expect(factors(other, 0, 4)).toEqual([1, 1, 1, 1]);
    const twice: Recipe = [1.5, -2].map((factor) => ({ kind: 'head', layer: 0, head: 1, action: 'scale', factor }));
    expect(factors(twice, 0, 2)).toEqual([1, -3]);
    expect(mlpSteps(twice, 0)).toEqual([]);
    expect(changeAt(mlpSteps([{ kind: 'mlp', layer: 3, action: 'zero' }], 3), 0, 0)).toEqual({ factor: 0, shift: null });
  });

  test('sets and moves outputs, each step going on from what those before it made', () => {
    const at = { kind: 'mlp', layer: 0 } as const;
    const set = { ...at, action: 'set', values: [1, -2] } as const;
    const twice = { ...at, action: 'scale', factor: 2 } as const;
    const change = (steps: Recipe, position = 0) => changeAt(mlpSteps(steps, 0), 0, position);
    expect(change([twice, set])).toEqual({ factor: 0, shift: Float64Array.of(1, -2) });
    expect(change([set, twice])).toEqual({ factor: 0, shift: Float64Array.of(2, -4) });
    expect(change([set, { ...at, action: 'zero' }])).toEqual({ factor: 0, shift: null });
    expect(change([{ ...set, token: 4 }], 3)).toEqual({ factor: 1, shift: null });
    const move = { kind: 'residual', layer: 2, token: 1, action: 'move', values: [3, 4] } as const;
    expect(changeAt(residualSteps([move, move], 2), 0, 1)).toEqual({ factor: 1, shift: Float64Array.of(6, 8) });
    expect(residualSteps([move], 1)).toEqual([]);
  });

  test('tells a head what to attend to: the last step on it counts, and what is hidden stays hidden', () => {
    const previous = { kind: 'pattern', layer: 1, head: 2, action: 'previous' } as const;
    expect(patternOf([previous, { ...previous, action: 'uniform' }], 1, 2)).toBe('uniform');
    expect(patternOf([previous], 1, 1)).toBe('own');
    const cuts = cutsIn([previous, key], 1, null);
    expect([0, 1, 2, 3, 4].map((query) => onlyKey(cuts, 2, query))).toEqual([0, 0, 1, 3, 3]);
    expect([2, 3].map((seen) => isCut(cuts, 2, 3, seen))).toEqual([true, false]);
    expect(onlyKey(cutsIn([previous], 1, 1), 2, 5)).toBe(5);
  });

  test('hides a key from later queries, and an edge’s from its query alone', () => {
    const cuts = cutsIn([key, edge], 5, null);
    expect([1, 2, 3, 9].map((query) => isCut(cuts, 0, query, 2))).toEqual([false, false, true, true]);
    expect([3, 4, 5].map((query) => isCut(cuts, 3, query, 1))).toEqual([false, true, false]);
    expect(isCut(cuts, 2, 4, 1)).toBe(false);
    expect(cutsIn([{ ...key, layer: 4 }], 5, null).cuts).toEqual([]);
  });

  test('leaves the tokens before its first change shared with another', () => {
    const ids = [1, 2, 3, 4, 5, 6];
    const plain = runOf(ids, UNCHANGED);
    expect(commonTokens(plain, runOf(ids, [key]))).toBe(3);
    expect(commonTokens(runOf(ids, [edge]), plain)).toBe(4);
    expect(commonTokens(runOf(ids, [key, edge]), runOf(ids, [edge, key]))).toBe(6);
    expect(commonTokens(runOf(ids, [key]), runOf(ids, [edge, key]))).toBe(4);
    const half = { kind: 'mlp', layer: 0, action: 'scale', factor: 0.5 } as const;
    expect(commonTokens(runOf(ids, [half]), runOf(ids, [half, half]))).toBe(0);
    expect(startsWith(runOf(ids, [key]), runOf([1, 2], UNCHANGED))).toBe(false);
  });

  test('moves with a part of the text, and leaves out what lies outside it', () => {
    const run = runOf([7, 8, 9, 10, 11, 12], [...other, key, edge, { ...key, key: 0 }]);
    expect(partOf(run, 1, 5)).toEqual(runOf([8, 9, 10, 11], [...other, { ...key, key: 1 }, { ...edge, query: 3, key: 0 }]));
    expect(partOf(run, 2, 4)).toEqual(runOf([9, 10], [...other, { ...key, key: 0 }]));
    expect(withoutPositions(run.recipe)).toEqual(other);
  });

  test('steers the prompt alone or what comes after it, wherever a part of the text begins', () => {
    const steer = { kind: 'steer', layer: 1, action: 'add', values: [2, -4], strength: 0.5 } as const;
    const [prompt, generated] = [{ ...steer, on: 'prompt', prompt: 3 } as const, { ...steer, on: 'generated', prompt: 3 } as const];
    const shiftAt = (step: Recipe[number], position: number) => changeAt(residualSteps([step], 1), 0, position).shift;
    expect([2, 3].map((position) => shiftAt(prompt, position))).toEqual([Float64Array.of(1, -2), null]);
    expect([2, 3].map((position) => shiftAt(generated, position))).toEqual([null, Float64Array.of(1, -2)]);
    expect(() => residualSteps([{ ...steer, on: 'prompt' }], 1)).toThrow('has not been applied');
    const ids = [7, 8, 9, 10, 11];
    const run = runOf(ids, [prompt, generated, steer]);
    expect(commonTokens(runOf(ids, [generated]), runOf(ids, UNCHANGED))).toBe(3);
    expect(commonTokens(runOf(ids, [prompt]), runOf(ids, UNCHANGED))).toBe(0);
    expect(partOf(run, 1, 4).recipe).toEqual([{ ...prompt, prompt: 2 }, { ...generated, prompt: 2 }, steer]);
    expect(partOf(run, 4, 5).recipe).toEqual([{ ...prompt, prompt: 0 }, { ...generated, prompt: 0 }, steer]);
    expect(withoutTokens(run, 1, 2).recipe).toEqual([{ ...prompt, prompt: 2 }, { ...generated, prompt: 2 }, steer]);
    expect(withoutTokens(run, 3, 4).recipe).toEqual(run.recipe);
    // Of another text, the prompt is all.
    expect(withoutPositions(run.recipe)).toEqual([steer, steer]);
    expect(carriedOver(run, [7])).toEqual([{ ...steer, on: 'prompt' }, { ...steer, on: 'generated' }, steer]);
  });

  test('moves up with the tokens behind one that is taken out, and what names that one is gone', () => {
    const run = runOf([7, 8, 9, 10, 11, 12], [...other, key, edge, { ...key, key: 0 }]);
    expect(withoutTokens(run, 0, 1)).toEqual(runOf([8, 9, 10, 11, 12], [...other, { ...key, key: 1 }, { ...edge, query: 3, key: 0 }]));
    expect(withoutTokens(run, 4, 5)).toEqual(runOf([7, 8, 9, 10, 12], [...other, key, { ...key, key: 0 }]));
  });
});
