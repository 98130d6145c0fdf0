import { markTokens, type PanelContext } from '../../context.ts';
import type { TableItems } from '../../figures/tokenTable.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createRowWindow, rowSpacer, WHOLE } from '../../parts/rowWindow.ts';
import { isCopy } from '../../parts/tableMenu.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { createRowPicks, tokensOf, type PlacedRows } from './rowPicks.ts';
import { createTableHead } from './tableHead.ts';
import { tokenRow, widestItems } from './tokenRow.ts';

/** The table of tokens or words. Of many rows, only those on screen are in the page. */
export interface TokenGrid {
  readonly root: HTMLElement;
  update(state: ViewState, items: TableItems, order: Int32Array): void;
}

/** Creates the table, still empty. `copy`: copies the selected rows. */
export function createTokenGrid(context: PanelContext, copy: () => void): TokenGrid {
  const body = el('tbody');
  /** Rows with the widest content of each column, which keep the columns as wide while others come and go. */
  const widest = el('tfoot', { 'aria-hidden': 'true' });
  const head = createTableHead(context);
  const caption = el('caption', { class: 'visually-hidden' });
  const table = el('table', { class: 'token-table', role: 'grid', 'aria-multiselectable': 'true' }, caption, head.root, body, widest);
  const none = el('p', { class: 'caption no-rows', hidden: true }, t('No row passes this filter.'));
  const root = el('div', { class: 'table-frame' }, table, none);
  const shownRows = createRowWindow({ parent: body, scroller: () => root.closest('.panels'), spacer: rowSpacer });
  const { rows } = shownRows;
  let placed: PlacedRows | undefined;
  const picks = createRowPicks(context, () => placed);
  let tabStop: HTMLElement | undefined;
  let marked: readonly number[] = [];
  const filled = changeDetector();
  const measured = changeDetector();
  const ofText = changeDetector();
  const moved = changeDetector();
  const stateChanged = changeDetector();

  listen(body, {
    click: (place, event) => picks.go(place, event.shiftKey ? 'range' : event.ctrlKey || event.metaKey ? 'toggle' : 'alone'),
    point: (place) => placed && markTokens(context, [...tokensOf(placed.items, placed.order.slice(place, place + 1))]),
    leave: () => markTokens(context, []),
    placeOf: (token) => placeOf(token),
  });
  body.addEventListener('keydown', (event) => {
    const next = picks.key(event);
    if (next !== undefined) rows.get(next)?.focus({ preventScroll: true });
    else if (isCopy(event)) copy();
  });
  new ResizeObserver(shownRows.update).observe(root);
  // Scrolling is heard on its way down: the element that scrolls is around this view.
  document.addEventListener('scroll', () => root.clientHeight > 0 && shownRows.update(), { capture: true, passive: true });

  /** Place of a token's row; -1: it is not shown. */
  function placeOf(token: number): number {
    return placed?.placeOf[placed.items.itemOf[token] ?? -1] ?? -1;
  }
  function row(place: number): HTMLElement {
    const item = placed?.order[place];
    if (placed === undefined || item === undefined) return el('tr');
    const made = tokenRow(placed.items, item, place);
    show(made, place, context.store.state());
    return made;
  }
  function show(made: HTMLElement, place: number, { settings, picked, stale, marked: pointed }: ViewState): void {
    const run = placed?.items.runs[placed.order[place] ?? -1];
    if (run === undefined) return;
    const some = (test: (token: number) => boolean): boolean => {
      for (let token = run.first; token < run.end; token++) if (test(token)) return true;
      return false;
    };
    made.setAttribute('aria-selected', String(picked.has(run.first) || placeOf(settings.selected) === place));
    made.classList.toggle(
      'stale',
      some((token) => stale.has(token)),
    );
    made.classList.toggle(
      'marked',
      some((token) => pointed.includes(token)),
    );
  }
  function fill(items: TableItems, order: Int32Array): void {
    const places = new Int32Array(items.runs.length).fill(-1);
    for (const [place, item] of order.entries()) places[item] = place;
    placed = { items, order, placeOf: places };
    caption.textContent = items.unit === 'word' ? t('Words of the text') : t('Tokens of the text');
    table.setAttribute('aria-rowcount', String(order.length + 1));
    const all = items.runs.length;
    if (measured(items)) widest.replaceChildren(...(all > WHOLE ? widestItems(items).map((item) => tokenRow(items, item, 0)) : []));
    table.hidden = order.length === 0;
    none.hidden = order.length > 0;
    tabStop = undefined;
    marked = [];
    shownRows.fill(order.length, order.length <= WHOLE, row);
  }
  /** Scrolls to what is new: the top of a new text or of another order, or the row that was selected. */
  function scroll(isNewText: boolean, isNewOrder: boolean, { shown, settings }: ViewState): void {
    const frame = root.closest('.panels');
    const added = shown?.explanation.tokens.findIndex(({ special }) => !special) ?? 0;
    // With the next frame, which lays the page out anyway.
    if (isNewText && settings.selected <= added) return void requestAnimationFrame(() => frame?.scrollTo(0, 0));
    if (!isNewOrder || isNewText) return rows.get(placeOf(settings.selected))?.scrollIntoView({ block: 'nearest' });
    const above = frame === null ? 0 : frame.getBoundingClientRect().top - root.getBoundingClientRect().top;
    if (above > 0) frame?.scrollBy(0, -above);
  }

  return {
    root,
    update: (state, items, order) => {
      head.set(state.settings);
      const isNewText = ofText(items.explanation);
      const isNewOrder = filled(items, order);
      if (isNewOrder) fill(items, order);
      if (moved(items, order, state.settings.selected)) {
        const kept = shownRows.keep(placeOf(state.settings.selected)) ?? rows.get(0);
        tabStop?.removeAttribute('tabindex');
        tabStop = kept;
        if (tabStop !== undefined) tabStop.tabIndex = 0;
        scroll(isNewText, isNewOrder, state);
      }
      shownRows.update();
      if (stateChanged(order, state.settings.selected, state.picked, state.stale))
        for (const [place, made] of rows) show(made, place, state);
      else if (state.marked !== marked) {
        for (const token of [...marked, ...state.marked]) {
          const [place, one] = [placeOf(token), rows.get(placeOf(token))];
          if (one !== undefined) show(one, place, state);
        }
      }
      marked = state.marked;
    },
  };
}

/** Hears the pointer on the rows of a table's body. */
function listen(
  body: HTMLElement,
  on: {
    readonly click: (place: number, event: MouseEvent) => void;
    readonly point: (place: number) => void;
    readonly leave: () => void;
    readonly placeOf: (token: number) => number;
  },
): void {
  const placeAt = (event: Event): number => {
    const row = event.target instanceof Element ? event.target.closest('tr') : null;
    return row?.dataset['index'] === undefined ? -1 : on.placeOf(Number(row.dataset['index']));
  };
  body.addEventListener('mousedown', (event) => {
    // With Shift, the browser would select text.
    if (event.shiftKey) event.preventDefault();
  });
  body.addEventListener('click', (event) => {
    const place = placeAt(event);
    if (place >= 0) on.click(place, event);
  });
  body.addEventListener('mousemove', (event) => {
    const place = placeAt(event);
    if (place >= 0) on.point(place);
  });
  body.addEventListener('mouseleave', on.leave);
}
