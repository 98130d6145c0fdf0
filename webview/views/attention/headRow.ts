import { html } from 'lit-html';
import { at } from '../../../src/core/tensor.ts';
import type { AttentionRow } from '../../../src/core/trace.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { attentionRowFigure, strongestOf } from '../../figures/attentionRow.ts';
import { blockSide } from '../../figures/squareMap.ts';
import { firstKey } from '../../figures/mapWindow.ts';
import { attentionCode, hasCode } from '../../figures/pythonCode.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { percent } from '../../parts/format.ts';
import { besideTemplate, chipTemplate, drawInto } from '../../parts/templates.ts';
import { createPlot, type PlotPoint } from '../../plot.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { HeadCells, ShownHead } from './headCells.ts';

/** Bars of the attention from the examined query to each key. */
export interface HeadRow {
  readonly root: HTMLElement;
  readonly update: (head: ShownHead, state: ViewState) => void;
}

function rowFile(row: AttentionRow | undefined): string {
  return row === undefined ? 'attention-row' : `layer-${row.layer}-head-${row.head}-query-${row.query}-attention`;
}

/** Creates the bars. `drawn` is called once a row is shown: from then on its cell is known. */
export function createHeadRow(
  context: PanelContext,
  cells: HeadCells,
  events: { readonly hover: (point: PlotPoint | null, event: MouseEvent | null) => void; readonly resized: () => void },
  drawn: (state: ViewState) => void,
): HeadRow {
  const title = el('h3');
  const plot = createPlot(t('Where the query attends to'), () => rowFile(drawnRow), {
    data: () => {
      const { shown } = context.store.state();
      if (drawnRow === undefined || shown === null) return null;
      const { tokens } = shown.explanation;
      return {
        kind: 'table',
        columns: ['key', 'key_text', 'weight'],
        rows: Array.from(drawnRow.weights, (weight, key) => [key, tokens[key]?.text ?? '', weight]),
      };
    },
    code: () => {
      const { shown } = context.store.state();
      return drawnRow === undefined || shown === null || !hasCode(shown.explanation) ? null : attentionCode(shown.explanation, drawnRow);
    },
    hover: (point, event) => events.hover(point === null ? null : { ...point, x: keyAt(point), y: cells.cell()?.query ?? 0 }, event),
    click: (point) => cells.toggle({ query: cells.cell()?.query ?? 0, key: keyAt(point) }),
    resized: events.resized,
  });
  const changed = changeDetector();
  let drawnRow: AttentionRow | undefined;
  let block = 1;
  /** Key that a bar stands for: the strongest of those that share it. */
  const keyAt = ({ x }: PlotPoint): number => {
    const { shown, settings } = context.store.state();
    const first = firstKey(shown?.explanation.tokens.length ?? 0, settings.hideFirst);
    return drawnRow === undefined || x < first ? x : strongestOf(drawnRow, x, block);
  };
  const asked = question<{ readonly row: AttentionRow }>(context, {
    busy: () => plot.root,
    parts: [title, plot.root],
    ask: async (_, query) => {
      const row = await cells.row(cells.query(), query);
      return row === undefined ? '' : { row };
    },
    draw,
  });

  function draw({ row }: { readonly row: AttentionRow }, state: ViewState): void {
    const { shown, settings, theme } = state;
    const cell = cells.cell();
    const width = plot.width();
    if (shown === null || cell === null || cell.query !== row.query) return;
    if (width > 0 && changed(row, cell.key, settings.hideFirst, width, theme)) {
      const labels = tokenLabels(shown.explanation);
      drawnRow = row;
      block = blockSide(labels.length, width, 1);
      const hidden = settings.hideFirst && row.query > 0;
      drawInto(title, [
        html`${chipTemplate(labels[row.query] ?? '')} ${t('attends to')}`,
        besideTemplate(hidden && t('the first token, hidden, takes {0}', percent(at(row.weights, 0)))),
        besideTemplate(block > 1 && t('a bar shows the largest of {0} weights', block)),
      ]);
      plot.draw(attentionRowFigure(row, { labels, key: cell.key, hideFirst: settings.hideFirst, width, block }, theme));
    }
    drawn(state);
  }

  return {
    root: el('div', { class: 'head-row' }, title, asked.notice, plot.root),
    update: ({ picture }, state) => asked.update(state, picture, cells.query()),
  };
}
