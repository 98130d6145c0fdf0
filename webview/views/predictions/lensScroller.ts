import { html, type TemplateResult } from 'lit-html';
import type { PanelContext } from '../../context.ts';
import { visibleColumns, type LensGrid, type LensPiece, type LensRange } from '../../figures/lensGrid.ts';
import { gradientLegend } from '../../parts/legend.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { drawInto } from '../../parts/templates.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { gradient } from '../../theme.ts';
import { addedColours, addedLegend, COLUMN, columnsTemplate, LABELS, legendTexts } from './lensColumn.ts';
import { followColumns, revealColumn } from './lensFollow.ts';
import { createLensOverview } from './lensOverview.ts';
import { rowName, rowTitle } from './lensRows.ts';

/** The grid of layers by tokens, scrolled sideways; only the columns in sight are in the page. */
export interface LensScroller {
  readonly root: HTMLElement;
  readonly legend: HTMLElement;
  /** All positions in small, hidden where the grid has them all in sight; and the grid. */
  readonly parts: readonly HTMLElement[];
  /** Whether there is room to draw in. */
  readonly hasRoom: () => boolean;
  /** Draws the columns in sight; cells of the `awaited` pieces are said to be busy. */
  readonly draw: (state: ViewState, grid: LensGrid, awaited: readonly LensPiece[]) => void;
  /** The columns drawn, and the layers that are on screen of them. */
  readonly inSight: (grid: LensGrid) => LensRange;
}

export function createLensScroller(context: PanelContext, grid: () => LensGrid): LensScroller {
  const legend = gradientLegend();
  const sizer = el('div', { class: 'lens-sizer' });
  const rail = el('div', { class: 'lens-rail' });
  const root = el(
    'div',
    { class: 'lens-scroll scroll-x', tabindex: 0, role: 'region', 'aria-label': t('Logit lens: layers by tokens') },
    rail,
    sizer,
  );
  const overview = createLensOverview((share) => {
    root.scrollLeft = share * sizer.offsetWidth - (root.clientWidth - LABELS) / 2;
  });
  const drawn = changeDetector();
  const revealed = changeDetector();
  const columns = ({ positions }: LensGrid): readonly [number, number] =>
    visibleColumns(root.scrollLeft, root.clientWidth - LABELS, COLUMN, positions);
  followColumns(context, root, sizer, grid);
  return {
    root,
    legend: legend.root,
    parts: [overview.root, root],
    hasRoom: () => root.clientWidth > 0,
    draw: (state, of, awaited) => {
      const { shown, settings, theme } = state;
      if (shown === null) return;
      const { model } = shown.explanation;
      sizer.style.width = `${of.positions * COLUMN}px`;
      if (revealed(of, settings.selected)) revealColumn(root, settings.selected);
      const width = of.positions * COLUMN;
      overview.draw(state, of, [root.scrollLeft / width, Math.min(1, (root.scrollLeft + root.clientWidth - LABELS) / width)]);
      const [first, last] = columns(of);
      if (!drawn(of, settings.selected, settings.lensColour, settings.addedColour, theme, first, last, of.read(), awaited)) return;
      drawInto(rail, namesTemplate(of, model.layers));
      const isAwaited = (layer: number, position: number): boolean => awaited.some((piece) => holds(piece, layer, position));
      drawInto(sizer, columnsTemplate(state, of, [first, last], isAwaited));
      if (of.rows === 'added') legend.set(gradient(addedColours(settings.addedColour, theme)), ...addedLegend(settings.addedColour));
      else legend.set(gradient(theme.cool), ...legendTexts(settings.lensColour, model.vocab));
    },
    inSight: (of) => {
      const [position, positionEnd] = columns(of);
      const [row, rowEnd] = rowsInSight(rail);
      // The first row is the last layer.
      return { layer: of.layers - rowEnd, layerEnd: of.layers - row, position, positionEnd };
    },
  };
}

function holds({ layer, layers, position, positions }: LensPiece, atLayer: number, atPosition: number): boolean {
  return layer <= atLayer && atLayer < layer + layers && position <= atPosition && atPosition < position + positions;
}

/** What stands before the rows: the last layer first. */
function namesTemplate({ layers, rows }: LensGrid, blocks: number): TemplateResult {
  const names = Array.from({ length: layers }, (_, index) => layers - 1 - index);
  return html`<div class="lens-head"></div>
    ${names.map((row) => html`<div class="lens-layer" title=${rowTitle(rows, row, blocks)}>${rowName(rows, row)}</div>`)}`;
}

/** Which of the rows, named by the elements of `rail`, are on screen: from the first to the one after the last. */
function rowsInSight(rail: HTMLElement): readonly [number, number] {
  const clip = (rail.closest('.panels') ?? document.documentElement).getBoundingClientRect();
  const [top, bottom] = [Math.max(clip.top, 0), Math.min(clip.bottom, innerHeight)];
  const seen = [...rail.querySelectorAll('.lens-layer')].map((row) => {
    const box = row.getBoundingClientRect();
    return box.bottom > top && box.top < bottom;
  });
  const first = seen.indexOf(true);
  return first < 0 ? [0, 0] : [first, seen.lastIndexOf(true) + 1];
}
