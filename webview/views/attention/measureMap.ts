import { headMapAt, type HeadMap } from '../../../src/core/headMeasures.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { tokenAxis } from '../../figures/figureData.ts';
import { measuredColours, measuredMapFigure, measuredPairs, measuredReach } from '../../figures/headMeasureMap.ts';
import { farthestAt, pooledRows, type PairMap } from '../../figures/squareMap.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { createMapZoom } from '../../parts/mapZoom.ts';
import { createPlot, type PlotPoint } from '../../plot.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import type { Cell } from '../../viewSettings.ts';
import type { HeadCells } from './headCells.ts';
import { createLockKeys } from './lockKeys.ts';
import { lengthText, logitsText } from './measureTexts.ts';

/** What is measured of one head for each query and key, and how its numbers are said. */
export interface MeasuredMap {
  /** What it answers: another choice is another question. */
  readonly about: string;
  readonly map: HeadMap;
  /** Whether there are numbers below 0, which are logits; others are lengths. */
  readonly isSigned: boolean;
  /** What the two signs are for. */
  readonly sides: { readonly towards: string; readonly against: string };
  /** A number of it in words; absent: logits or a length. */
  readonly written?: (value: number) => string;
}

/** Heatmap of what is measured of a head, query by key. */
export interface MeasureMap {
  readonly root: HTMLElement;
  readonly draw: (measured: MeasuredMap, state: ViewState) => void;
}

/** A measured number with its unit. */
export function measuredText({ isSigned, written }: Pick<MeasuredMap, 'isSigned' | 'written'>, value: number): string {
  if (written !== undefined) return written(value);
  return isSigned ? logitsText(value) : lengthText(value);
}

function measuredFile(map: HeadMap | undefined): string {
  return map === undefined ? 'attention-measured' : `layer-${map.layer}-head-${map.head}-measured`;
}

/** Creates the map. `measured`: what it shows; `events`: the pointer moved over a cell or left, or the width changed. */
export function createMeasureMap(
  context: PanelContext,
  cells: HeadCells,
  measured: () => MeasuredMap | undefined,
  events: { readonly hover: (point: PlotPoint | null, event: MouseEvent | null) => void; readonly resized: () => void },
): MeasureMap {
  const { store } = context;
  const zoom = createMapZoom(context, {
    pooled: (side) =>
      t(
        'There are more cells than the screen has room for: a square shows the largest of {0} × {0} numbers, and pointing at it names ' +
          'that one.',
        side,
      ),
    named: (...edges) => t('Queries {0} to {1}, keys {2} to {3}', ...edges),
    keys: true,
    cell: cells.cell,
    changed: events.resized,
  });
  const moveKey = createLockKeys(context, cells, async ({ query, key }) => {
    const [found, { shown }] = [measured(), store.state()];
    if (found === undefined || shown === null) return undefined;
    const labels = tokenLabels(shown.explanation);
    return `${labels[query] ?? ''} → ${labels[key] ?? ''}: ${measuredText(found, headMapAt(found.map, query, key))}`;
  });
  const plot = createPlot(t('What is measured of one head: rows are queries, columns are keys'), () => measuredFile(measured()?.map), {
    data: () => {
      const [found, { shown }] = [measured(), store.state()];
      if (found === undefined || shown === null) return null;
      const { tokens } = shown.explanation;
      const values = Float32Array.from({ length: tokens.length ** 2 }, (_, cell) => {
        const [query, key] = [Math.floor(cell / tokens.length), cell % tokens.length];
        return key > query ? NaN : headMapAt(found.map, query, key);
      });
      return { kind: 'grid', value: 'measured', rows: tokenAxis('query', tokens), columns: tokenAxis('key', tokens), values };
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
    keys: (event) => zoom.key(event) || moveKey(event),
    wheel: zoom.wheel,
  });
  const changed = changeDetector();
  const pooledChanged = changeDetector();
  let squares: PairMap['z'] = [];
  let block = 1;

  function cellOf(point: PlotPoint): Cell | undefined {
    if (block === 1) return { query: point.y, key: point.x };
    const [found, { shown, settings }] = [measured(), store.state()];
    if (found === undefined || shown === null) return undefined;
    return farthestAt(measuredPairs(found.map, shown.explanation.tokens.length, settings.hideFirst), block, point);
  }

  return {
    root: el('div', { class: 'measure-map' }, ...zoom.notes, plot.root),
    draw: (now, { shown, settings, theme }) => {
      const width = plot.width();
      if (shown === null || width === 0) return;
      const { hideFirst, locked, selected } = settings;
      const labels = tokenLabels(shown.explanation);
      const tokens = labels.length;
      const place = { row: locked?.query ?? selected, column: locked?.key ?? null };
      const { part, window, block: side } = zoom.update({ of: shown, tokens, hideFirst, ...place }, width);
      if (!changed(now, hideFirst, locked, selected, width, theme, part)) return;
      const pairs = measuredPairs(now.map, tokens, hideFirst);
      block = side;
      if (pooledChanged(now, hideFirst, block, part)) squares = pooledRows(pairs, block, window);
      const most = measuredReach(pairs);
      const { isSigned, sides } = now;
      plot.draw(measuredMapFigure(squares, { labels, hideFirst, locked, selected, width, block, window, most, isSigned }, theme), {
        colours: measuredColours(theme, isSigned),
        low: `${measuredText(now, isSigned ? -most : 0)} ${sides.against}`.trim(),
        high: `${measuredText(now, most)} ${sides.towards}`.trim(),
      });
    },
  };
}
