import { UserError } from '../../src/core/errors.ts';
import { checkRecipe } from '../../src/core/recipe.ts';
import { carriedOver, runOf, type Intervention, type Recipe } from '../../src/core/run.ts';
import type { Explanation } from '../../src/core/trace.ts';

/** An intervention in the panel's list. One that is off stays there, to be switched on again. */
export interface RecipeItem {
  readonly step: Intervention;
  readonly on: boolean;
}

/** The interventions that are on. */
export function stepsOn(items: readonly RecipeItem[]): Recipe {
  return items.flatMap(({ step, on }) => (on ? [step] : []));
}

/** Whether two steps do the same at the same place. */
export function sameStep(a: Intervention, b: Intervention): boolean {
  return told(a) === told(b);
}

/** Whether one of the items does what this step does, and is on. */
export function isOn(items: readonly RecipeItem[], step: Intervention): boolean {
  return items.some((item) => item.on && sameStep(item.step, step));
}

/** What a step says, without numbers that it takes from the text that it is made on: those change with the text. */
function told(step: Intervention): string {
  const parts: Readonly<Record<string, unknown>> = { ...step };
  if (step.kind === 'steer') return JSON.stringify({ ...parts, prompt: undefined });
  return JSON.stringify(parts['action'] === 'mean' || 'direction' in parts ? { ...parts, values: undefined } : parts);
}

/** The list with this step on, at its end where it was not there. */
export function switchedOn(items: readonly RecipeItem[], step: Intervention): readonly RecipeItem[] {
  const known = items.findIndex((item) => sameStep(item.step, step));
  return known < 0 ? [...items, { step, on: true }] : items.with(known, { step, on: true });
}

/** The list with every item that does this off. */
export function switchedOff(items: readonly RecipeItem[], step: Intervention): readonly RecipeItem[] {
  return items.map((item) => (sameStep(item.step, step) ? { ...item, on: false } : item));
}

/**
 * The list after another explanation: what is on is what the model was run with, whatever was asked for. What names a token that the new
 * text does not have in its place is gone, and everything is with another model. `before`: the explanation that the list was for.
 */
export function listOf(
  items: readonly RecipeItem[],
  { model, run }: Pick<Explanation, 'model' | 'run'>,
  before: Pick<Explanation, 'model' | 'run'> | undefined,
): readonly RecipeItem[] {
  const ids = before?.run.ids ?? run.ids;
  const kept = before !== undefined && before.model.name !== model.name ? [] : items;
  const here = ({ step }: RecipeItem): boolean => carriedOver(runOf(ids, [step]), run.ids).length > 0 && exists(step, { model, run });
  const left = [...run.recipe];
  const list = kept.filter(here).map(({ step }): RecipeItem => {
    const place = left.findIndex((other) => sameStep(step, other));
    if (place >= 0) left.splice(place, 1);
    return { step, on: place >= 0 };
  });
  return [...list, ...left.map((step) => ({ step, on: true }))];
}

/** Whether the model and the text have the place that a step names. */
function exists(step: Intervention, { model, run }: Pick<Explanation, 'model' | 'run'>): boolean {
  try {
    checkRecipe([step], { layers: model.layers, heads: model.heads, tokens: run.ids.length });
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
