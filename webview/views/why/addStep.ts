import { shortened } from '../../../src/core/visibleText.ts';
import { switchStep } from '../../changeRecipe.ts';
import { tokenLabels, type PanelContext, type View } from '../../context.ts';
import { layersOf, STEP_FIELDS, STEP_KINDS, stepOfChoice, type StepChoice, type StepKind } from '../../figures/stepKinds.ts';
import { button, select } from '../../parts/controls.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { numberField } from '../../parts/numberField.ts';
import { t } from '../../strings.ts';
import { createDirectionField } from './directionField.ts';
import { FACTORS } from './recipeEditor.ts';

/** Names of what can be added. */
function kindNames(): Readonly<Record<StepKind, string>> {
  return {
    headOff: t('Switch a head off'),
    headScale: t('Scale a head'),
    headMean: t('Set a head to its mean'),
    headPrevious: t('Let a head attend to the token before'),
    headUniform: t('Let a head attend to all alike'),
    mlpOff: t('Switch an MLP off'),
    mlpScale: t('Scale an MLP'),
    mlpMean: t('Set an MLP to its mean'),
    neuron: t('Scale a neuron'),
    hidden: t('Hide a token from all later ones'),
    edge: t('Cut an edge of attention'),
    direction: t('Move a residual towards a token'),
  };
}

/** Most neurons that may be typed; the model says how many it has. */
const NEURONS = { min: 0, max: 1e6, step: 1, whole: true };

/** The one of some places that is nearest to a wanted one. */
function nearest(places: readonly number[], wanted: number): number {
  return places.reduce((best, place) => (Math.abs(place - wanted) < Math.abs(best - wanted) ? place : best), places[0] ?? 0);
}

/** Menus by which an intervention is added: what, and where. */
export function createAddStep(context: PanelContext): View {
  const { store } = context;
  let kind: StepKind = 'headOff';
  const numbers = { factor: 2, strength: 1, neuron: 0 };
  /** What was chosen here; until then the head and the token that are chosen for all views. */
  const chosen: { layer?: number; head?: number; token?: number; key?: number } = {};
  const names = kindNames();
  const what = select(t('What'), (value) => {
    kind = STEP_KINDS[value] ?? 'headOff';
    // All layers and heads, or the residual behind the last layer, are only of some kinds.
    delete chosen.layer;
    delete chosen.head;
    show();
  });
  const again = (name: keyof typeof chosen) => (value: number) => {
    chosen[name] = value;
    show();
  };
  const direction = createDirectionField(context, () => show());
  const fields = {
    token: select(t('Token'), again('token'), 'tokens'),
    key: select(t('Key'), again('key'), 'tokens'),
    layer: select(t('Layer'), again('layer')),
    head: select(t('Head'), again('head')),
    neuron: numberField(t('Neuron'), NEURONS, (value) => (numbers.neuron = value)),
    direction,
    factor: numberField(t('Factor'), FACTORS, (value) => (numbers.factor = value)),
    strength: numberField(t('Lengths of the residual'), FACTORS, (value) => (numbers.strength = value)),
  };
  const add = button(t('Add'), 'secondary', () => {
    const step = stepOfChoice(kind, choice());
    if (step !== null) switchStep(context, step, true);
  });
  const labelsChanged = { token: changeDetector(), key: changeDetector() };
  const changed = changeDetector();

  function choice(): StepChoice {
    const { settings, shown } = store.state();
    const { heads = 1 } = shown?.explanation.model ?? {};
    const places = shown === null ? [] : layersOf(kind, shown.explanation.model);
    const token = Math.min(chosen.token ?? settings.selected, (shown?.explanation.tokens.length ?? 1) - 1);
    return {
      ...numbers,
      layer: nearest(places, chosen.layer ?? settings.layer),
      head: Math.min(chosen.head ?? settings.head, heads - 1),
      token,
      key: Math.min(chosen.key ?? token - 1, token - 1),
      direction: direction.chosen(),
    };
  }
  function show(): void {
    const state = store.state();
    const { shown } = state;
    if (shown === null) return;
    const { model } = shown.explanation;
    const offered = STEP_KINDS.filter((one) => layersOf(one, model).length > 0);
    if (!offered.includes(kind)) kind = offered[0] ?? 'direction';
    const now = choice();
    const named = (place: number): readonly [number, string] => [
      place,
      place === -1 ? t('all') : place === model.layers ? t('after the last') : String(place),
    ];
    what.set(
      offered.map((name) => [STEP_KINDS.indexOf(name), names[name]]),
      STEP_KINDS.indexOf(kind),
    );
    fields.layer.set(layersOf(kind, model).map(named), now.layer);
    const heads = Array.from({ length: model.heads }, (_, head) => [head, String(head)] as const);
    fields.head.set(kind === 'edge' ? [[-1, t('all')], ...heads] : heads, now.head);
    for (const name of ['factor', 'strength', 'neuron'] as const) fields[name].set(numbers[name]);
    direction.update(state);
    const read = STEP_FIELDS[kind];
    for (const name of Object.keys(fields) as (keyof typeof fields)[]) fields[name].root.hidden = !read.includes(name);
    // A long text has many tokens: they are listed when they are wanted.
    const labels = tokenLabels(shown.explanation);
    for (const name of ['token', 'key'] as const) {
      const end = name === 'key' ? now.token : labels.length;
      if (!read.includes(name) || !labelsChanged[name](shown, now[name], end)) continue;
      fields[name].set(
        labels.slice(0, end).map((label, index) => [index, `${index}  ${shortened(label, 24)}`]),
        now[name],
      );
    }
    add.disabled = stepOfChoice(kind, now) === null;
  }
  return {
    root: el(
      'div',
      { class: 'add-step needs-model', role: 'group', 'aria-label': t('Add an intervention') },
      what.root,
      ...Object.values(fields).map(({ root }) => root),
      add,
    ),
    update: ({ shown, settings }) => {
      if (changed(shown, settings.layer, settings.head, settings.selected, settings.whyAsked)) show();
    },
  };
}
