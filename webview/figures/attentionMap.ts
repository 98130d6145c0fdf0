import { at } from '../../src/core/tensor.ts';
import { shadeWeight } from '../../src/core/attention.ts';
import type { AttentionPicture } from '../../src/core/trace.ts';
import { css } from '../colour.ts';
import type { Cell } from '../settings.ts';
import { t } from '../strings.ts';
import { plotlyScale, type Theme } from '../theme.ts';
import { shortened } from '../../src/core/visibleText.ts';
import { plotlyText } from './plotlyText.ts';
import { baseAxis, baseLayout, labelled, labelStep, type Figure, type Margins } from './figure.ts';

export const MAP_MARGINS: Margins = { l: 92, r: 8, t: 8, b: 84 };
/** Weights below this share the lowest colour of the logarithmic scale. */
export const LOG_FLOOR = 1e-4;
const LABEL_PIXELS = 14;
const LABEL_LENGTH = 10;

export interface AttentionMapView {
  /** Visible text of each token. */
  readonly labels: readonly string[];
  readonly hideFirst: boolean;
  readonly logScale: boolean;
  readonly locked: Cell | null;
  readonly selected: number;
  readonly width: number;
  /** The shades begin with a sink's column. */
  readonly sink?: boolean;
  /** Queries and keys a square of the shades stands for, 1 unless given; see blockSide. */
  readonly block?: number;
}

/**
 * Tokens a side of one square of the map: 1 while each has a pixel of its own. Beyond, a square shows the strongest of its weights,
 * as in the overview, so that a single strong one stays visible. A sink's column keeps the map as it is.
 */
export function blockSide({ sink }: Pick<AttentionPicture, 'sink'>, tokens: number, width: number, pixelRatio: number): number {
  const pixels = (width - MAP_MARGINS.l - MAP_MARGINS.r) * pixelRatio;
  return sink !== undefined || pixels <= 0 ? 1 : Math.max(1, Math.round(tokens / pixels));
}

/** The strongest weight's cell in the square around a point of the map; the future has none: its key comes after its query. */
export function cellAt({ shades }: Pick<AttentionPicture, 'shades'>, tokens: number, hideFirst: boolean, block: number, point: { readonly x: number; readonly y: number }): Cell {
  if (block === 1) return { query: point.y, key: point.x };
  const queryFrom = Math.round(point.y - (block - 1) / 2);
  const keyFrom = Math.max(firstKey(tokens, hideFirst), Math.round(point.x - (block - 1) / 2));
  let found: Cell = { query: queryFrom, key: Math.max(keyFrom, queryFrom + 1) };
  let strongest = -1;
  for (let query = queryFrom; query < Math.min(tokens, queryFrom + block); query++) {
    for (let key = keyFrom; key < Math.min(query + 1, keyFrom + block); key++) {
      const shade = at(shades, (query * (query + 1)) / 2 + key);
      if (shade <= strongest) continue;
      strongest = shade;
      found = { query, key };
    }
  }
  return found;
}

/** What a cell's colour stands for: 0..1, where 1 is full weight. */
export function cellShade(weight: number, logScale: boolean): number {
  return logScale ? 1 - Math.log(Math.max(weight, LOG_FLOOR)) / Math.log(LOG_FLOOR) : weight;
}

/** Shades of one head's cells, [query][key], the future NaN. Plotly skips its work for the same array: keep it between redraws. */
export type Shades = readonly Float32Array[];

/** With `hideFirst` the columns start at key 1; a sink's column comes before them. With `block` each is the strongest of a square of so many tokens a side. */
export function attentionShades({ shades, sink }: Pick<AttentionPicture, 'shades' | 'sink'>, tokens: number, hideFirst: boolean, logScale: boolean, block = 1): Shades {
  const first = firstKey(tokens, hideFirst);
  if (block > 1) return blockShades(shades, tokens, first, logScale, block);
  const before = sink === undefined ? 0 : 1;
  const shadeOf = Float32Array.from({ length: 256 }, (_, shade) => cellShade(shadeWeight(shade), logScale));
  return Array.from({ length: tokens }, (_, query) => {
    const row = new Float32Array(before + tokens - first).fill(Number.NaN);
    if (sink !== undefined) row[0] = cellShade(at(sink, query), logScale);
    const start = (query * (query + 1)) / 2;
    for (let key = first; key <= query; key++) row[before + key - first] = at(shadeOf, at(shades, start + key));
    return row;
  });
}

function blockShades(shades: Uint8Array, tokens: number, first: number, logScale: boolean, block: number): Shades {
  const columns = Math.ceil((tokens - first) / block);
  const strongest = Array.from({ length: Math.ceil(tokens / block) }, () => new Int16Array(columns).fill(-1));
  const columnOf = Int32Array.from({ length: tokens }, (_, key) => Math.floor((key - first) / block));
  for (let query = 0, start = 0; query < tokens; start += ++query) {
    const row = strongest[Math.floor(query / block)] ?? new Int16Array(0);
    for (let key = first; key <= query; key++) {
      const shade = shades[start + key] ?? 0;
      const column = columnOf[key] ?? 0;
      if (shade > (row[column] ?? -1)) row[column] = shade;
    }
  }
  const shadeOf = Float32Array.from({ length: 256 }, (_, shade) => cellShade(shadeWeight(shade), logScale));
  return strongest.map((row) => Float32Array.from(row, (shade) => (shade < 0 ? Number.NaN : at(shadeOf, shade))));
}

/** The key of the first column shown. */
export function firstKey(tokens: number, hideFirst: boolean): number {
  return hideFirst && tokens > 1 ? 1 : 0;
}

/** Where the sink's column is: left of the first key. */
export function sinkColumn(tokens: number, hideFirst: boolean): number {
  return firstKey(tokens, hideFirst) - 1;
}

/** Heatmap of one head: row = query, column = key, the future left empty. */
export function attentionMapFigure(z: Shades, view: AttentionMapView, theme: Theme): Figure {
  const tokens = view.labels.length;
  const first = firstKey(tokens, view.hideFirst);
  const sink = view.sink === true ? sinkColumn(tokens, view.hideFirst) : null;
  const left = sink ?? first;
  const { block = 1 } = view;
  /** From a square's first token to its middle. */
  const offset = (block - 1) / 2;
  const side = view.width - MAP_MARGINS.l - MAP_MARGINS.r;
  const height = side + MAP_MARGINS.t + MAP_MARGINS.b;
  const step = labelStep(tokens, side, LABEL_PIXELS);
  const rows = labelled(tokens, step, [view.locked?.query ?? view.selected]);
  const columns = labelled(tokens, step, view.locked === null ? [] : [view.locked.key]).filter((key) => key >= first && (sink === null || step === 1 || key - sink >= step * 0.75));
  const text = (index: number): string => plotlyText(shortened(view.labels[index] ?? '', LABEL_LENGTH));
  return {
    width: view.width,
    height,
    data: [{
      type: 'heatmap', z, x0: left + offset, dx: block, y0: offset, dy: block, zmin: 0, zmax: maximum(z, view.logScale), colorscale: plotlyScale(theme.sequential),
      showscale: false, hoverinfo: 'none', xgap: gap(side, tokens), ygap: gap(side, tokens),
    }],
    layout: {
      ...baseLayout(theme, view.width, height, MAP_MARGINS),
      xaxis: { ...baseAxis(theme), range: [left - 0.5, tokens - 0.5], tickvals: sink === null ? columns : [sink, ...columns], ticktext: [...(sink === null ? [] : [t('sink')]), ...columns.map(text)], tickangle: -90, title: axisTitle(theme, '') },
      yaxis: { ...baseAxis(theme), range: [tokens - 0.5, -0.5], tickvals: rows, ticktext: rows.map(text) },
      shapes: [...(sink === null ? [] : [divider(first - 0.5, theme)]), ...(view.locked === null ? [rowShape(view.selected, left, theme)] : lockShapes(view.locked, left, first, tokens, theme))],
    },
  };
}

/** The weight that has the strongest colour: 1 on the logarithmic scale, the largest shown weight on the linear one. */
export function strongestWeight({ largest, largestRest, sink }: Omit<AttentionPicture, 'shades' | 'layer' | 'head'>, tokens: number, hideFirst: boolean, logScale: boolean): number {
  if (logScale) return 1;
  const shown = firstKey(tokens, hideFirst) === 0 ? largest : largestRest;
  return (sink?.reduce((max, share) => Math.max(max, share), shown) ?? shown) || 1;
}

function maximum(z: Shades, logScale: boolean): number {
  if (logScale) return 1;
  let largest = 0;
  for (const row of z) for (const value of row) if (value > largest) largest = value;
  return largest || 1;
}

/** White lines between cells help while cells are large; they would eat small ones. */
function gap(side: number, tokens: number): number {
  return side / tokens >= 7 ? 1 : 0;
}

function axisTitle(theme: Theme, text: string): Readonly<Record<string, unknown>> {
  return { text, font: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) } };
}

function rectangle(x0: number, x1: number, y0: number, y1: number, colour: string, width: number): Readonly<Record<string, unknown>> {
  return { type: 'rect', x0, x1, y0, y1, line: { color: colour, width }, layer: 'above' };
}

/** Between the sink, which is no token, and the tokens. */
function divider(x: number, theme: Theme): Readonly<Record<string, unknown>> {
  return { type: 'line', x0: x, x1: x, yref: 'paper', y0: 0, y1: 1, line: { color: css(theme.muted), width: 1 }, layer: 'above' };
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
