import { expect, it } from 'vitest';
import type { Recipe } from '../../../src/core/run.ts';
import { readModel } from '../../../src/model/describeModel.ts';
import { interventionTables, spanRows, tokensCutAtOnce } from '../../../src/model/graph/interventionInputs.ts';
import { folder } from './folder.ts';

const { spec } = await readModel(folder('test/fixtures/models/llama'), 'native', Infinity);
/** A deep model: the same layer many times. */
const LAYERS = 24;
const deep = { ...spec, blocks: Array.from({ length: LAYERS }, () => spec.blocks[0]).filter((block) => block !== undefined) };
const { heads } = spec;
const rows = spanRows({ past: 0, room: 0, tokens: 10, length: 10 });
const tablesOf = (recipe: Recipe) => {
  const { cut, cutOf } = interventionTables(deep, recipe, 0, LAYERS, rows);
  return { dims: cut.dims, of: [...cutOf.data] };
};

it('tables of what is cut are made once for layers in which the same is', () => {
  expect(tablesOf([])).toEqual({ dims: [1, 1, 1, 1], of: Array.from({ length: LAYERS }, () => 0) });
  expect(tablesOf([{ kind: 'key', key: 3, action: 'cut' }])).toEqual({
    dims: [1, 1, 10, 10],
    of: Array.from({ length: LAYERS }, () => 0),
  });
  expect(tablesOf([{ kind: 'edge', layer: 2, head: 1, query: 5, key: 3, action: 'cut' }])).toEqual({
    dims: [2, heads, 10, 10],
    of: Array.from({ length: LAYERS }, (_, layer) => (layer === 2 ? 1 : 0)),
  });
});

it('as many tokens go at once as keep these tables small, whatever the recipe and the text', () => {
  const most = (recipe: Recipe, tokens: number): number => tokensCutAtOnce(deep, recipe, 0, LAYERS, tokens);
  expect(most([], 1_000_000)).toBe(Infinity);
  expect(most([{ kind: 'key', key: 3, action: 'cut' }], 1024)).toBe(16_384);
  const everywhere = Array.from({ length: LAYERS }, (_, layer) => ({ kind: 'key', layer, head: 0, key: layer, action: 'cut' }) as const);
  for (const tokens of [256, 4096, 32_768]) {
    const bytes = 4 * LAYERS * heads * tokens * most(everywhere, tokens);
    expect(bytes).toBeLessThanOrEqual(64 * 2 ** 20);
    expect(bytes).toBeGreaterThan(32 * 2 ** 20);
  }
  // Never none.
  expect(most(everywhere, 1e9)).toBe(1);
});
