import { at } from '../../../src/core/tensor.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { attentionMapFigure, attentionShades, cellAt, LOG_FLOOR, strongestWeight, type Shades } from '../../figures/attentionMap.ts';
import { tokenAxis } from '../../figures/figureData.ts';
import { attentionCode, hasCode } from '../../figures/pythonCode.ts';
import { changeDetector } from '../../parts/dom.ts';
import { percent } from '../../parts/format.ts';
import { createMapZoom } from '../../parts/mapZoom.ts';
import { createPlot, type PlotPoint } from '../../plot.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { Cell } from '../../viewSettings.ts';
import type { HeadCells, ShownHead } from './headCells.ts';
import { createLockKeys } from './lockKeys.ts';

/** Heatmap of all weights of a head, query by key. */
export interface HeadMap {
  /** Notes above the map: that one square of it stands for many weights, and which part of it is shown; with buttons that zoom. */
  readonly notes: readonly HTMLElement[];
  readonly root: HTMLElement;
  readonly width: () => number;
  /** Draws the map if anything has changed, and returns whether it has. */
  readonly draw: (head: ShownHead, state: ViewState) => boolean;
}

/** Name of a file about the head that is shown. */
export function headFile(head: Pick<ShownHead, 'picture'> | undefined, what: string): string {
  return head === undefined ? what : `layer-${head.picture.layer}-head-${head.picture.head}-${what}`;
}

/** Creates the map. `head`: the head shown; `events`: the pointer moved over a cell or left, or the width changed. */
export function createHeadMap(
  context: PanelContext,
  cells: HeadCells,
  head: () => ShownHead | undefined,
  events: { readonly hover: (point: PlotPoint | null, event: MouseEvent | null) => void; readonly resized: () => void },
): HeadMap {
  const { store } = context;
  const zoom = createMapZoom(context, {
    pooled: (side) =>
      t(
        'There are more cells than the screen has room for: a square shows the strongest of {0} × {0} weights, and ' +
          'pointing at it names that one.',
        side,
      ),
    named: (...edges) => t('Queries {0} to {1}, keys {2} to {3}', ...edges),
    keys: true,
    cell: cells.cell,
    changed: events.resized,
  });
  const plot = createPlot(t('Attention of one head: rows are queries, columns are keys'), () => headFile(head(), 'attention'), {
    data: () => {
      const [found, { shown }] = [head(), store.state()];
      if (found === undefined || shown === null) return null;
      const { layer, head: number } = found.picture;
      const { tokens } = shown.explanation;
      return async () => {
        const { weights } = await context.host.query('saved attention', 'attention', { layer, head: number });
        return { kind: 'grid', value: 'weight', rows: tokenAxis('query', tokens), columns: tokenAxis('key', tokens), values: weights };
      };
    },
    code: () => {
      const [found, { shown }] = [head(), store.state()];
      if (found === undefined || shown === null || !hasCode(shown.explanation)) return null;
      return attentionCode(shown.explanation, { layer: found.picture.layer, head: found.picture.head });
    },
    hover: (point, event) => {
      const cell = point === null ? undefined : cellOf(point);
      events.hover(point === null || cell === undefined ? null : { ...point, x: cell.key, y: cell.query }, event);
    },
    click: (point) => {
      const cell = cellOf(point);
      if (cell !== undefined) cells.toggle(cell);
    },
    resized: events.resized,
    keys: (event) => zoom.key(event) || (head() !== undefined && moveKey(event)),
    wheel: zoom.wheel,
  });
  const moveKey = createLockKeys(context, cells, async ({ query, key }) => {
    const { shown } = store.state();
    const labels = shown === null ? [] : tokenLabels(shown.explanation);
    const found = await cells.row(query);
    return found === undefined
      ? undefined
      : t('{0} attends to {1}: {2}', labels[query] ?? '', labels[key] ?? '', percent(at(found.weights, key)));
  });
  const mapChanged = changeDetector();
  const shadesChanged = changeDetector();
  let shades: Shades = [];
  let block = 1;

  /** Cell that a point of the map stands for. */
  function cellOf(point: PlotPoint): Cell | undefined {
    const { shown, settings } = store.state();
    const found = head();
    return found === undefined || shown === null
      ? undefined
      : cellAt(found.picture, shown.explanation.tokens.length, settings.hideFirst, block, point);
  }
  return {
    notes: zoom.notes,
    root: plot.root,
    width: plot.width,
    draw: ({ picture }, state) => {
      const { shown, settings, theme } = state;
      const width = plot.width();
      const { hideFirst, logScale, locked, selected } = settings;
      if (shown === null || width === 0) return false;
      const tokens = shown.explanation.tokens.length;
      const place = { row: locked?.query ?? selected, column: locked?.key ?? null };
      const { part, window, block: side } = zoom.update({ of: shown, tokens, hideFirst, ...place }, width);
      if (!mapChanged(picture, hideFirst, logScale, locked, selected, width, theme, part)) return false;
      const labels = tokenLabels(shown.explanation);
      block = side;
      if (shadesChanged(picture, hideFirst, logScale, block, part))
        shades = attentionShades(picture, tokens, hideFirst, logScale, block, window);
      const sink = picture.sink !== undefined;
      const strongest = strongestWeight(picture, tokens, hideFirst, logScale);
      // A part has the colours it has in the whole.
      const scale = part === undefined ? {} : { strongest };
      plot.draw(
        attentionMapFigure(shades, { labels, hideFirst, logScale, locked, selected, width, sink, block, window, ...scale }, theme),
        {
          colours: theme.sequential,
          low: logScale ? `≤ ${percent(LOG_FLOOR)}` : percent(0),
          high: percent(strongest),
        },
      );
      return true;
    },
  };
}
