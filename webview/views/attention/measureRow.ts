import { at } from '../../../src/core/tensor.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { attentionRowFigure, strongestOf } from '../../figures/attentionRow.ts';
import { firstKey } from '../../figures/mapWindow.ts';
import { blockSide } from '../../figures/squareMap.ts';
import { keyNumbers } from '../../figures/savedNumbers.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { besideTemplate, chipTemplate, drawInto, sentenceTemplate } from '../../parts/templates.ts';
import { createPlot, type PlotPoint } from '../../plot.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { HeadCells } from './headCells.ts';

/** What is measured of one query, key by key. */
export interface MeasuredRow {
  readonly query: number;
  /** [query + 1]; NaN: none. */
  readonly values: Float32Array;
  readonly isSigned: boolean;
  /** Unit of the bars. */
  readonly unit: string;
  /** A number of it with its unit. */
  readonly written: (value: number) => string;
}

/** Bars of what is measured from one query to each key. */
export interface MeasureRow {
  readonly root: HTMLElement;
  readonly draw: (row: MeasuredRow, state: ViewState) => void;
}

/** Creates the bars. `events`: the pointer moved over a key or left, or the width changed. `file`: name of a saved picture. */
export function createMeasureRow(
  context: PanelContext,
  cells: HeadCells,
  file: string,
  events: { readonly hover: (point: PlotPoint | null, event: MouseEvent | null) => void; readonly resized: () => void },
): MeasureRow {
  const title = el('h3');
  const readout = el('p', { class: 'caption', role: 'status' });
  let drawn: MeasuredRow | undefined;
  let block = 1;
  const plot = createPlot(
    t('What is measured of the query, key by key'),
    () => (drawn === undefined ? file : `query-${drawn.query}-${file}`),
    {
      data: () => {
        const { shown } = context.store.state();
        return drawn === undefined || shown === null ? null : keyNumbers('value', shown.explanation.tokens, drawn.values);
      },
      hover: (point, event) => events.hover(point === null ? null : { ...point, x: keyAt(point), y: drawn?.query ?? 0 }, event),
      click: (point) => drawn !== undefined && cells.toggle({ query: drawn.query, key: keyAt(point) }),
      resized: events.resized,
    },
  );
  const changed = changeDetector();
  /** Key that a bar stands for: the largest of those that share it. */
  function keyAt({ x }: PlotPoint): number {
    const { shown, settings } = context.store.state();
    const first = firstKey(shown?.explanation.tokens.length ?? 0, settings.hideFirst);
    return drawn === undefined || x < first ? x : strongestOf({ query: drawn.query, weights: drawn.values }, x, block);
  }

  return {
    root: el('div', { class: 'head-row' }, title, plot.root, readout),
    draw: (row, { shown, settings, theme }) => {
      const width = plot.width();
      if (shown === null || width === 0) return;
      const cell = cells.cell();
      const key = cell !== null && cell.query === row.query ? cell.key : null;
      if (!changed(row.query, row.values, key, settings.hideFirst, width, theme)) return;
      const labels = tokenLabels(shown.explanation);
      drawn = row;
      block = blockSide(labels.length, width, 1);
      const first = row.query > 0 ? at(row.values, 0) : NaN;
      const hidden = settings.hideFirst && !Number.isNaN(first);
      drawInto(title, [
        sentenceTemplate(t('From {0} to each key'), chipTemplate(labels[row.query] ?? '')),
        besideTemplate(hidden && t('the first token, hidden: {0}', row.written(first))),
        besideTemplate(block > 1 && t('a bar shows the largest of {0} numbers', block)),
      ]);
      const view = { labels, key, hideFirst: settings.hideFirst, width, block, measured: row };
      plot.draw(attentionRowFigure({ query: row.query, weights: row.values }, view, theme));
      const value = key === null ? NaN : at(row.values, key);
      readout.textContent = Number.isNaN(value) || key === null ? '' : `${labels[key] ?? ''}: ${row.written(value)}`;
    },
  };
}
