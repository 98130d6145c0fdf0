import type { Explanation } from '../../../src/core/trace.ts';
import { markTokens, selectToken, type PanelContext, type View } from '../../context.ts';
import { countList } from '../../parts/controls.ts';
import { changeDetector, el, stepKey } from '../../parts/dom.ts';
import { summarise } from '../../figures/summary.ts';
import { decimal, displayLanguage, integer } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { createRowWindow, rowSpacer, WHOLE } from '../../parts/rowWindow.ts';
import { t } from '../../strings.ts';
import { tokenRow, widestRows } from './tokenRow.ts';

/** The Tokens tab: a table of all tokens. In a long text, only the rows on screen are in the page. */
export function createTokens(context: PanelContext): View {
  const counts = el('dl', { class: 'facts' });
  const body = el('tbody');
  /** Rows with the widest content of each column, which keep the columns as wide while others come and go. */
  const widest = el('tfoot', { 'aria-hidden': 'true' });
  const columns = [t('Index'), t('Text'), t('Bytes'), t('Id'), t('Probability'), t('Rank'), t('Surprisal, bits'), t('Entropy, bits')];
  const table = el(
    'table',
    { class: 'token-table', role: 'grid' },
    el('caption', { class: 'visually-hidden' }, t('Tokens of the text')),
    el('thead', {}, el('tr', { 'aria-rowindex': 1 }, ...columns.map((name) => el('th', { scope: 'col' }, name)))),
    body,
    widest,
  );
  const root = el('div', { class: 'tokens-view' }, counts, el('div', { class: 'table-frame' }, table));
  const shownRows = createRowWindow({
    parent: body,
    scroller: () => root.closest('.panels'),
    spacer: rowSpacer,
  });
  const { rows } = shownRows;
  let current: HTMLElement | undefined;
  let marked: readonly number[] = [];
  const built = changeDetector();
  const moved = changeDetector();
  const staleChanged = changeDetector();

  body.addEventListener('click', (event) => {
    const index = indexOf(event);
    if (index !== undefined) selectToken(context, index);
  });
  body.addEventListener('mousemove', (event) => {
    const index = indexOf(event);
    if (index !== undefined) markTokens(context, [index]);
  });
  body.addEventListener('mouseleave', () => markTokens(context, []));
  body.addEventListener('keydown', (event) => {
    const { shown, settings } = context.store.state();
    const next = stepKey(plainKey(event), settings.selected, shown?.explanation.tokens.length ?? 0);
    if (next === undefined || event.key === 'ArrowLeft' || event.key === 'ArrowRight') return;
    event.preventDefault();
    selectToken(context, next);
    rows.get(next)?.focus({ preventScroll: true });
  });

  function row(index: number): HTMLElement {
    const { shown, settings, stale } = context.store.state();
    if (shown === null) return el('tr');
    const made = tokenRow(shown.explanation, index);
    choose(made, index === settings.selected);
    made.classList.toggle('stale', stale.has(index));
    made.classList.toggle('marked', marked.includes(index));
    return made;
  }
  new ResizeObserver(shownRows.update).observe(root);
  // Scrolling is heard on its way down: the element that scrolls is around this view.
  document.addEventListener('scroll', () => root.clientHeight > 0 && shownRows.update(), { capture: true, passive: true });

  return {
    root,
    update: ({ shown, settings, stale, marked: nowMarked }) => {
      if (shown === null) return;
      const { explanation } = shown;
      const fresh = built(shown);
      const added = explanation.tokens.findIndex(({ special }) => !special);
      const count = explanation.tokens.length;
      if (fresh) {
        counts.replaceChildren(...facts(explanation));
        marked = [];
        table.setAttribute('aria-rowcount', String(count + 1));
        widest.replaceChildren(...(count > WHOLE ? widestRows(explanation).map((index) => tokenRow(explanation, index)) : []));
        shownRows.fill(count, count <= WHOLE, row);
      }
      if (moved(shown, settings.selected)) {
        if (current !== undefined) choose(current, false);
        current = shownRows.keep(settings.selected);
        if (current !== undefined) choose(current, true);
        // For a new text with its first token selected, the panel scrolls to its top; otherwise the selected row scrolls into view.
        if (fresh && settings.selected <= added) root.closest('.panels')?.scrollTo(0, 0);
        else current?.scrollIntoView({ block: 'nearest' });
      }
      shownRows.update();
      if (nowMarked !== marked) {
        for (const index of marked) rows.get(index)?.classList.remove('marked');
        for (const index of nowMarked) rows.get(index)?.classList.add('marked');
        marked = nowMarked;
      }
      if (staleChanged(shown, stale)) for (const [index, shownRow] of rows) shownRow.classList.toggle('stale', stale.has(index));
    },
  };
}

/** Marks a row as the selected one, which has the table's place in the order of Tab, or as any other. */
function choose(row: HTMLElement, selected: boolean): void {
  row.setAttribute('aria-selected', String(selected));
  if (selected) row.tabIndex = 0;
  else row.removeAttribute('tabindex');
}

function facts(explanation: Explanation): readonly HTMLElement[] {
  const summary = summarise(explanation, displayLanguage());
  return countList([
    [integer(summary.own), t('tokens')],
    ...(summary.added > 0 ? [[integer(summary.added), t('added tokens')] as const] : []),
    [integer(summary.distinct), t('distinct ids')],
    [integer(summary.bytes), t('bytes')],
    [integer(summary.words), t('words')],
    ...(Number.isFinite(summary.tokensPerWord) ? [[decimal(summary.tokensPerWord, 2), t('tokens per word')] as const] : []),
  ]);
}

/** Index of the row that an event happened in. */
function indexOf(event: Event): number | undefined {
  const row = event.target instanceof Element ? event.target.closest('tr') : null;
  return row?.dataset['index'] === undefined ? undefined : Number(row.dataset['index']);
}
