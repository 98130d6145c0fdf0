import { describe, expect, test } from 'vitest';
import { estimatePatches, openPatching, patchedShare } from '../../src/analysis/patching.ts';
import { PATCH_GRIDS, promisingFirst, type PatchGrid } from '../../src/core/patchGrid.ts';
import { UNWATCHED } from '../../src/core/progress.ts';
import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { at } from '../../src/core/tensor.ts';
import { largestDifference } from '../closeness.ts';
import { folder } from '../unit/model/folder.ts';
import { FIXTURES, native, openCase, wasm } from './compare.ts';
import { openGolden } from './oracle.ts';

const TOLERANCE = 1e-4;

const expected = await openGolden(folder(FIXTURES), 'patches.safetensors');
const CASES = [...new Set(expected.names.map((name) => name.slice(0, name.indexOf('/'))))];

test('families that differ in what matters are among the cases', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(12);
});

describe.each([
  ['WASM', wasm, PATCH_GRIDS],
  ['native', native, ['residual', 'heads']],
] as const)('patching between two texts, %s', (_, runtime, grids: readonly PatchGrid[]) => {
  test.each(CASES)('%s: estimates and cells equal those of PyTorch’s hooks', async (name) => {
    const { model, ids } = await openCase(name, await runtime());
    try {
      const numbers = (of: string) => expected.floats(`${name}/${of}`);
      const [position = 0, token = 0, rival = 0] = await expected.wholeNumbers(`${name}/target`);
      const clean = await model.run(runOf(ids, UNCHANGED));
      const corrupted = await model.run(runOf(await expected.wholeNumbers(`${name}/corrupted`), UNCHANGED));
      const patching = await openPatching(model, clean, corrupted, { kind: 'logit', position, token, rival });
      expect(largestDifference([patching.values.clean, patching.values.corrupted], (await numbers('values')).data)).toBeLessThan(TOLERANCE);
      for (const grid of grids) {
        const { estimate, layers, columns } = await estimatePatches(patching, grid, UNWATCHED);
        const shares = await numbers(grid);
        expect([layers, columns], grid).toEqual(shares.dims);
        if (grid === 'residual')
          expect(largestDifference(estimate, (await numbers('estimate')).data), 'estimate').toBeLessThan(TOLERANCE * 5);
        const found = new Float32Array(estimate.length);
        for (const cell of promisingFirst(estimate)) found[cell] = await patchedShare(patching, grid, cell, UNWATCHED);
        expect(largestDifference(found, shares.data), `${name} ${grid}`).toBeLessThan(TOLERANCE);
      }
      await expect(openPatching(model, clean, clean, patching.target)).rejects.toThrow('Both texts predict alike');
      // A text's own numbers change nothing.
      const own = await openPatching(model, clean, corrupted, { kind: 'logit', position, token, rival });
      expect(Math.abs(await patchedShare({ ...own, clean: corrupted }, 'residual', at([position], 0), UNWATCHED))).toBe(0);
    } finally {
      await model.dispose();
    }
  });
});
