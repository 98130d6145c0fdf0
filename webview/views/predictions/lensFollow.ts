import { markTokens, selectToken, type PanelContext } from '../../context.ts';
import type { LensGrid } from '../../figures/lensGrid.ts';
import { plainKey } from '../../parts/keys.ts';
import { addedCellContent, COLUMN, LABELS, lensCellContent } from './lensColumn.ts';

/** Selects and marks tokens with the pointer over their columns and with keys, and says what a layer predicts. */
export function followColumns(context: PanelContext, scroller: HTMLElement, sizer: HTMLElement, grid: () => LensGrid): void {
  const { store, tooltip } = context;
  sizer.addEventListener('click', (event) => {
    const index = positionOf(event);
    if (index !== undefined) selectToken(context, index);
  });
  sizer.addEventListener('mousemove', (event) => {
    const index = positionOf(event);
    const cell = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-layer]') : null;
    const { shown } = store.state();
    if (index === undefined || shown === null) return;
    const [of, layer] = [grid(), Number(cell?.dataset['layer'] ?? NaN)];
    const [found, added] = [of.cell(layer, index), of.added(layer, index)];
    markTokens(context, index + 1 < shown.explanation.tokens.length ? [index, index + 1] : [index]);
    if (added !== undefined) tooltip.show(addedCellContent(added, index, shown.explanation), event.clientX, event.clientY);
    else if (found !== undefined) tooltip.show(lensCellContent(found, index, shown.explanation, of.rows), event.clientX, event.clientY);
    else tooltip.hide();
  });
  sizer.addEventListener('mouseleave', () => {
    tooltip.hide();
    markTokens(context, []);
  });
  scroller.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[plainKey(event)];
    const { shown, settings } = store.state();
    if (step === undefined || shown === null) return;
    event.preventDefault();
    selectToken(context, Math.max(0, Math.min(shown.explanation.tokens.length - 1, settings.selected + step)));
  });
}

/** Scrolls a token's column into sight. */
export function revealColumn(scroller: HTMLElement, position: number): void {
  const left = position * COLUMN;
  const seen = scroller.clientWidth - LABELS;
  if (left < scroller.scrollLeft || left + COLUMN > scroller.scrollLeft + seen)
    scroller.scrollLeft = Math.round((left - (seen - COLUMN) / 2) / COLUMN) * COLUMN;
}

/** Position of the column an event is in. */
function positionOf(event: Event): number | undefined {
  const column = event.target instanceof Element ? event.target.closest<HTMLElement>('.lens-column') : null;
  return column === null ? undefined : Number(column.dataset['position']);
}
