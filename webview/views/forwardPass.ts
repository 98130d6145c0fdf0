import { CancelledError } from '../../src/core/errors.ts';
import { stageOf, type ForwardPath } from '../../src/core/forwardPath.ts';
import { button, segmented, slider, type Choice } from '../controls.ts';
import { failureNotice, tokenLabels, whileBusy, type PanelContext, type View } from '../context.ts';
import { changeDetector, el } from '../dom.ts';
import { arithmeticOf } from '../figures/arithmetic.ts';
import { firstPlace, partOf, stagesOf, stepIn, stepsOf, type Place, type WalkStep } from '../figures/pathSteps.ts';
import { integer } from '../format.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import { drawStep } from './drawStep.ts';
import { layerNotes } from './layerNotes.ts';
import { numberCard } from './numberCard.ts';
import { createStageView, type StageView } from './stageView.ts';
import { createStepMap } from './stepMap.ts';
import { stepText } from './stepTexts.ts';

/** The way of the selected token through the model, a step at a time, and how each number on it came about. */
export function createForwardPass(context: PanelContext): View {
  const { store, host } = context;
  const change = (settings: Partial<ViewState['settings']>): void => store.dispatch({ type: 'settings', change: settings });
  const title = el('h2');
  const notes = el('span', { class: 'beside' });
  const layer = slider(t('Layer'), 0, 0, 1, (value) => change({ layer: value }));
  const head = slider(t('Head'), 0, 0, 1, (value) => change({ head: value }));
  const experts = el('div', { class: 'walk-experts', hidden: true });
  const scrub = slider(t('Step'), 0, 0, 1, (value) => goToStep(value));
  const previous = button(t('Previous'), 'secondary', () => move(-1));
  const next = button(t('Next'), 'primary', () => move(1));
  const map = createStepMap((step) => openStep(step));
  const walk = el('section', { class: 'card walk', 'aria-label': t('Steps of the forward pass') },
    el('div', { class: 'walk-head' }, el('div', { class: 'walk-title' }, title, notes), el('div', { class: 'walk-controls' }, layer.root, head.root)), experts, map.root);
  const bar = el('div', { class: 'walk-scrub' }, previous, scrub.root, next);
  const stepTitle = el('h2');
  const sentence = el('p', { class: 'step-sentence' });
  const formula = el('p', { class: 'step-line-formula' });
  const stages = el('div', { class: 'stages' });
  const stepCard = el('section', { class: 'card walk-step', 'aria-label': t('This step') }, el('div', { class: 'card-head' }, stepTitle), sentence, formula, stages);
  const back = button(t('Back'), 'link', () => goBack());
  const numberBody = el('div', { class: 'number-body' });
  const numberRoot = el('section', { class: 'card number-card', 'aria-label': t('One number') }, el('div', { class: 'card-head' }, el('h2', {}, t('How this number came about')), back), numberBody);
  const notice = el('div', { class: 'walk-notice' });
  const root = el('div', { class: 'forward-view' }, walk, bar, notice, stepCard, numberRoot);

  let path: ForwardPath | undefined;
  let place: Place | null = null;
  /** What to look at once the path of another layer or head is there. */
  let pending: ((path: ForwardPath) => Place) | undefined;
  let visited: (Place & { readonly layer: number; readonly head: number })[] = [];
  let views: readonly StageView[] = [];
  let expertChoice: Choice<string> | undefined;
  const asked = changeDetector();
  const stepChanged = changeDetector();
  const numbersChanged = changeDetector();
  const numberChanged = changeDetector();
  const expertsChanged = changeDetector();

  const currentStep = (): WalkStep => (path === undefined ? 'embedding' : stepIn(path, store.state().settings.pathStep));
  function openStep(step: WalkStep): void {
    change({ pathStep: step });
    if (path === undefined) return;
    const { shown } = store.state();
    if (shown !== null) context.announce(`${stepText(step, path, shown.explanation.model).title}. ${stepText(step, path, shown.explanation.model).sentence}`);
  }
  function goToStep(index: number): void {
    const step = path === undefined ? undefined : stepsOf(path)[index];
    if (step !== undefined) openStep(step);
  }
  function move(by: number): void {
    if (path !== undefined) goToStep(stepsOf(path).indexOf(currentStep()) + by);
  }
  /** Looks at a number, remembering the one before. */
  function goTo(target: Place): void {
    if (path === undefined) return;
    if (place !== null) visited = [...visited.slice(-63), { ...place, layer: path.layer, head: path.head }];
    look(target);
  }
  function look(target: Place): void {
    if (path === undefined) return;
    place = target;
    const { step } = stageOf(path.stages, target.stage);
    if (step === store.state().settings.pathStep) render(store.state());
    else change({ pathStep: step });
  }
  /** Looks at a number of another layer or head once its path is there. */
  function goElsewhere(settings: { readonly layer?: number; readonly head?: number }, find: (path: ForwardPath) => Place): void {
    if (path === undefined) return;
    if (place !== null) visited = [...visited.slice(-63), { ...place, layer: path.layer, head: path.head }];
    if ((settings.layer ?? path.layer) === path.layer && (settings.head ?? path.head) === path.head) return look(find(path));
    pending = find;
    change(settings);
  }
  function goBack(): void {
    const last = visited.at(-1);
    visited = visited.slice(0, -1);
    if (last === undefined || path === undefined) return;
    const { layer: ofLayer, head: ofHead, ...target } = last;
    if (ofLayer === path.layer && ofHead === path.head) return look(target);
    pending = () => target;
    change({ layer: ofLayer, head: ofHead });
  }
  /** To where a stream that is given was made: the end of the layer before, or of the input. */
  function goBefore(): void {
    const { shown } = store.state();
    if (path === undefined || place === null || shown === null) return;
    const { stage, index } = place;
    const endOf = (mark: 'input' | 'lengths') => (found: ForwardPath): Place => ({ stage: found.stages[found.stages.findIndex(({ name }) => name === mark) - 1]?.name ?? 'embedding', index });
    if (stage === 'finalInput') return goElsewhere({ layer: shown.explanation.model.layers - 1 }, endOf('lengths'));
    if (path.layer === 0) return goElsewhere({}, endOf('input'));
    goElsewhere({ layer: path.layer - 1 }, endOf('lengths'));
  }
  root.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const own = event.target instanceof HTMLElement && (event.target instanceof HTMLInputElement || event.target.closest('[data-arrows]') !== null);
    if (by === undefined || own || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(by);
  });

  async function load(token: number, ofLayer: number, ofHead: number, expert: number): Promise<void> {
    try {
      path = await whileBusy(root, host.query('path', 'forwardPath', { token, layer: ofLayer, head: ofHead, expert }));
      notice.replaceChildren();
      stepCard.hidden = numberRoot.hidden = false;
      const find = pending;
      pending = undefined;
      if (find === undefined) render(store.state());
      else look(find(path));
    } catch (error) {
      if (error instanceof CancelledError) return;
      // The numbers are of another way than the title says.
      path = undefined;
      stepCard.hidden = numberRoot.hidden = true;
      failureNotice(notice, error);
    }
  }

  async function showNumber(found: ForwardPath, target: Place): Promise<void> {
    const { shown, settings } = store.state();
    if (shown === null) return;
    const linear = stageOf(found.stages, target.stage).made.kind === 'linear';
    const args = { token: found.token, layer: found.layer, head: found.head, expert: settings.pathExpert, stage: target.stage, index: target.index };
    const sum = linear ? await whileBusy(numberBody, host.query('sum', 'weightedSum', args)) : null;
    numberBody.replaceChildren(...numberCard(arithmeticOf(found, target, sum), {
      path: found, place: target, labels: tokenLabels(shown.explanation), sum, goTo, goBefore,
      goToLayer: (wanted) => goElsewhere({ layer: wanted }, () => ({ stage: 'input', index: 0 })),
      goToHead: (wanted) => goElsewhere({ head: wanted }, (other) => ({ stage: 'mixed', index: target.index % stageOf(other.stages, 'mixed').values.length })),
    }));
  }

  function showExperts(found: ForwardPath): void {
    const { experts: chosen } = found;
    experts.hidden = chosen === undefined;
    if (chosen === undefined) return;
    if (expertsChanged(found.layer, chosen.ids.join(), chosen.shared)) {
      const names = [...Array.from(chosen.ids, (id, index) => [String(index), t('Expert {0}', id)] as const), ...(chosen.shared ? [[String(chosen.ids.length), t('Shared expert')] as const] : [])];
      expertChoice = segmented(t('Expert'), names, (value) => change({ pathExpert: Number(value) }), true);
      experts.replaceChildren(expertChoice.root);
    }
    expertChoice?.set(String(chosen.shown));
  }

  function render({ shown, theme }: ViewState): void {
    if (shown === null || path === undefined) return;
    const found = path;
    const { model } = shown.explanation;
    const labels = tokenLabels(shown.explanation);
    const steps = stepsOf(found);
    const step = currentStep();
    const index = steps.indexOf(step);
    const text = stepText(step, found, model);
    scrub.set(index, t('{0} of {1}: {2}', index + 1, steps.length, text.title), steps.length - 1);
    previous.disabled = index <= 0;
    next.disabled = index >= steps.length - 1;
    showExperts(found);
    map.show(steps, step, found, model);
    if (stepChanged(found, step)) {
      const own = stagesOf(found, step);
      const kept = place !== null && own.some(({ name, values }) => name === place?.stage && (place?.index ?? 0) < values.length);
      if (!kept) place = firstPlace(found, step);
      stepTitle.textContent = text.title;
      sentence.textContent = text.sentence;
      formula.textContent = text.formula;
      views = own.map((stage) => createStageView(found, stage, { labels, vocab: model.vocab }, context.tooltip, (number) => goTo({ stage: stage.name, index: number })));
      stages.replaceChildren(...(step === 'draw' ? drawStep(found, shown.explanation, labels) : views.map((view) => view.root)));
      stepCard.dataset['part'] = partOf(step);
    }
    back.hidden = visited.length === 0;
    numberRoot.hidden = place === null;
    if (numbersChanged(found, step, place, theme)) for (const view of views) view.show(view.stage.name === place?.stage ? place.index : -1, theme);
    if (place !== null && numberChanged(found, place.stage, place.index)) showNumber(found, place).catch((error: unknown) => failureNotice(numberBody, error));
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      const { model, tokens } = shown.explanation;
      const label = tokenLabels(shown.explanation)[settings.selected] ?? '';
      title.replaceChildren(el('span', { class: 'token-text chip' }, label), ` ${t('through the model')}`);
      notes.textContent = [t('position {0}', settings.selected), t('id {0}', integer(tokens[settings.selected]?.id ?? 0)), ...layerNotes(model, settings.layer)].join(' · ');
      layer.set(settings.layer, integer(settings.layer), model.layers - 1);
      head.set(settings.head, integer(settings.head), model.heads - 1);
      if (asked(shown, settings.selected, settings.layer, settings.head, settings.pathExpert)) void load(settings.selected, settings.layer, settings.head, settings.pathExpert);
      else render(state);
    },
  };
}
