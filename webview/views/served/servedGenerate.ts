import { messageOf, CancelledError } from '../../../src/core/errors.ts';
import { MOST_SERVED } from '../../../src/core/servedGeneration.ts';
import type { PanelContext, View } from '../../context.ts';
import { drawSettings } from '../../generation/generator.ts';
import { NOTHING_WRITTEN, takenInstead, writtenOn, type ServedWriting } from '../../generation/servedWriting.ts';
import { button } from '../../parts/controls.ts';
import { changeDetector, el, ICONS } from '../../parts/dom.ts';
import { decimal, integer } from '../../parts/format.ts';
import { numberField } from '../../parts/numberField.ts';
import { engineText } from '../../parts/servedTexts.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';
import { samplingFields } from '../generate/samplingFields.ts';
import { createSteps } from './servedSteps.ts';

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

function stateText({ steps, text, end, ms }: ServedWriting, engine: string): string {
  if (text === '' && steps.length === 0)
    return t('{0} writes on after the text, drawing by its own sampling: what it did not return is not shown.', engine);
  const written = t('{0} tokens in {1} ms.', integer(steps.length), decimal(ms, 0));
  return end === null ? written : `${written} ${t('The engine ended with: {0}.', end)}`;
}
