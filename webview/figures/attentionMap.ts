import { at } from '../../src/core/tensor.ts';
import { shadeWeight } from '../../src/core/headMetrics.ts';
import type { AttentionPicture } from '../../src/core/trace.ts';
import { css } from '../colour.ts';
import type { Cell } from '../viewSettings.ts';
import { t } from '../strings.ts';
import { plotlyScale, type Theme } from '../theme.ts';
import { shortened } from '../../src/core/visibleText.ts';
import { firstKey, wholeMap, type MapWindow } from './mapWindow.ts';
import { plotlyText } from './plotlyText.ts';
import { columnAxes } from './columnLabels.ts';
import { baseAxis, baseLayout, labelled, labelStep, type Figure } from './figure.ts';
import { cellGap, LABEL_LENGTH, LABEL_PIXELS, MAP_MARGINS, mapSide } from './squareMap.ts';

/** Weights below this share the lowest colour of the logarithmic scale. */
export const LOG_FLOOR = 1e-4;

/** How the map of one head is drawn. `width` in pixels; `locked` and `selected` are marked. */
export interface AttentionMapView {
  /** Visible text of each token. */
  readonly labels: readonly string[];
  readonly hideFirst: boolean;
  readonly logScale: boolean;
  readonly locked: Cell | null;
  readonly selected: number;
  readonly width: number;
  /** Whether the shades begin with the column of an attention sink. */
  readonly sink?: boolean;
  /** Tokens per side of one square of the shades, 1 unless given; see `blockSide`. */
  readonly block?: number;
  /** Part of the map that is shown and that the shades are of; absent: the whole. */
  readonly window?: MapWindow;
  /** Weight with the strongest colour on the linear scale; absent: the largest shown. Maps that are compared share one. */
  readonly strongest?: number;
}

/**
 * Cell of the strongest weight in the square around a point of the map. In a square of the future, a cell whose key comes after its query;
 * left of the first key, the sink.
 */
export function cellAt(
  { shades, sink }: Pick<AttentionPicture, 'shades' | 'sink'>,
  tokens: number,
  hideFirst: boolean,
  block: number,
  point: { readonly x: number; readonly y: number },
): Cell {
  if (block === 1) return { query: point.y, key: point.x };
  const queryFrom = Math.round(point.y - (block - 1) / 2);
  const queryEnd = Math.min(tokens, queryFrom + block);
  const first = firstKey(tokens, hideFirst);
  let strongest = -1;
  if (sink !== undefined && point.x < first) {
    let found = queryFrom;
    for (let query = queryFrom; query < queryEnd; query++) if (at(sink, query) > at(sink, found)) found = query;
    return { query: found, key: sinkColumn(tokens, hideFirst) };
  }
  const keyFrom = Math.max(first, Math.round(point.x - (block - 1) / 2));
  let found: Cell = { query: queryFrom, key: Math.max(keyFrom, queryFrom + 1) };
  for (let query = queryFrom; query < queryEnd; query++) {
    for (let key = keyFrom; key < Math.min(query + 1, keyFrom + block); key++) {
      const shade = at(shades, (query * (query + 1)) / 2 + key);
      if (shade <= strongest) continue;
      strongest = shade;
      found = { query, key };
    }
  }
  return found;
}

/** Shade of a weight on the chosen scale, 0..1; weight 1 has shade 1. */
export function cellShade(weight: number, logScale: boolean): number {
  return logScale ? 1 - Math.log(Math.max(weight, LOG_FLOOR)) / Math.log(LOG_FLOOR) : weight;
}

/** Shades of one head's cells, [query][key], NaN for the future. Plotly skips its work for the same array: keep it between redraws. */
export type Shades = readonly Float32Array[];

/**
 * The shades of a head's cells in a window. With `hideFirst` the columns start at key 1; a sink's column comes before the first key.
 * `block`: each cell is the strongest of a square of this many tokens per side.
 */
export function attentionShades(
  { shades, sink }: Pick<AttentionPicture, 'shades' | 'sink'>,
  tokens: number,
  hideFirst: boolean,
  logScale: boolean,
  block = 1,
  window = wholeMap(tokens, hideFirst),
): Shades {
  const sinks = sink !== undefined && window.key === firstKey(tokens, hideFirst) ? sink : undefined;
  const before = sinks === undefined ? 0 : 1;
  const columns = Math.ceil(window.columns / block);
  const shadeOf = Float32Array.from({ length: 256 }, (_, shade) => cellShade(shadeWeight(shade), logScale));
  const columnOf = Int32Array.from({ length: columns * block }, (_, key) => Math.floor(key / block));
  const strongest = new Int16Array(columns);
  return Array.from({ length: Math.ceil(window.rows / block) }, (_, line) => {
    const row = new Float32Array(before + columns).fill(Number.NaN);
    const from = window.query + line * block;
    const end = Math.min(tokens, from + block);
    strongest.fill(-1);
    for (let query = from; query < end; query++) {
      const start = (query * (query + 1)) / 2 + window.key;
      const keys = Math.min(query + 1 - window.key, columns * block);
      for (let key = 0; key < keys; key++) {
        const shade = shades[start + key] ?? 0;
        const column = columnOf[key] ?? 0;
        if (shade > (strongest[column] ?? 0)) strongest[column] = shade;
      }
    }
    for (const [column, shade] of strongest.entries()) if (shade >= 0) row[before + column] = at(shadeOf, shade);
    if (sinks !== undefined)
      row[0] = cellShade(
        sinks.subarray(from, end).reduce((most, share) => Math.max(most, share), 0),
        logScale,
      );
    return row;
  });
}

/** Column of the sink: left of the first key. */
export function sinkColumn(tokens: number, hideFirst: boolean): number {
  return firstKey(tokens, hideFirst) - 1;
}

/** Heatmap of one head: row = query, column = key, the future left empty. */
export function attentionMapFigure(z: Shades, view: AttentionMapView, theme: Theme): Figure {
  const tokens = view.labels.length;
  const first = firstKey(tokens, view.hideFirst);
  const { block = 1, window = wholeMap(tokens, view.hideFirst) } = view;
  const sink = view.sink === true && window.key === first ? first - block : null;
  const left = sink ?? window.key;
  const right = window.key + window.columns;
  /** Offset from a square's first token to its middle, in tokens. */
  const offset = (block - 1) / 2;
  const side = mapSide(view.width);
  const step = labelStep(window.rows, side, LABEL_PIXELS);
  const rows = labelled(tokens, step, [view.locked?.query ?? view.selected]).filter(
    (query) => query >= window.query && query < window.query + window.rows,
  );
  const columns = labelled(tokens, step, view.locked === null ? [] : [view.locked.key]).filter(
    (key) => key >= window.key && key < right && (sink === null || step === 1 || key - sink >= step * 0.75),
  );
  const sinkPlace = sink === null ? null : sink + offset;
  const text = (index: number): string => plotlyText(shortened(view.labels[index] ?? '', LABEL_LENGTH));
  const axes = columnAxes(
    {
      range: [left - 0.5, right - 0.5],
      places: sinkPlace === null ? columns : [sinkPlace, ...columns],
      text: (key) => (key === sinkPlace ? t('sink') : (view.labels[key] ?? '')),
    },
    theme,
  );
  const margin = { ...MAP_MARGINS, b: axes.depth };
  const height = side + margin.t + margin.b;
  return {
    width: view.width,
    height,
    data: [
      {
        type: 'heatmap',
        z,
        x0: left + offset,
        dx: block,
        y0: window.query + offset,
        dy: block,
        zmin: 0,
        zmax: view.logScale ? 1 : (view.strongest ?? maximum(z)),
        colorscale: plotlyScale(theme.sequential),
        showscale: false,
        hoverinfo: 'none',
        xgap: cellGap(side, window.rows),
        ygap: cellGap(side, window.rows),
      },
      ...axes.data,
    ],
    layout: {
      ...baseLayout(theme, view.width, height, margin),
      ...axes.layout,
      yaxis: {
        ...baseAxis(theme),
        range: [window.query + window.rows - 0.5, window.query - 0.5],
        tickvals: rows,
        ticktext: rows.map(text),
      },
      shapes: [...(sink === null ? [] : [divider(first - 0.5, theme)]), ...markShapes(view, left, theme)],
    },
  };
}

/** Weight with the strongest colour: 1 on the logarithmic scale, the largest shown weight on the linear one. */
export function strongestWeight(
  { largest, largestRest, sink }: Omit<AttentionPicture, 'shades' | 'layer' | 'head'>,
  tokens: number,
  hideFirst: boolean,
  logScale: boolean,
): number {
  if (logScale) return 1;
  const shown = firstKey(tokens, hideFirst) === 0 ? largest : largestRest;
  return (sink?.reduce((max, share) => Math.max(max, share), shown) ?? shown) || 1;
}

function maximum(z: Shades): number {
  let largest = 0;
  for (const row of z) for (const value of row) if (value > largest) largest = value;
  return largest || 1;
}

function rectangle(x0: number, x1: number, y0: number, y1: number, colour: string, width: number): Readonly<Record<string, unknown>> {
  return { type: 'rect', x0, x1, y0, y1, line: { color: colour, width }, layer: 'above' };
}

/** Line between the sink, which is no token, and the tokens. */
function divider(x: number, theme: Theme): Readonly<Record<string, unknown>> {
  return { type: 'line', x0: x, x1: x, yref: 'paper', y0: 0, y1: 1, line: { color: css(theme.muted), width: 1 }, layer: 'above' };
}

/** Frames of the selected query's row, or of the locked cell's row and column. `left`: the first column drawn. */
export function markShapes(
  { labels, hideFirst, locked, selected }: Pick<AttentionMapView, 'labels' | 'hideFirst' | 'locked' | 'selected'>,
  left: number,
  theme: Theme,
): readonly Readonly<Record<string, unknown>>[] {
  const tokens = labels.length;
  return locked === null ? [rowShape(selected, left, theme)] : lockShapes(locked, left, firstKey(tokens, hideFirst), tokens, theme);
}

function rowShape(query: number, left: number, theme: Theme): Readonly<Record<string, unknown>> {
  return rectangle(left - 0.5, Math.max(left, query) + 0.5, query - 0.5, query + 0.5, css(theme.foreground), 1);
}

function lockShapes(cell: Cell, left: number, first: number, tokens: number, theme: Theme): readonly Readonly<Record<string, unknown>>[] {
  const cross = [rectangle(left - 0.5, tokens - 0.5, cell.query - 0.5, cell.query + 0.5, css(theme.muted), 1)];
  if (cell.key < first) return cross;
  cross.push(rectangle(cell.key - 0.5, cell.key + 0.5, -0.5, tokens - 0.5, css(theme.muted), 1));
  cross.push(rectangle(cell.key - 0.5, cell.key + 0.5, cell.query - 0.5, cell.query + 0.5, css(theme.foreground), 2));
  return cross;
}
