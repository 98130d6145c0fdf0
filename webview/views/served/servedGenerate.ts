import { messageOf, CancelledError } from '../../../src/core/errors.ts';
import { surprisalBits } from '../../../src/core/probability.ts';
import { MOST_SERVED, type ServedGeneration } from '../../../src/core/servedGeneration.ts';
import { shortened, visibleText } from '../../../src/core/visibleText.ts';
import type { PanelContext, View } from '../../context.ts';
import { drawSettings } from '../../generation/generator.ts';
import { returnedNumbers } from '../../figures/tableNumbers.ts';
import { button, chip, numberCell } from '../../parts/controls.ts';
import { changeDetector, el, ICONS, stepKey } from '../../parts/dom.ts';
import { bits, decimal, integer, percent, percentInColumn } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { engineText } from '../../parts/servedTexts.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { t } from '../../strings.ts';
import type { Settings } from '../../viewSettings.ts';
import { samplingFields } from '../generate/samplingFields.ts';

/** Most alternatives of each token that are asked for: as many as are looked at. */
const MOST_ALTERNATIVES = 20;

/** The Generate tab of a model that an engine serves: the engine writes on by its own sampling, and each token has what it returned. */
export function createServedGenerate(context: PanelContext): View {
  const { host, store } = context;
  let made: { readonly of: unknown; readonly generation: ServedGeneration } | null = null;
  let selected = 0;
  let running = false;
  let failed = '';
  const change = (settings: Partial<Settings>): void => store.dispatch({ type: 'settings', change: settings });
  const { mode, temperature, topP, seed, limit } = samplingFields(change, MOST_SERVED);
  const play = button(t('Generate'), 'primary', () => void run(), ICONS.play);
  const stop = button(t('Cancel'), 'primary', () => host.drop('served'));
  const copy = button(t('Copy the Text'), 'secondary', () => made !== null && host.post({ type: 'copy', text: made.generation.text }));
  const state = el('p', { class: 'generate-state', role: 'status' });
  const list = el('div', {
    class: 'strip generated',
    role: 'listbox',
    'aria-label': t('Generated tokens'),
    'aria-orientation': 'horizontal',
  });
  const detail = el('div', { class: 'served-detail' });
  const root = el(
    'div',
    { class: 'generate-view' },
    el(
      'section',
      { class: 'card generate-controls', 'aria-label': t('Generation') },
      el('div', { class: 'card-head' }, mode.root, limit.root),
      el('div', { class: 'number-fields' }, temperature.root, topP.root, seed.root),
      el('div', { class: 'toolbar' }, el('div', { class: 'buttons' }, play, stop, copy)),
      state,
    ),
    el('section', { class: 'card', 'aria-label': t('Generated tokens') }, list, detail),
  );

  async function run(): Promise<void> {
    const { shown, settings } = store.state();
    if (shown === null || running) return;
    const { served } = shown.explanation.model;
    running = true;
    failed = '';
    draw();
    try {
      const tokens = Math.min(MOST_SERVED, settings.newTokens);
      const alternatives = Math.min(MOST_ALTERNATIVES, served?.alternatives ?? 0);
      const generation = await host.query('served', 'servedGeneration', { ...drawSettings(settings), tokens, alternatives });
      made = { of: shown, generation };
      selected = 0;
    } catch (error) {
      if (!(error instanceof CancelledError)) failed = messageOf(error);
    } finally {
      running = false;
      draw();
    }
  }

  function draw(): void {
    const { shown } = store.state();
    const generation = made !== null && made.of === shown ? made.generation : null;
    play.hidden = running;
    stop.hidden = !running;
    copy.disabled = generation === null;
    const engine = shown === null ? '' : (engineText(shown.explanation.model) ?? '');
    state.textContent = running ? t('{0} writes…', engine) : failed === '' ? stateText(generation, engine) : failed;
    state.classList.toggle('view-failure', failed !== '' && !running);
    list.replaceChildren(...(generation === null ? [] : chipsOf(generation, selected)));
    detail.replaceChildren(...(generation === null ? [] : detailOf(generation, selected)));
    const card = list.parentElement;
    if (card !== null) card.hidden = generation === null;
  }
  const select = (index: number): void => {
    selected = index;
    draw();
  };
  list.addEventListener('click', (event) => {
    const pressed = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-index]') : null;
    if (pressed !== null) select(Number(pressed.dataset['index']));
  });
  list.addEventListener('keydown', (event) => {
    const next = stepKey(plainKey(event), selected, made?.generation.tokens.length ?? 0);
    if (next === undefined) return;
    event.preventDefault();
    select(next);
    list.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus();
  });

  const changed = changeDetector();
  return {
    root,
    update: ({ shown, settings }) => {
      mode.set(settings.greedy ? 'greedy' : 'sampling');
      temperature.set(settings.temperature);
      topP.set(settings.topP);
      seed.set(settings.seed);
      limit.set(Math.min(MOST_SERVED, settings.newTokens));
      for (const field of [temperature, topP, seed]) field.enable(!settings.greedy);
      if (changed(shown)) draw();
    },
  };
}

function stateText(generation: ServedGeneration | null, engine: string): string {
  if (generation === null)
    return t('{0} writes on after the text, drawing by its own sampling: what it did not return is not shown.', engine);
  const { tokens, end, ms } = generation;
  const written = t('{0} tokens in {1} ms.', integer(tokens.length), decimal(ms, 0));
  return end === null ? written : `${written} ${t('The engine ended with: {0}.', end)}`;
}

function chipsOf({ tokens, text }: ServedGeneration, selected: number): readonly HTMLElement[] {
  if (tokens.length === 0) return [el('p', {}, text)];
  return tokens.map((token, index) => {
    const made = chip(visibleText(token.text), `${percent(token.prob)}, ${bits(surprisalBits(Math.log(token.prob)))}`);
    made.classList.add('token');
    made.setAttribute('role', 'option');
    made.setAttribute('data-index', String(index));
    made.setAttribute('aria-selected', String(index === selected));
    made.tabIndex = index === selected ? 0 : -1;
    return made;
  });
}

function detailOf({ tokens }: ServedGeneration, selected: number): readonly HTMLElement[] {
  const token = tokens[selected];
  if (token === undefined) return [];
  const isListed = token.top.some(({ text, prob }) => text === token.text && prob === token.prob);
  const rows = [...token.top, ...(isListed ? [] : [token])];
  const rest = Math.max(0, 1 - rows.reduce((sum, { prob }) => sum + prob, 0));
  const table = el(
    'table',
    { class: 'candidates' },
    el('caption', { class: 'visually-hidden' }, t('Most likely next tokens')),
    el(
      'thead',
      {},
      el('tr', {}, el('th', { scope: 'col' }, t('Candidate')), el('th', { scope: 'col', class: 'number' }, t('Probability'))),
    ),
    el(
      'tbody',
      {},
      ...rows.map(({ text, prob }) =>
        el(
          'tr',
          { class: text === token.text && prob === token.prob ? 'actual' : '' },
          el('th', { scope: 'row' }, chip(visibleText(text))),
          numberCell(percentInColumn(prob), true),
        ),
      ),
      el('tr', { class: 'not-returned' }, el('th', { scope: 'row' }, el('em', {}, t('not returned'))), numberCell(percentInColumn(rest))),
    ),
  );
  return [
    el('h3', {}, t('At step {0}', integer(selected + 1)), ' ', chip(shortened(visibleText(token.text), 24))),
    withTableMenu(t('Most likely next tokens'), table, {
      file: () => `step-${selected + 1}-candidates`,
      numbers: () => returnedNumbers([...rows, { text: undefined, prob: rest }]),
    }),
  ];
}
