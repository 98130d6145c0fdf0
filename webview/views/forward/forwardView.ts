import type { ForwardPath } from '../../../src/core/forwardPath.ts';
import type { PanelContext, View } from '../../context.ts';
import { stepIn, stepsOf, type WalkStep } from '../../figures/pathSteps.ts';
import { button, slider } from '../../parts/controls.ts';
import { el } from '../../parts/dom.ts';
import { freeKey } from '../../parts/keys.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createNumberView } from './numberView.ts';
import { createStepCard } from './stepCard.ts';
import { stepText } from './stepTexts.ts';
import { createWalkCard } from './walkCard.ts';
import { createWalkPlaces } from './walkPlaces.ts';

/** The forward pass: the path of the selected token through the model, one step at a time, and how each number on it is computed. */
export function createForwardPass(context: PanelContext): View {
  const { store } = context;
  const path = (): ForwardPath | undefined => asked.answer();
  const places = createWalkPlaces(context, path, () => asked.redraw());
  const scrub = slider(t('Step'), 0, 0, 1, (value) => goToStep(value));
  const previous = button(t('Previous'), 'secondary', () => move(-1));
  const next = button(t('Next'), 'primary', () => move(1));
  const walk = createWalkCard(context, openStep);
  const stepCard = createStepCard(context, places);
  const number = createNumberView(context, places, path);
  const asked = question<ForwardPath>(context, {
    busy: () => root,
    parts: [stepCard.root, number.root],
    ask: ({ settings: { selected, layer, head, pathExpert } }, query) =>
      query('path', 'forwardPath', { token: selected, layer, head, expert: pathExpert }),
    answered: (found) => places.arrive(found),
    draw,
  });
  const root: HTMLElement = el(
    'div',
    { class: 'forward-view' },
    walk.root,
    el('div', { class: 'walk-scrub' }, previous, scrub.root, next),
    asked.notice,
    stepCard.root,
    number.root,
  );

  const currentStep = (found: ForwardPath): WalkStep => stepIn(found, store.state().settings.pathStep);
  function openStep(step: WalkStep): void {
    store.dispatch({ type: 'settings', change: { pathStep: step } });
    const found = path();
    const { shown } = store.state();
    if (found === undefined || shown === null) return;
    const { title, sentence } = stepText(step, found, shown.explanation.model);
    context.announce(`${title}. ${sentence}`);
  }
  function goToStep(index: number): void {
    const found = path();
    const step = found === undefined ? undefined : stepsOf(found)[index];
    if (step !== undefined) openStep(step);
  }
  function move(by: number): void {
    const found = path();
    if (found !== undefined) goToStep(stepsOf(found).indexOf(currentStep(found)) + by);
  }
  root.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[freeKey(event)];
    if (by === undefined) return;
    event.preventDefault();
    move(by);
  });

  function draw(found: ForwardPath, state: ViewState): void {
    if (state.shown === null) return;
    const steps = stepsOf(found);
    const step = currentStep(found);
    const index = steps.indexOf(step);
    const { title } = stepText(step, found, state.shown.explanation.model);
    scrub.set(index, t('{0} of {1}: {2}', index + 1, steps.length, title), steps.length - 1);
    previous.disabled = index <= 0;
    next.disabled = index >= steps.length - 1;
    walk.show(found, steps, step, state);
    stepCard.show(found, step, state);
    number.show(found, state);
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      walk.update(state);
      asked.update(state, shown, settings.selected, settings.layer, settings.head, settings.pathExpert);
    },
  };
}
