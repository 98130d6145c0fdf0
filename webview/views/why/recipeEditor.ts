import { MAX_FACTOR } from '../../../src/core/recipeSteps.ts';
import { stepsOn, type RecipeItem } from '../../figures/recipeList.ts';
import type { PanelContext, View } from '../../context.ts';
import { button, checkbox } from '../../parts/controls.ts';
import { changeDetector, el, ICONS } from '../../parts/dom.ts';
import { numberField } from '../../parts/numberField.ts';
import { stepText } from '../../parts/interventionTexts.ts';
import { changeRecipe } from '../../changeRecipe.ts';
import type { Intervention } from '../../../src/core/run.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';

/** Largest factor of a recipe. */
export const FACTORS = { min: -MAX_FACTOR, max: MAX_FACTOR, step: 0.1 };

/** The list of interventions: each can be switched on and off, and removed. */
export function createRecipeEditor(context: PanelContext): View {
  const { store, host } = context;
  const list = el('ul', { class: 'recipe-list', 'aria-label': t('Interventions') });
  const none = el(
    'p',
    { class: 'muted' },
    t('Nothing is changed. Add something below, or choose a head among the parts, or a word, and switch it off there.'),
  );
  const asDocument = button(t('Open as a document'), 'secondary', () =>
    host.post({ type: 'exportRecipe', recipe: stepsOn(store.state().settings.recipe) }),
  );
  asDocument.title = t('The interventions that are on, as a recipe that the command line reads too (--recipe)');
  const fromFile = button(t('Use a file…'), 'secondary', () => {
    const { shown } = store.state();
    if (shown !== null) host.post({ type: 'importRecipe', serial: shown.serial });
  });
  const changed = changeDetector();
  let filled = '';

  function row({ step, on }: RecipeItem, index: number, { shown }: ViewState): HTMLElement {
    const name = shown === null ? '' : stepText(step, shown.explanation);
    const toggle = checkbox(name, (value) =>
      changeRecipe(context, (items) => items.map((item, place) => (place === index ? { ...item, on: value } : item))),
    );
    toggle.set(on);
    const remove = button('', 'secondary', () => changeRecipe(context, (items) => items.toSpliced(index, 1)), ICONS.close);
    remove.classList.add('icon-button');
    remove.setAttribute('aria-label', t('Remove: {0}', name));
    remove.title = t('Remove');
    const made = el('li', { class: 'recipe-item' }, toggle.root);
    const strength = strengthOf(step);
    if (strength !== null) {
      const field = numberField(strength.name, FACTORS, (value) =>
        changeRecipe(context, (items) => items.map((item, place) => (place === index ? { ...item, step: strength.with(value) } : item))),
      );
      field.set(strength.value);
      made.append(field.root);
    }
    made.append(remove);
    return made;
  }
  /** Fills the list; the focus stays on the control that was used, or goes to the last row that is left. */
  function fill(state: ViewState): void {
    const controls = (one: Element | undefined): readonly HTMLElement[] => [...(one?.querySelectorAll<HTMLElement>('button, input') ?? [])];
    const focused = [...list.children].findIndex((one) => one.contains(document.activeElement));
    const used = controls(list.children[focused]).findIndex((one) => one === document.activeElement);
    list.replaceChildren(...state.settings.recipe.map((item, index) => row(item, index, state)));
    if (focused < 0) return;
    const near = controls(list.children[Math.min(focused, list.children.length - 1)]);
    (near[Math.min(used, near.length - 1)] ?? fromFile).focus();
  }
  return {
    root: el('div', { class: 'recipe' }, list, none, el('div', { class: 'buttons wrap needs-model' }, fromFile, asDocument)),
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null || !changed(shown, settings.recipe)) return;
      // What the model was run with is often what was asked for: rows with a half-typed number stay then.
      const said = JSON.stringify(
        settings.recipe.map(({ step, on }) => [stepText(step, shown.explanation), strengthOf(step)?.value ?? null, on]),
      );
      if (said === filled) return;
      filled = said;
      fill(state);
      none.hidden = settings.recipe.length > 0;
      list.hidden = settings.recipe.length === 0;
      asDocument.hidden = stepsOn(settings.recipe).length === 0;
    },
  };
}

/** The number that says how strong a step is, and the step with another one; null: it has none. */
function strengthOf(
  step: Intervention,
): { readonly name: string; readonly value: number; readonly with: (value: number) => Intervention } | null {
  if (step.kind === 'residual' && 'direction' in step) {
    // Its vector is made anew from the text.
    const { kind, layer, token, action, direction } = step;
    return {
      name: t('Lengths of the residual'),
      value: step.strength,
      with: (strength) => ({ kind, layer, token, action, direction, strength }),
    };
  }
  if (step.action !== 'scale') return null;
  return { name: t('Factor'), value: step.factor, with: (factor) => ({ ...step, factor }) };
}
