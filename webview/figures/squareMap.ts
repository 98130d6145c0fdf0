import { shortened } from '../../src/core/visibleText.ts';
import { css, type Rgb } from '../colour.ts';
import { plotlyScale, type Theme } from '../theme.ts';
import type { Cell } from '../viewSettings.ts';
import { columnAxes } from './columnLabels.ts';
import { baseAxis, baseLayout, labelled, labelStep, type Figure, type Margins } from './figure.ts';
import { wholeMap, type MapWindow } from './mapWindow.ts';
import { plotlyText } from './plotlyText.ts';

/** Pixels around a map of tokens by tokens: names of rows on the left; those of columns below it have what they need (`ColumnAxes`). */
export const MAP_MARGINS: Omit<Margins, 'b'> = { l: 92, r: 8, t: 8 };
/** Pixels and characters that a token's name beside a map has. */
export const LABEL_PIXELS = 14;
export const LABEL_LENGTH = 10;

/**
 * Tokens per side of one square of a map of `tokens` tokens: 1 while each has a pixel of its own. Otherwise a square shows the strongest of
 * its numbers, as in the overview, so that a single strong one stays visible.
 */
export function blockSide(tokens: number, width: number, pixelRatio: number): number {
  const pixels = mapSide(width) * pixelRatio;
  return pixels <= 0 ? 1 : Math.max(1, Math.ceil(tokens / pixels));
}

/** Pixels a side of a map in a figure of this width. */
export function mapSide(width: number): number {
  return width - MAP_MARGINS.l - MAP_MARGINS.r;
}

/** Gaps between cells help while cells are large, and would cover small ones. */
export function cellGap(side: number, tokens: number): number {
  return side / tokens >= 7 ? 1 : 0;
}

/** Whether a map of so many tokens has cells too small for gaps between them, and for a name each. */
export function cellsTooSmall(tokens: number, width: number): boolean {
  return cellGap(mapSide(width), tokens) === 0;
}

/** A number for every pair of `count` tokens. */
export interface PairNumbers {
  readonly count: number;
  /** NaN where there is none. */
  readonly at: (row: number, column: number) => number;
  /** The number with the neutral colour: of a square's numbers, the one farthest from it is shown. */
  readonly centre: number;
}

/** Rows of a map's squares, of `block` x `block` numbers each; NaN: none. Plotly skips its work for the same array: keep it. */
export function pooledRows(numbers: PairNumbers, block: number, window: MapWindow): readonly Float32Array[] {
  const columns = Math.ceil(window.columns / block);
  return Array.from({ length: Math.ceil(window.rows / block) }, (_, line) =>
    Float32Array.from({ length: columns }, (__, place) => {
      const row = window.query + line * block;
      const column = window.key + place * block;
      const cell = farthest(numbers, row, column, block);
      return cell === undefined ? Number.NaN : numbers.at(cell.query, cell.key);
    }),
  );
}

/** Cell whose number the square around a point of the map shows; undefined where there is none. */
export function farthestAt(numbers: PairNumbers, block: number, { x, y }: { readonly x: number; readonly y: number }): Cell | undefined {
  const offset = (block - 1) / 2;
  return farthest(numbers, Math.round(y - offset), Math.round(x - offset), block);
}

function farthest({ count, at, centre }: PairNumbers, row: number, column: number, block: number): Cell | undefined {
  let found: Cell | undefined;
  let most = -1;
  for (let query = row; query < Math.min(count, row + block); query++) {
    for (let key = column; key < Math.min(count, column + block); key++) {
      // False for NaN.
      const distance = Math.abs(at(query, key) - centre);
      if (!(distance > most)) continue;
      most = distance;
      found = { query, key };
    }
  }
  return found;
}

/** How far the farthest number is from the centre, at least `least`. */
export function farthestReach({ count, at, centre }: PairNumbers, least: number): number {
  let reach = least;
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      const distance = Math.abs(at(row, column) - centre);
      if (distance > reach) reach = distance;
    }
  }
  return reach;
}

/** How a map of numbers around a centre is drawn. */
export interface PairMap {
  /** Of `pooledRows`. */
  readonly z: readonly ArrayLike<number | null>[];
  /** Name of each token. */
  readonly labels: readonly string[];
  /** Row with a frame around it; -1: none. `frame`: columns that the frame encloses. */
  readonly selected: number;
  readonly frame: number;
  /** Numbers with the strongest colours. */
  readonly zmin: number;
  readonly zmax: number;
  readonly colours: readonly Rgb[];
  /** Pixels. */
  readonly width: number;
  /** Tokens per side of one square, 1 unless given; and the part of the map shown, the whole unless given. */
  readonly block?: number;
  readonly window?: MapWindow;
}

/** Heatmap of numbers for pairs of tokens, with the tokens' names on both axes. */
export function pairMapFigure(map: PairMap, theme: Theme): Figure {
  const { z, labels, selected, width, block = 1, window = wholeMap(labels.length, false) } = map;
  const [top, left] = [window.query, window.key];
  const [bottom, right] = [top + window.rows, left + window.columns];
  const side = mapSide(width);
  const places = labelled(labels.length, labelStep(window.rows, side, LABEL_PIXELS), selected < 0 ? [] : [selected]);
  const rows = places.filter((row) => row >= top && row < bottom);
  const axes = columnAxes(
    {
      range: [left - 0.5, right - 0.5],
      places: places.filter((column) => column >= left && column < right),
      text: (index) => labels[index] ?? '',
    },
    theme,
  );
  const gap = cellGap(side, window.rows);
  const margin = { ...MAP_MARGINS, b: axes.depth };
  const height = side + margin.t + margin.b;
  return {
    width,
    height,
    data: [
      {
        type: 'heatmap',
        z,
        x0: left + (block - 1) / 2,
        dx: block,
        y0: top + (block - 1) / 2,
        dy: block,
        zmin: map.zmin,
        zmax: map.zmax,
        colorscale: plotlyScale(map.colours),
        showscale: false,
        hoverinfo: 'none',
        xgap: gap,
        ygap: gap,
      },
      ...axes.data,
    ],
    layout: {
      ...baseLayout(theme, width, height, margin),
      ...axes.layout,
      yaxis: {
        ...baseAxis(theme),
        range: [bottom - 0.5, top - 0.5],
        tickvals: rows,
        ticktext: rows.map((index) => plotlyText(shortened(labels[index] ?? '', LABEL_LENGTH))),
      },
      shapes:
        selected < 0
          ? []
          : [
              {
                type: 'rect',
                x0: -0.5,
                x1: map.frame - 0.5,
                y0: selected - 0.5,
                y1: selected + 0.5,
                line: { color: css(theme.foreground), width: 1 },
                layer: 'above',
              },
            ],
    },
  };
}
