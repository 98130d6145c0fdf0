import { html, nothing, type TemplateResult } from 'lit-html';
import type { Distribution } from '../../../src/core/trace.ts';
import { button, slider } from '../../parts/controls.ts';
import { createSamplingCurve } from './samplingCurve.ts';
import { FILTER_NAMES } from '../../figures/rankCurve.ts';
import type { PanelContext, View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { candidates, type Candidate, type Candidates } from '../../figures/candidates.ts';
import { bits, decimal, integer, percentInColumn, removedText } from '../../parts/format.ts';
import { candidateNumbers } from '../../figures/tableNumbers.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import {
  afterTemplate,
  barTemplate,
  chipTemplate,
  drawInto,
  factsTemplate,
  headingTemplate,
  numberTemplate,
} from '../../parts/templates.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { INITIAL_SETTINGS, type Settings } from '../../viewSettings.ts';
import { t } from '../../strings.ts';
import { visibleText, visibleToken } from '../../../src/core/visibleText.ts';

const ROWS = 12;
/** Stops of the top-k slider, which is logarithmic; 0 is off. */
const TOP_K_STOPS = [1, 2, 3, 5, 10, 20, 40, 50, 100, 200, 500, 1000, 2000, 5000, 0] as const;

/** The distribution after the selected token, and the effect of temperature and filters on it. */
export function createNextToken(context: PanelContext): View {
  const change = (settings: Partial<Settings>): void => context.store.dispatch({ type: 'settings', change: settings });
  const temperature = slider(t('Temperature'), 0, 2, 0.05, (value) => change({ temperature: value }));
  const topK = slider('Top-k', 0, TOP_K_STOPS.length - 1, 1, (value) => change({ topK: TOP_K_STOPS[value] ?? 0 }));
  const topP = slider('Top-p', 0.01, 1, 0.01, (value) => change({ topP: value }));
  const minP = slider('Min-p', 0, 0.5, 0.01, (value) => change({ minP: value }));
  const { temperature: heat, topK: k, topP: p, minP: m } = INITIAL_SETTINGS;
  const reset = button(t('Reset'), 'link', () => change({ temperature: heat, topK: k, topP: p, minP: m }));
  const title = el('h2');
  const rows = el('tbody');
  const heads = el('tr');
  const caption = el('caption', { class: 'visually-hidden' }, t('Most likely next tokens'));
  const table = el('table', { class: 'candidates' }, caption, el('thead', {}, heads), rows);
  const meaning = el('p', { class: 'caption' }, t('Outline: the model. Line: at the temperature. Bar: what is drawn with.'));
  let listed: Candidates['rows'] = [];
  const saved = withTableMenu(t('Most likely next tokens'), table, {
    file: () => `position-${context.store.state().settings.selected}-next-token`,
    numbers: () => candidateNumbers(listed),
  });
  const effect = el('dl', { class: 'effect' });
  const curve = createSamplingCurve(context);
  const drawn = changeDetector();
  const asked = question(context, {
    busy: () => root,
    parts: [meaning, saved, effect, curve.root],
    ask: ({ settings }, query) => query('distribution', 'distribution', { position: settings.selected }),
    draw: render,
  });
  const body = el(
    'div',
    { class: 'next-columns' },
    el('div', { class: 'candidates-side' }, meaning, saved),
    el(
      'div',
      { class: 'sampling' },
      el('div', { class: 'card-head' }, el('h3', {}, t('Sampling')), reset),
      temperature.root,
      topK.root,
      topP.root,
      minP.root,
      effect,
      asked.notice,
    ),
  );
  const root: HTMLElement = el(
    'section',
    { class: 'card next-token', 'aria-label': t('Next token') },
    el('div', { class: 'card-head' }, title),
    body,
    curve.root,
  );

  function render(distribution: Distribution, { shown, settings }: ViewState): void {
    if (shown === null || !drawn(distribution, settings.temperature, settings.topK, settings.topP, settings.minP)) return;
    const { explanation } = shown;
    const following = explanation.tokens[distribution.position + 1];
    const answer = candidates(distribution, settings, following?.id, ROWS);
    listed = answer.rows;
    const columns = columnsOf(answer, settings.temperature);
    // With two columns bar and outline are one.
    meaning.hidden = columns.length <= 2;
    drawInto(heads, [
      headingTemplate(t('Candidate'), false),
      headingTemplate(t('Probability'), false),
      ...columns.map((name) => headingTemplate(columnName(name), true)),
    ]);
    const largest = Math.max(...answer.rows.map((row) => Math.max(row.before, row.tempered, row.after)));
    const nameOf = ({ id, text }: Candidate): string =>
      id === following?.id ? visibleToken(following) : text === undefined ? t('id {0}', id) : visibleText(text);
    drawInto(
      rows,
      answer.rows.map((row) => rowTemplate(row, nameOf(row), largest, columns)),
    );
    drawInto(effect, factsTemplate(effects(answer, explanation.model.vocab, settings.temperature)));
    curve.show(answer.own, answer.sampled);
  }

  return {
    root,
    update: (state) => {
      const { shown, settings } = state;
      if (shown === null) return;
      const { explanation } = shown;
      curve.update(state);
      temperature.set(settings.temperature, settings.temperature === 0 ? t('0 (greedy)') : decimal(settings.temperature, 2));
      const stop = TOP_K_STOPS.findIndex((value) => value === settings.topK);
      topK.set(stop < 0 ? TOP_K_STOPS.length - 1 : stop, settings.topK === 0 ? t('off') : integer(settings.topK));
      topP.set(settings.topP, settings.topP >= 1 ? t('off') : decimal(settings.topP, 2));
      minP.set(settings.minP, settings.minP === 0 ? t('off') : decimal(settings.minP, 2));
      const token = explanation.tokens[settings.selected];
      drawInto(title, afterTemplate(token, settings.selected));
      asked.update(state, shown, settings.selected);
    },
  };
}

type Column = 'logit' | 'before' | 'tempered' | 'after';

/** The columns whose numbers differ: without a filter a token is drawn at the temperature, and at 1 with the model's own probability. */
function columnsOf({ sampled }: Candidates, temperature: number): readonly Column[] {
  const isFiltered = sampled.steps.length > 0;
  return ['logit', 'before', ...(temperature === 1 ? [] : ['tempered' as const]), ...(isFiltered ? ['after' as const] : [])];
}

function columnName(column: Column): string {
  return { logit: t('Logit'), before: t('Model'), tempered: t('At temperature'), after: t('Drawn with') }[column];
}

function rowTemplate(row: Candidate, name: string, largest: number, columns: readonly Column[]): TemplateResult {
  const { before, tempered, after, kept, actual } = row;
  return html`<tr class="${kept ? '' : 'dropped'} ${actual ? 'actual' : ''}">
    <th scope="row">
      <span class="candidate">
        ${chipTemplate(name, `${name} · ${t('Token id {0}', row.id)}`)}
        ${actual ? html`<span class="badge">${t('follows')}</span>` : nothing}
      </span>
    </th>
    <td class="bar-cell">${barTemplate({ before: before / largest, after: after / largest, tempered: tempered / largest })}</td>
    ${columns.map((column) => {
      const text = column === 'logit' ? decimal(row.logit, 2) : percentInColumn(row[column]);
      return numberTemplate(column === 'after' && !kept ? t('removed') : text, column === columns.at(-1));
    })}
  </tr>`;
}

/**
 * Effects on the distribution, in order: temperature, top-k, top-p, min-p. The mass that a filter removes is a fraction of the distribution
 * it receives.
 */
function effects({ sampled, entropy }: Candidates, vocab: number, temperature: number): readonly (readonly [string, string])[] {
  const lines: (readonly [string, string])[] = [
    [
      t('Temperature'),
      temperature === 1 ? t('changes nothing') : t('{0} → {1} bits of entropy', decimal(entropy, 2), decimal(sampled.entropyBefore, 2)),
    ],
  ];
  for (const { filter, dropped, removed, kept } of sampled.steps)
    lines.push([t('{0} removes', FILTER_NAMES[filter]), removedText({ dropped, removed, kept })]);
  lines.push([t('Tokens kept'), t('{0} of {1}', integer(sampled.keptCount), integer(vocab))]);
  lines.push([
    t('Entropy'),
    sampled.steps.length === 0
      ? bits(sampled.entropyBefore)
      : t('{0} → {1} bits', decimal(sampled.entropyBefore, 2), decimal(sampled.entropyAfter, 2)),
  ]);
  return lines;
}
