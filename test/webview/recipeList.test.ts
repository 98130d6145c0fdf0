import { describe, expect, it } from 'vitest';
import { runOf, UNCHANGED, type Intervention, type Recipe } from '../../src/core/run.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { listOf, stepsOn, switchedOff, switchedOn, type RecipeItem } from '../../webview/figures/recipeList.ts';

const HEAD: Intervention = { kind: 'head', layer: 0, head: 1, action: 'zero' };
const FIFTH: Intervention = { kind: 'key', key: 5, action: 'cut' };
const FIRST: Intervention = { kind: 'key', key: 1, action: 'cut' };

function shown(ids: readonly number[], recipe: Recipe = UNCHANGED, name = 'a', layers = 2): Pick<Explanation, 'model' | 'run'> {
  return { model: { name, layers, heads: 4 } as Explanation['model'], run: runOf(ids, recipe) };
}

const IDS = [9, 8, 7, 6, 5, 4, 3];
const items = (...all: readonly (readonly [Intervention, boolean])[]): readonly RecipeItem[] => all.map(([step, on]) => ({ step, on }));

describe('the list of interventions', () => {
  it('adds a step once, and switches it on and off in its place', () => {
    const list = switchedOn(switchedOn([], HEAD), FIFTH);
    expect(stepsOn(list)).toEqual([HEAD, FIFTH]);
    expect(stepsOn(switchedOff(list, HEAD))).toEqual([FIFTH]);
    expect(switchedOn(switchedOff(list, HEAD), HEAD)).toEqual(list);
  });

  it('says what the model was run with, whatever was asked for', () => {
    const list = items([HEAD, true], [FIFTH, false]);
    expect(listOf(list, shown(IDS, [FIFTH]), shown(IDS))).toEqual(items([HEAD, false], [FIFTH, true]));
    // What a file brought is added.
    expect(listOf(list, shown(IDS, [HEAD, FIRST]), shown(IDS))).toEqual(items([HEAD, true], [FIFTH, false], [FIRST, true]));
  });

  it('loses what names a token that another text has not in its place, and everything with another model', () => {
    const list = items([HEAD, false], [FIFTH, false], [FIRST, false]);
    expect(listOf(list, shown([9, 8, 7, 1, 2, 3, 4]), shown(IDS))).toEqual(items([HEAD, false], [FIRST, false]));
    expect(listOf(list, shown(IDS, UNCHANGED, 'b'), shown(IDS))).toEqual([]);
  });

  it('that was kept by an earlier page loses what model and text do not have', () => {
    const list = items([{ ...HEAD, layer: 5 }, false], [HEAD, false], [{ ...FIFTH, key: 70 }, false]);
    expect(listOf(list, shown(IDS), undefined)).toEqual(items([HEAD, false]));
  });
});
