import { headOff, type HeadIntervention } from '../../src/core/run.ts';
import type { PanelContext } from '../context.ts';
import { isOn } from '../figures/recipeList.ts';
import { switchStep } from '../changeRecipe.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { button } from './controls.ts';

/** A button that switches one head off, and on again. */
export interface HeadSwitch {
  readonly root: HTMLElement;
  readonly show: (layer: number, head: number, state: ViewState) => void;
}

/** Creates the button, of no head yet. */
export function createHeadSwitch(context: PanelContext): HeadSwitch {
  let step: HeadIntervention | null = null;
  let isOff = false;
  const made = button('', 'secondary', () => {
    if (step === null) return;
    // The largest head of what comes then may be another one.
    context.store.dispatch({ type: 'settings', change: { layer: step.layer, head: step.head } });
    switchStep(context, step, !isOff);
  });
  made.classList.add('head-switch', 'needs-model');
  return {
    root: made,
    show: (layer, head, { settings }) => {
      step = headOff({ layer, head });
      isOff = isOn(settings.recipe, step);
      const text = isOff ? t('Switch this head on again') : t('Switch this head off');
      if (made.textContent !== text) made.replaceChildren(text);
      made.title = t('Layer {0}, head {1}', layer, head);
    },
  };
}
