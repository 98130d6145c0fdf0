import type { PositionTable } from '../../../src/core/positions.ts';
import { at } from '../../../src/core/tensor.ts';
import type { PanelContext } from '../../context.ts';
import type { FigureData } from '../../figures/figureData.ts';
import { positionCosines, positionNumbers } from '../../figures/savedNumbers.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { cosineFigure, tableFigure, tableGrid, type TableGrid } from '../../figures/positionFigures.ts';
import { integer, significant } from '../../parts/format.ts';
import { createPlot } from '../../plot.ts';
import { t } from '../../strings.ts';
import { signedColours, type Theme } from '../../theme.ts';

/** Figures of a position table. */
export interface PositionTables {
  readonly root: HTMLElement;
  show(table: PositionTable, theme: Theme): void;
}

/** A position table as a heatmap, and the cosines of every two positions. */
export function createPositionTables(context: PanelContext): PositionTables {
  let shown: { readonly table: PositionTable; readonly theme: Theme } | undefined;
  let values: TableGrid = [];
  let cosines: TableGrid = [];
  const redraw = (): void => {
    if (shown !== undefined) draw(shown.table, shown.theme);
  };
  const tell = (
    data: (table: PositionTable) => FigureData,
    grid: () => TableGrid,
    names: (x: number, y: number, table: PositionTable) => readonly (readonly [string, string])[],
  ) => ({
    data: () => (shown === undefined ? null : data(shown.table)),
    hover: (point: { readonly x: number; readonly y: number } | null, event: MouseEvent | null): void => {
      const value = point === null ? undefined : grid()[point.y]?.[point.x];
      if (point === null || event === null || value === undefined || shown === undefined) context.tooltip.hide();
      else context.tooltip.show({ title: significant(value, 6), rows: names(point.x, point.y, shown.table) }, event.clientX, event.clientY);
    },
    resized: redraw,
  });
  const heat = createPlot(
    t('Vectors of the positions: rows are positions, columns are dimensions'),
    'positions',
    tell(
      positionNumbers,
      () => values,
      (x, y, { positions, dimensions }) => [
        [t('Position'), integer(at(positions, y))],
        [t('Dimension'), integer(at(dimensions, x))],
      ],
    ),
  );
  const cosine = createPlot(
    t('Cosine of every two positions'),
    'positions-cosines',
    tell(
      positionCosines,
      () => cosines,
      (x, y, { positions }) => [[t('Position'), `${integer(at(positions, y))}, ${integer(at(positions, x))}`]],
    ),
  );
  const sampled = el('p', { class: 'caption' });
  const root = el(
    'div',
    { class: 'position-tables' },
    el(
      'section',
      { class: 'position-figure', 'aria-label': t('Vectors') },
      el('div', { class: 'toolbar spread' }, el('h3', {}, t('Vectors')), heat.tools),
      heat.root,
      sampled,
    ),
    el(
      'section',
      { class: 'position-figure', 'aria-label': t('Cosine of every two positions') },
      el('div', { class: 'toolbar spread' }, el('h3', {}, t('Cosine of every two positions')), cosine.tools),
      cosine.root,
    ),
  );
  const changed = changeDetector();
  const gridsChanged = changeDetector();

  function draw(table: PositionTable, theme: Theme): void {
    const width = heat.width();
    if (width === 0 || !changed(table, width, cosine.width(), theme)) return;
    if (gridsChanged(table)) {
      values = tableGrid(table.values, table.dimensions.length);
      cosines = tableGrid(table.cosine, table.positions.length);
    }
    const largest = table.values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const colours = signedColours(theme);
    heat.draw(tableFigure(values, table, width, theme), { colours, low: significant(-largest, 3), high: significant(largest, 3) });
    cosine.draw(cosineFigure(cosines, table.positions, cosine.width(), theme), { colours, low: '−1', high: '1' });
    sampled.textContent = [
      ...(table.positions.length < table.count
        ? [t('Every {0}th of {1} positions.', integer(at(table.positions, 1)), integer(table.count))]
        : []),
      ...(table.dimensions.length < table.dim
        ? [t('Every {0}th of {1} dimensions; cosines are of whole vectors.', integer(at(table.dimensions, 1)), integer(table.dim))]
        : []),
    ].join(' ');
  }

  return {
    root,
    show: (table, theme) => {
      shown = { table, theme };
      draw(table, theme);
    },
  };
}
