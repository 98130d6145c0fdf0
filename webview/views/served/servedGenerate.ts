import { messageOf, CancelledError } from '../../../src/core/errors.ts';
import { surprisalBits } from '../../../src/core/probability.ts';
import { MOST_SERVED, type ServedCandidate } from '../../../src/core/servedGeneration.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import type { PanelContext, View } from '../../context.ts';
import { drawSettings } from '../../generation/generator.ts';
import { NOTHING_WRITTEN, takenInstead, writtenOn, type ServedWriting } from '../../generation/servedWriting.ts';
import { button, chip } from '../../parts/controls.ts';
import { changeDetector, el, ICONS, stepKey } from '../../parts/dom.ts';
import { bits, decimal, integer, percent } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { numberField } from '../../parts/numberField.ts';
import { engineText } from '../../parts/servedTexts.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';
import { samplingFields } from '../generate/samplingFields.ts';
import { servedStep } from './servedStep.ts';

/** Most alternatives of each token that are asked for: as many as are looked at. */
const MOST_ALTERNATIVES = 20;

/**
 * The Generate tab of a model that an engine serves: the engine writes on by its own sampling, all at once or a token at a time, and each
 * step has what it returned. An alternative can be taken in a token's place: the engine goes on from there.
 */
export function createServedGenerate(context: PanelContext): View {
  const { host, store } = context;
  let made: { readonly of: unknown; readonly writing: ServedWriting } = { of: null, writing: NOTHING_WRITTEN };
  let selected = 0;
  let running = false;
  let failed = '';
  const change = (settings: Partial<Settings>): void => store.dispatch({ type: 'settings', change: settings });
  const { mode, temperature, topP, seed, limit } = samplingFields(change, MOST_SERVED);
  const topK = numberField('Top-k', { min: 0, max: 1e9, step: 1, whole: true }, (value) => change({ topK: value }));
  const play = button(t('Generate'), 'primary', () => void run(Infinity), ICONS.play);
  const one = button(t('One Step'), 'secondary', () => void run(1));
  const stop = button(t('Cancel'), 'primary', () => host.drop('served'));
  const reset = button(t('Reset'), 'secondary', () => keep(NOTHING_WRITTEN));
  const copy = button(t('Copy the Text'), 'secondary', () => host.post({ type: 'copy', text: writing().text }));
  const state = el('p', { class: 'generate-state', role: 'status' });
  const steps = createSteps({
    select: (index) => {
      selected = index;
      draw();
    },
    take: (index, candidate) => running || keep(takenInstead(writing(), index, candidate)),
  });
  const root = el(
    'div',
    { class: 'generate-view' },
    el(
      'section',
      { class: 'card generate-controls', 'aria-label': t('Generation') },
      el('div', { class: 'card-head' }, mode.root, limit.root),
      el('div', { class: 'number-fields' }, temperature.root, topK.root, topP.root, seed.root),
      el('div', { class: 'toolbar' }, el('div', { class: 'buttons' }, play, stop, one, reset, copy)),
      state,
    ),
    steps.root,
  );

  const writing = (): ServedWriting => (made.of === store.state().shown ? made.writing : NOTHING_WRITTEN);
  const keep = (next: ServedWriting): void => {
    made = { of: store.state().shown, writing: next };
    selected = Math.min(selected, Math.max(0, next.steps.length - 1));
    failed = '';
    draw();
  };
  const left = (): number => Math.min(MOST_SERVED, store.state().settings.newTokens) - writing().steps.length;

  async function run(most: number): Promise<void> {
    const { shown, settings } = store.state();
    const tokens = Math.min(most, left());
    if (shown === null || running || tokens < 1) return;
    const { served } = shown.explanation.model;
    running = true;
    failed = '';
    draw();
    try {
      const alternatives = Math.min(MOST_ALTERNATIVES, served?.alternatives ?? 0);
      const before = writing();
      const { sampling: own, seed: first } = drawSettings(settings);
      // Not among the fields here: few engines have it.
      const sampling = { ...own, minP: 0 };
      // Each go draws by a seed of its own, or all would draw the same.
      const asked = {
        written: before.text === '' ? null : before.text,
        sampling,
        seed: (first + before.steps.length) % Number.MAX_SAFE_INTEGER,
        tokens,
        alternatives,
      };
      const generation = await host.query('served', 'servedGeneration', asked);
      if (store.state().shown !== shown) return;
      selected = before.steps.length;
      keep(writtenOn(before, generation, sampling));
    } catch (error) {
      if (!(error instanceof CancelledError)) failed = messageOf(error);
    } finally {
      running = false;
      draw();
    }
  }

  function draw(): void {
    const { shown } = store.state();
    const now = writing();
    const isWritten = now.text !== '' || now.steps.length > 0;
    play.hidden = running;
    stop.hidden = !running;
    play.disabled = one.disabled = running || left() < 1;
    reset.disabled = copy.disabled = running || !isWritten;
    const model = shown?.explanation.model;
    const engine = model === undefined ? '' : (engineText(model) ?? '');
    state.textContent = running ? t('{0} writes…', engine) : failed === '' ? stateText(now, engine) : failed;
    state.classList.toggle('view-failure', failed !== '' && !running);
    steps.root.hidden = !isWritten;
    steps.draw(now, selected, model?.served?.engine ?? '');
  }

  const changed = changeDetector();
  return {
    root,
    update: ({ shown, settings }) => {
      mode.set(settings.greedy ? 'greedy' : 'sampling');
      temperature.set(settings.temperature);
      topK.set(settings.topK);
      topP.set(settings.topP);
      seed.set(settings.seed);
      limit.set(Math.min(MOST_SERVED, settings.newTokens));
      for (const field of [temperature, topK, topP, seed]) field.enable(!settings.greedy);
      if (changed(shown, settings.newTokens)) draw();
    },
  };
}

/** What is done with the steps of a writing. */
interface StepActions {
  readonly select: (index: number) => void;
  readonly take: (index: number, candidate: ServedCandidate) => void;
}

/** The tokens that were written, and the step of the selected one. */
function createSteps({ select, take }: StepActions) {
  const list = el('div', {
    class: 'strip generated',
    role: 'listbox',
    'aria-label': t('Generated tokens'),
    'aria-orientation': 'horizontal',
  });
  const detail = el('div', { class: 'served-detail' });
  let shown: { readonly writing: ServedWriting; readonly selected: number } = { writing: NOTHING_WRITTEN, selected: 0 };
  list.addEventListener('click', (event) => {
    const pressed = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-index]') : null;
    if (pressed !== null) select(Number(pressed.dataset['index']));
  });
  list.addEventListener('keydown', (event) => {
    const next = stepKey(plainKey(event), shown.selected, shown.writing.steps.length);
    if (next === undefined) return;
    event.preventDefault();
    select(next);
    list.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus();
  });
  detail.addEventListener('click', (event) => {
    const pressed = event.target instanceof Element ? event.target.closest<HTMLElement>('button[data-place]') : null;
    const place = Number(pressed?.dataset['place']);
    const { drawn, token } = shown.writing.steps[shown.selected] ?? {};
    const candidate = drawn?.top[place] ?? drawn;
    if (pressed === null || candidate === undefined || candidate.text === token?.text) return;
    take(shown.selected, candidate);
    detail.querySelector<HTMLElement>(`[data-place="${place}"]`)?.focus();
  });
  return {
    root: el('section', { class: 'card', 'aria-label': t('Generated tokens') }, list, detail),
    /** `engine`: its protocol. */
    draw: (writing: ServedWriting, selected: number, engine: string): void => {
      shown = { writing, selected };
      list.replaceChildren(...chipsOf(writing, selected));
      detail.replaceChildren(...servedStep(writing, selected, engine));
    },
  };
}

function stateText({ steps, text, end, ms }: ServedWriting, engine: string): string {
  if (text === '' && steps.length === 0)
    return t('{0} writes on after the text, drawing by its own sampling: what it did not return is not shown.', engine);
  const written = t('{0} tokens in {1} ms.', integer(steps.length), decimal(ms, 0));
  return end === null ? written : `${written} ${t('The engine ended with: {0}.', end)}`;
}

function chipsOf({ steps, text }: ServedWriting, selected: number): readonly HTMLElement[] {
  if (steps.length === 0) return [el('p', {}, text)];
  return steps.map(({ drawn, token }, index) => {
    const isTaken = token.text !== drawn.text;
    const numbers = `${percent(token.prob)}, ${bits(surprisalBits(Math.log(token.prob)))}`;
    const made = chip(visibleText(token.text), isTaken ? `${numbers}, ${t('taken')}` : numbers);
    made.classList.add('token');
    if (isTaken) made.classList.add('taken');
    made.setAttribute('role', 'option');
    made.setAttribute('data-index', String(index));
    made.setAttribute('aria-selected', String(index === selected));
    made.tabIndex = index === selected ? 0 : -1;
    return made;
  });
}
