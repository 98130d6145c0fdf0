import { at } from '../../../src/core/tensor.ts';
import { markTokens, tokenLabels, type PanelContext } from '../../context.ts';
import { sinkColumn } from '../../figures/attentionMap.ts';
import { integer, percent, significant } from '../../parts/format.ts';
import type { PlotPoint } from '../../plot.ts';
import { t } from '../../strings.ts';
import type { Cell } from '../../viewSettings.ts';
import type { HeadCells, ShownHead } from './headCells.ts';

/** Milliseconds the pointer must rest on a cell before its numbers are requested. */
const HOVER_REST = 60;

/**
 * Handler of the pointer over a head's cells: a tooltip has the exact weight, and where the pointer rests, `draw` shows the cell's numbers.
 * `measured`: what the cells show where that is not the weight, as a name and a number; undefined: this cell has none.
 */
export function createHeadPointer(
  context: PanelContext,
  cells: HeadCells,
  head: () => ShownHead | undefined,
  draw: () => void,
  measured?: (cell: Cell) => readonly [name: string, value: string] | undefined,
): (point: PlotPoint | null, event: MouseEvent | null) => void {
  const { store, tooltip } = context;
  /** The point under the pointer. */
  let pointed: PlotPoint | null = null;
  let resting: ReturnType<typeof setTimeout> | undefined;

  /** Shows the exact weight under the pointer once its row has arrived. */
  async function showWeight(point: PlotPoint, onSink: boolean, labels: readonly string[], { clientX, clientY }: MouseEvent): Promise<void> {
    const row = await cells.row(point.y).catch(() => undefined);
    if (row === undefined || pointed !== point) return;
    const weight = onSink ? (row.sink ?? 0) : at(row.weights, point.x);
    const other = measured?.({ query: point.y, key: point.x });
    tooltip.show(
      {
        title: other?.[1] ?? significant(weight, 7),
        rows: [
          [t('Query'), `${labels[point.y] ?? ''}  (${integer(point.y)})`],
          [t('Key'), onSink ? t('sink: no token') : `${labels[point.x] ?? ''}  (${integer(point.x)})`],
          [other === undefined ? t('Share') : t('Weight'), percent(weight)],
        ],
      },
      clientX,
      clientY,
    );
  }

  return (point, event) => {
    clearTimeout(resting);
    const { shown, settings } = store.state();
    const found = head();
    if (point === null || found === undefined || shown === null || point.x > point.y) {
      pointed = null;
      tooltip.hide();
      markTokens(context, settings.locked === null ? [] : [settings.locked.query, settings.locked.key]);
      return;
    }
    const onSink = found.picture.sink !== undefined && point.x === sinkColumn(shown.explanation.tokens.length, settings.hideFirst);
    pointed = point;
    if (event !== null) void showWeight(point, onSink, tokenLabels(shown.explanation), event);
    markTokens(context, onSink ? [point.y] : [point.y, point.x]);
    if (settings.locked !== null || onSink) return;
    resting = setTimeout(() => {
      cells.point({ query: point.y, key: point.x });
      draw();
    }, HOVER_REST);
  };
}
