import type { Intervention } from '../src/core/run.ts';
import type { PanelContext } from './context.ts';
import { stepsOn, switchedOff, switchedOn, type RecipeItem } from './figures/recipeList.ts';
import { askedWhy, keptQuestion } from './views/why/asked.ts';

/**
 * Changes the list of interventions. Where what is on changes, the model is run again with it; the question of Why stays the one that was
 * asked before, so that before and after are about the same.
 */
export function changeRecipe({ store, host }: PanelContext, change: (items: readonly RecipeItem[]) => readonly RecipeItem[]): void {
  const { shown, settings } = store.state();
  if (shown === null) return;
  const recipe = change(settings.recipe);
  const asked = askedWhy(store.state());
  store.dispatch({ type: 'settings', change: { recipe: [...recipe], ...(asked === null ? {} : { whyAsked: keptQuestion(asked) }) } });
  const [before, now] = [stepsOn(settings.recipe), stepsOn(recipe)];
  if (JSON.stringify(before) !== JSON.stringify(now)) host.post({ type: 'recipe', serial: shown.serial, recipe: now });
}

/** Switches one intervention on or off. */
export function switchStep(context: PanelContext, step: Intervention, on: boolean): void {
  changeRecipe(context, (items) => (on ? switchedOn(items, step) : switchedOff(items, step)));
}
