import type { Token } from '../../src/core/trace.ts';
import { visibleToken } from '../../src/core/visibleText.ts';
import { selectToken, type PanelContext } from '../context.ts';
import { changeDetector, el, stepKey } from '../dom.ts';
import { rowOfToken, rowText, surprisalFigure, type ComparisonRow } from '../figures/comparison.ts';
import { bits, decimal } from '../format.ts';
import { createPlot } from '../plot.ts';
import type { ViewState } from '../state.ts';
import { t } from '../strings.ts';
import type { Compared, ComparePart } from './compare.ts';

/** Surprisal of both sides, as bars and as a table of aligned rows. */
export function createCompareTokens(context: PanelContext): ComparePart {
  const { store } = context;
  const plot = createPlot(t('Surprisal of both sides, row by row'), {
    hover: (point, event) => {
      const row = point === null ? undefined : compared?.rows[point.x];
      if (row === undefined || event === null) return context.tooltip.hide();
      context.tooltip.show({ title: rowText(row), rows: [[t('First'), bits(row.aBits)], [t('Second'), bits(row.bBits)], [t('Difference'), signed(row.difference)], ['KL', bits(row.kl)]] }, event.clientX, event.clientY);
    },
    click: (point) => choose(point.x),
    resized: () => draw(store.state()),
  });
  const keys = el('ul', { class: 'line-keys' }, el('li', {}, el('span', { class: 'side-mark first', 'aria-hidden': 'true' }), t('first side')), el('li', {}, el('span', { class: 'side-mark second', 'aria-hidden': 'true' }), t('second side')));
  const body = el('tbody');
  const columns = [t('First'), t('Second'), t('Bits, first'), t('Bits, second'), t('Difference'), 'KL'];
  const table = el('table', { class: 'compare-table', role: 'grid' }, el('caption', { class: 'visually-hidden' }, t('Aligned tokens')), el('thead', {}, el('tr', {}, ...columns.map((name, index) => el('th', { scope: 'col', class: index < 2 ? '' : 'number' }, name)))), body);
  const root = el('section', { class: 'card', 'aria-label': t('Aligned tokens') }, el('div', { class: 'card-head' }, el('h2', {}, t('Surprisal, token by token')), keys), plot.root, el('div', { class: 'compare-frame' }, table),
    el('p', { class: 'caption' }, t('Difference: to the right the second side found the tokens likelier, by so many bits (powers of two); to the left the first did. KL: how far apart the two distributions were that predicted the token. A dash: one side has no such token, or nothing precedes it.')));
  let compared: Compared | null = null;
  let chosen = -1;
  let rows: readonly HTMLElement[] = [];
  const built = changeDetector();
  const moved = changeDetector();
  const drawn = changeDetector();

  function choose(index: number): void {
    const row = compared?.rows[index];
    if (row === undefined) return;
    chosen = index;
    const token = row.a[0];
    if (token !== undefined) selectToken(context, token.index);
    mark(store.state());
  }
  body.addEventListener('click', (event) => {
    const index = rows.findIndex((row) => event.target instanceof Node && row.contains(event.target));
    if (index >= 0) choose(index);
  });
  body.addEventListener('keydown', (event) => {
    const next = event.key === 'ArrowLeft' || event.key === 'ArrowRight' ? undefined : stepKey(event.key, Math.max(0, chosen), rows.length);
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
    rows[next]?.focus();
  });

  function mark(state: ViewState): void {
    rows.forEach((row, index) => {
      row.setAttribute('aria-selected', String(index === chosen));
      row.setAttribute('tabindex', index === Math.max(0, chosen) ? '0' : '-1');
    });
    const row = rows[chosen];
    const frame = row?.closest('.compare-frame');
    if (row !== undefined && frame !== null && frame !== undefined && (row.offsetTop < frame.scrollTop + 32 || row.offsetTop + row.offsetHeight > frame.scrollTop + frame.clientHeight)) frame.scrollTop = row.offsetTop - frame.clientHeight / 2;
    draw(state);
  }

  function draw({ theme }: ViewState): void {
    const width = plot.width();
    if (compared === null || width === 0 || !drawn(compared, chosen, width, theme)) return;
    plot.draw(surprisalFigure(compared.rows, chosen, width, theme));
  }

  return {
    root,
    update: (state, now) => {
      compared = now;
      if (built(now)) {
        const largest = now.rows.reduce((max, { difference }) => Math.max(max, Math.abs(Number.isNaN(difference) ? 0 : difference)), 1e-9);
        rows = now.rows.map((row) => tableRow(row, largest));
        body.replaceChildren(...rows);
        chosen = -1;
      }
      if (moved(now, state.settings.selected)) {
        const holds = now.rows[chosen];
        // A row of the second side alone stays chosen while the selected token stays.
        if (holds === undefined || holds.aStart > state.settings.selected || holds.aEnd <= state.settings.selected) chosen = rowOfToken(now.rows, state.settings.selected);
        mark(state);
      } else draw(state);
    },
  };
}

function tableRow(row: ComparisonRow, largest: number): HTMLElement {
  const bar = el('span', { class: row.difference < 0 ? 'lean to-first' : 'lean', 'aria-hidden': 'true' });
  bar.style.setProperty('--share', Number.isNaN(row.difference) ? '0' : (Math.abs(row.difference) / largest).toFixed(4));
  const number = (value: number, digits: number): HTMLElement => el('td', { class: 'number' }, Number.isNaN(value) ? '–' : decimal(value, digits));
  return el('tr', { class: row.same ? '' : 'apart', tabindex: -1, 'aria-selected': 'false' }, tokenCell(row.a), tokenCell(row.b), number(row.aBits, 2), number(row.bBits, 2),
    el('td', { class: 'number lean-cell' }, bar, el('span', {}, signed(row.difference))), number(row.kl, 3));
}

function tokenCell(tokens: readonly Token[]): HTMLElement {
  return el('td', {}, ...(tokens.length === 0 ? ['–'] : tokens.map((token) => el('span', { class: `token-text chip${token.special ? ' special' : ''}${token.partial ? ' partial' : ''}` }, visibleToken(token)))));
}

function signed(value: number): string {
  if (Number.isNaN(value)) return '–';
  const rounded = Math.round(value * 100);
  return `${rounded > 0 ? '+' : rounded < 0 ? '−' : ''}${decimal(Math.abs(value), 2)}`;
}
