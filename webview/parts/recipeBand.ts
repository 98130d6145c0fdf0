import type { PanelContext, View } from '../context.ts';
import { changeRecipe } from '../changeRecipe.ts';
import { t } from '../strings.ts';
import { button } from './controls.ts';
import { changeDetector, el } from './dom.ts';
import { integer } from './format.ts';
import { stepText } from './interventionTexts.ts';
import { setChanged } from './savedName.ts';

/** Interventions that the band names; the others are counted. */
const NAMED = 3;

/** The band above every view while interventions are on: none of the numbers below is the model's own. */
export function createRecipeBand(context: PanelContext): View {
  const { store } = context;
  const title = el('strong');
  const steps = el('span');
  const root = el(
    'div',
    { class: 'banner recipe-band', role: 'status', hidden: true },
    el('p', {}, title, ' ', steps),
    el(
      'div',
      { class: 'buttons' },
      button(t('Switch off'), 'secondary', () => changeRecipe(context, (items) => items.map((item) => ({ ...item, on: false })))),
      button(t('What if'), 'secondary', () => {
        store.dispatch({ type: 'settings', change: { tab: 'why' } });
        document.getElementById('what-if')?.scrollIntoView();
      }),
    ),
  );
  const changed = changeDetector();
  return {
    root,
    update: ({ shown }) => {
      if (!changed(shown)) return;
      const recipe = shown?.explanation.run.recipe ?? [];
      root.hidden = recipe.length === 0;
      setChanged(recipe.length > 0);
      if (shown === null || recipe.length === 0) return;
      title.textContent = recipe.length === 1 ? t('1 intervention is on:') : t('{0} interventions are on:', integer(recipe.length));
      const named = recipe.slice(0, NAMED).map((step) => stepText(step, shown.explanation));
      const more = recipe.length - named.length;
      steps.textContent = [...named, ...(more === 0 ? [] : [t('and {0} more', integer(more))])].join(' · ');
    },
  };
}
