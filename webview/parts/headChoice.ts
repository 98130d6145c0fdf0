import { changeRecipe } from '../changeRecipe.ts';
import type { PanelContext } from '../context.ts';
import type { Intervention } from '../../src/core/run.ts';
import { isOn, switchedOff, switchedOn } from '../figures/recipeList.ts';
import { stepOfChoice, type StepKind } from '../figures/stepKinds.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { select } from './controls.ts';

/** A menu of what one head does in place of its own. */
export interface HeadChoice {
  readonly root: HTMLElement;
  readonly show: (layer: number, head: number, state: ViewState) => void;
}

const KINDS = ['headMean', 'headPrevious', 'headUniform'] as const satisfies readonly StepKind[];

/** Creates the menu, of no head yet. */
export function createHeadChoice(context: PanelContext): HeadChoice {
  const names = [t('its own output'), t('its mean over the text'), t('attention to the token before'), t('attention to all alike')];
  let steps: readonly Intervention[] = [];
  const menu = select(t('Set to'), (chosen) => {
    const of = steps;
    const [first] = of;
    if (first === undefined || !('head' in first) || first.head === undefined || first.layer === undefined) return;
    // The largest head of what comes then may be another one.
    context.store.dispatch({ type: 'settings', change: { layer: first.layer, head: first.head } });
    changeRecipe(context, (items) =>
      of.reduce((list, step, index) => (index === chosen - 1 ? switchedOn(list, step) : switchedOff(list, step)), items),
    );
  });
  menu.root.classList.add('needs-model');
  return {
    root: menu.root,
    show: (layer, head, { settings }) => {
      const place = { layer, head, neuron: 0, token: 0, key: 0, factor: 1, direction: null, strength: 1 };
      steps = KINDS.flatMap((kind) => stepOfChoice(kind, place) ?? []);
      menu.set(
        names.map((name, index) => [index, name]),
        1 + steps.findIndex((step) => isOn(settings.recipe, step)),
      );
    },
  };
}
