import { selectToken, type PanelContext } from '../../context.ts';
import { rowOfToken } from '../../figures/comparisonRows.ts';
import { changeDetector, el, stepKey } from '../../parts/dom.ts';
import { plainKey } from '../../parts/keys.ts';
import { comparedNumbers } from '../../figures/savedNumbers.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { createRowWindow, rowSpacer, WHOLE } from '../../parts/rowWindow.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createCompareBars } from './compareBars.ts';
import { tableRow, widestRows } from './compareRow.ts';
import type { Compared, ComparePart } from './compared.ts';

/** Surprisal of both sides, as bars and as a table of aligned rows. */
export function createCompareTokens(context: PanelContext): ComparePart {
  const { store } = context;
  const bars = createCompareBars(
    context,
    (row) => choose(row),
    () => draw(store.state()),
  );
  const keys = el(
    'ul',
    { class: 'line-keys' },
    el('li', {}, el('span', { class: 'side-mark first', 'aria-hidden': 'true' }), t('first side')),
    el('li', {}, el('span', { class: 'side-mark second', 'aria-hidden': 'true' }), t('second side')),
  );
  const body = el('tbody');
  /** Rows with the widest content of each column, which keep the columns as wide while others come and go. */
  const widest = el('tfoot', { 'aria-hidden': 'true' });
  const columns = [t('First'), t('Second'), t('Bits, first'), t('Bits, second'), t('Difference'), 'KL'];
  const table = el(
    'table',
    { class: 'compare-table', role: 'grid' },
    el('caption', { class: 'visually-hidden' }, t('Aligned tokens')),
    el(
      'thead',
      {},
      el('tr', { 'aria-rowindex': 1 }, ...columns.map((name, index) => el('th', { scope: 'col', class: index < 2 ? '' : 'number' }, name))),
    ),
    body,
    widest,
  );
  const frame = el('div', { class: 'compare-frame' }, table);
  const saved = withTableMenu(t('Aligned tokens'), frame, {
    file: () => 'surprisal-of-both',
    numbers: () => compared && comparedNumbers(compared.rows),
  });
  const root = el(
    'section',
    { class: 'card', 'aria-label': t('Aligned tokens') },
    el('div', { class: 'card-head' }, el('h2', {}, t('Surprisal, token by token')), keys),
    ...bars.parts,
    saved,
    el('p', { class: 'caption' }, meaning()),
  );
  let compared: Compared | null = null;
  let chosen = -1;
  /** Difference with the longest bar in the table. */
  let largest = 1;
  const shownRows = createRowWindow({
    parent: body,
    scroller: () => frame,
    spacer: rowSpacer,
  });
  const { rows } = shownRows;
  const built = changeDetector();
  const moved = changeDetector();

  function choose(index: number): void {
    const row = compared?.rows[index];
    if (row === undefined) return;
    chosen = index;
    const token = row.a[0];
    if (token !== undefined) selectToken(context, token.index);
    mark(store.state());
  }
  body.addEventListener('click', (event) => {
    const row = event.target instanceof Element ? event.target.closest('tr') : null;
    const index = row?.dataset['index'];
    if (index !== undefined) choose(Number(index));
  });
  body.addEventListener('keydown', (event) => {
    const next =
      event.key === 'ArrowLeft' || event.key === 'ArrowRight'
        ? undefined
        : stepKey(plainKey(event), Math.max(0, chosen), compared?.rows.length ?? 0);
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
    rows.get(next)?.focus();
  });
  frame.addEventListener('scroll', shownRows.update, { passive: true });
  new ResizeObserver(shownRows.update).observe(frame);

  function row(index: number): HTMLElement {
    const of = compared?.rows[index];
    return of === undefined ? el('tr') : markRow(tableRow(of, index, largest), index);
  }
  function markRow(shown: HTMLElement, index: number): HTMLElement {
    shown.setAttribute('aria-selected', String(index === chosen));
    shown.setAttribute('tabindex', index === Math.max(0, chosen) ? '0' : '-1');
    return shown;
  }
  function mark(state: ViewState): void {
    const current = shownRows.keep(Math.max(0, chosen));
    for (const [index, shown] of rows) markRow(shown, index);
    if (chosen >= 0) revealRow(current);
    draw(state);
  }

  function draw({ theme }: ViewState): void {
    bars.draw(compared, chosen, theme);
  }

  return {
    root,
    update: (state, now) => {
      compared = now;
      if (built(now)) {
        largest = now.rows.reduce((max, { difference }) => Math.max(max, Math.abs(Number.isNaN(difference) ? 0 : difference)), 1e-9);
        chosen = -1;
        const count = now.rows.length;
        table.setAttribute('aria-rowcount', String(count + 1));
        table.classList.toggle('in-rows', count > WHOLE);
        widest.replaceChildren(...(count > WHOLE ? widestRows(now.rows) : []));
        shownRows.fill(count, count <= WHOLE, row);
      }
      if (moved(now, state.settings.selected)) {
        const holds = now.rows[chosen];
        // A row that only the second side has stays selected for as long as the selected token does not change.
        if (holds === undefined || holds.aStart > state.settings.selected || holds.aEnd <= state.settings.selected)
          chosen = rowOfToken(now.rows, state.settings.selected);
        mark(state);
      } else draw(state);
    },
  };
}

/** Scrolls the table so that a row outside the visible part comes to its middle. */
function revealRow(row: HTMLElement | undefined): void {
  const frame = row?.closest('.compare-frame');
  if (row === undefined || frame === null || frame === undefined) return;
  if (row.offsetTop < frame.scrollTop + 32 || row.offsetTop + row.offsetHeight > frame.scrollTop + frame.clientHeight)
    frame.scrollTop = row.offsetTop - frame.clientHeight / 2;
}

/** What the columns of the table mean. */
function meaning(): string {
  return t(
    'Difference: to the right the second side found the tokens likelier, by so many bits (powers of two); to the ' +
      'left the first did. KL: how far apart the two distributions were that predicted the token. A dash: one side has ' +
      'no such token, or nothing precedes it.',
  );
}
