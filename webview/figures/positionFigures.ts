import type { PositionTable, Rotation } from '../../src/core/positions.ts';
import { at } from '../../src/core/tensor.ts';
import { css, mix } from '../colour.ts';
import { t } from '../strings.ts';
import { plotlyScale, signedColours, type Theme } from '../theme.ts';
import { ABOVE_AXIS, aboveAxis, baseAxis, baseLayout, labelled, labelStep, titledAxis, type Figure, type Margins } from './figure.ts';

const MARGINS: Margins = { l: 56, r: 12, t: ABOVE_AXIS, b: 42 };
const LINE_HEIGHT = 220;

/** Contributions of each rotated pair to q . k, before and after rotation; `still` is that of the dimensions that are not rotated. */
export interface PairParts {
  readonly before: Float64Array;
  readonly after: Float64Array;
  readonly still: number;
}

/** Contributions of the pairs to the product of one query and key. */
export function pairParts({ q, k, qRotated, kRotated, pairs }: Rotation): PairParts {
  const of = (a: Float32Array, b: Float32Array): Float64Array =>
    Float64Array.from({ length: pairs.length / 2 }, (_, pair) => {
      const [first, second] = [at(pairs, 2 * pair), at(pairs, 2 * pair + 1)];
      return at(a, first) * at(b, first) + at(a, second) * at(b, second);
    });
  const turned = new Set(pairs);
  return {
    before: of(q, k),
    after: of(qRotated, kRotated),
    still: q.reduce((sum, value, i) => sum + (turned.has(i) ? 0 : value * at(k, i)), 0),
  };
}

/** Angle by which a pair is rotated at a position, in radians, modulo 2 pi. */
export function angleAt(frequency: number, position: number): number {
  return (frequency * position) % (2 * Math.PI);
}

/** Chart of the score of the same query and key at every distance, with the real distance marked, and the score without rotation. */
export function distanceFigure({ byDistance, dotBefore, scale, query, key }: Rotation, width: number, theme: Theme): Figure {
  const scores = Array.from(byDistance, (product) => product * scale);
  const distance = query - key;
  const edge = scores.length - 1;
  return {
    width,
    height: LINE_HEIGHT,
    data: [
      {
        type: 'scatter',
        mode: 'lines',
        x: scores.map((_, index) => index),
        y: scores,
        hoverinfo: 'none',
        line: { color: css(theme.accent), width: 1.5 },
      },
      {
        type: 'scatter',
        mode: 'markers',
        x: [distance],
        y: [scores[distance] ?? 0],
        hoverinfo: 'skip',
        cliponaxis: false,
        marker: { color: css(theme.warm), size: 10, line: { color: css(theme.foreground), width: 1 } },
      },
    ],
    layout: {
      ...baseLayout(theme, width, LINE_HEIGHT, MARGINS),
      xaxis: { ...numberAxis(theme, t('tokens between key and query')), range: [-0.5, edge + 0.5] },
      yaxis: { ...numberAxis(theme), nticks: 5 },
      annotations: [aboveAxis(theme, t('score'), MARGINS)],
      shapes: [
        {
          type: 'line',
          x0: -0.5,
          x1: edge + 0.5,
          y0: dotBefore * scale,
          y1: dotBefore * scale,
          line: { color: css(theme.muted), width: 1, dash: 'dash' },
          layer: 'below',
        },
        {
          type: 'line',
          x0: distance,
          x1: distance,
          yref: 'paper',
          y0: 0,
          y1: 1,
          line: { color: css(theme.warm), width: 1, dash: 'dot' },
          layer: 'below',
        },
      ],
    },
  };
}

/** Bar chart of the contribution of each pair to the product, before and after rotation. */
export function pairFigure({ before, after }: PairParts, chosen: number, width: number, theme: Theme): Figure {
  const x = [...before.keys()];
  const bar = (y: Float64Array, colours: readonly string[], name: string): Figure['data'][number] => ({
    type: 'bar',
    name,
    x,
    y: [...y],
    hoverinfo: 'none',
    marker: { color: colours, line: { width: 0 } },
  });
  return {
    width,
    height: LINE_HEIGHT,
    data: [
      bar(
        before,
        x.map(() => css(mix(theme.background, theme.foreground, 0.4))),
        'before',
      ),
      bar(
        after,
        x.map((pair) => css(pair === chosen ? theme.warm : theme.accent)),
        'after',
      ),
    ],
    layout: {
      ...baseLayout(theme, width, LINE_HEIGHT, MARGINS),
      barmode: 'group',
      bargap: 0.25,
      xaxis: { ...numberAxis(theme, t('pair')), range: [-0.5, before.length - 0.5], ...ticksOf(before.length, width) },
      yaxis: { ...numberAxis(theme), nticks: 5, zeroline: true, zerolinecolor: css(theme.border) },
      annotations: [aboveAxis(theme, t('part of q · k'), MARGINS)],
    },
  };
}

/** Chart of the wavelength of each pair (tokens per whole turn), on a logarithmic scale, with the length of the text. */
export function wavelengthFigure(waves: readonly number[], tokens: number, chosen: number, width: number, theme: Theme): Figure {
  const finite = waves.map((wave) => (Number.isFinite(wave) ? wave : null));
  return {
    width,
    height: LINE_HEIGHT,
    data: [
      {
        type: 'scatter',
        mode: 'lines+markers',
        x: [...waves.keys()],
        y: finite,
        hoverinfo: 'none',
        line: { color: css(theme.accent), width: 1 },
        marker: {
          color: waves.map((_, pair) => css(pair === chosen ? theme.warm : theme.accent)),
          size: waves.map((_, pair) => (pair === chosen ? 10 : 6)),
        },
      },
    ],
    layout: {
      ...baseLayout(theme, width, LINE_HEIGHT, MARGINS),
      xaxis: { ...numberAxis(theme, t('pair')), range: [-0.5, waves.length - 0.5], ...ticksOf(waves.length, width) },
      yaxis: { ...numberAxis(theme), type: 'log', dtick: 1, tickformat: ',~r' },
      annotations: [aboveAxis(theme, t('tokens for one rotation'), MARGINS)],
      shapes: [
        {
          type: 'line',
          x0: -0.5,
          x1: waves.length - 0.5,
          y0: tokens,
          y1: tokens,
          line: { color: css(theme.warm), width: 1, dash: 'dot' },
          layer: 'below',
        },
      ],
    },
  };
}

/**
 * Cosine of the angle of each pair at each position, [pair][position]. Plotly skips its work for the same array: keep it between redraws.
 */
export function turnGrid(frequencies: Float32Array, tokens: number): readonly (readonly number[])[] {
  return Array.from(frequencies, (frequency) => Array.from({ length: tokens }, (_, position) => Math.cos(frequency * position)));
}

/** Heatmap of `grid`: row = pair, column = position. Query and key are marked. */
export function turnFigure(
  grid: readonly (readonly number[])[],
  marks: readonly number[],
  chosen: number,
  width: number,
  theme: Theme,
): Figure {
  const tokens = grid[0]?.length ?? 0;
  const height = Math.max(120, Math.min(360, grid.length * 12)) + MARGINS.t + MARGINS.b;
  return {
    width,
    height,
    data: [{ ...heatmap(grid, 1, theme) }],
    layout: {
      ...baseLayout(theme, width, height, MARGINS),
      xaxis: { ...numberAxis(theme, t('position')), showgrid: false, range: [-0.5, tokens - 0.5] },
      yaxis: { ...numberAxis(theme), showgrid: false, range: [grid.length - 0.5, -0.5], nticks: 8 },
      annotations: [aboveAxis(theme, t('pair'), MARGINS)],
      shapes: [
        ...marks.map((position) => ({
          type: 'line',
          x0: position,
          x1: position,
          yref: 'paper',
          y0: 0,
          y1: 1,
          line: { color: css(theme.foreground), width: 1 },
          layer: 'above',
        })),
        {
          type: 'rect',
          x0: -0.5,
          x1: tokens - 0.5,
          y0: chosen - 0.5,
          y1: chosen + 0.5,
          line: { color: css(theme.foreground), width: 1 },
          layer: 'above',
        },
      ],
    },
  };
}

/** A position table as rows of numbers, or of cosines. */
export type TableGrid = readonly (readonly number[])[];

/** Rows of a matrix that is stored row by row, each of `columns` numbers. */
export function tableGrid(values: Float32Array, columns: number): TableGrid {
  return Array.from({ length: columns === 0 ? 0 : values.length / columns }, (_, row) =>
    Array.from(values.subarray(row * columns, (row + 1) * columns)),
  );
}

/** Heatmap of positions (rows) by dimensions (columns). */
export function tableFigure(
  grid: TableGrid,
  { positions, dimensions }: Pick<PositionTable, 'positions' | 'dimensions'>,
  width: number,
  theme: Theme,
): Figure {
  const height = Math.round(Math.max(200, Math.min(420, width * 0.6)));
  const largest = grid.reduce((max, line) => line.reduce((most, value) => Math.max(most, Math.abs(value)), max), 1e-12);
  return {
    width,
    height,
    data: [heatmap(grid, largest, theme)],
    layout: {
      ...baseLayout(theme, width, height, MARGINS),
      xaxis: sampledAxis(dimensions, t('dimension'), width, theme),
      yaxis: { ...sampledAxis(positions, '', height, theme), range: [positions.length - 0.5, -0.5] },
      annotations: [aboveAxis(theme, t('position'), MARGINS)],
    },
  };
}

/** Heatmap of the cosines between the vectors of every two positions. */
export function cosineFigure(grid: TableGrid, positions: Int32Array, width: number, theme: Theme): Figure {
  const side = Math.min(width, 460);
  return {
    width: side,
    height: side,
    data: [heatmap(grid, 1, theme)],
    layout: {
      ...baseLayout(theme, side, side, MARGINS),
      xaxis: sampledAxis(positions, t('position'), side, theme),
      yaxis: { ...sampledAxis(positions, '', side, theme), range: [positions.length - 0.5, -0.5] },
      annotations: [aboveAxis(theme, t('position'), MARGINS)],
    },
  };
}

/** Chart of the ALiBi bias of every head by the distance of the key from the query. `bias`: [heads, T]. */
export function alibiFigure(bias: Float32Array, heads: number, query: number, chosen: number, width: number, theme: Theme): Figure {
  const tokens = bias.length / heads;
  const x = Array.from({ length: query + 1 }, (_, key) => query - key);
  const line = (head: number): Figure['data'][number] => ({
    type: 'scatter',
    mode: 'lines',
    x,
    y: x.map((_, key) => at(bias, head * tokens + key)),
    customdata: x.map(() => head),
    hoverinfo: 'none',
    line: { color: css(head === chosen ? theme.warm : theme.accent), width: head === chosen ? 3 : 1 },
  });
  const others = Array.from({ length: heads }, (_, head) => head).filter((head) => head !== chosen);
  return {
    width,
    height: LINE_HEIGHT + 60,
    data: [...others.map(line), line(chosen)],
    layout: {
      ...baseLayout(theme, width, LINE_HEIGHT + 60, MARGINS),
      xaxis: { ...numberAxis(theme, t('tokens between key and query')), range: [-0.5, query + 0.5] },
      yaxis: numberAxis(theme),
      annotations: [aboveAxis(theme, t('added to the score'), MARGINS)],
    },
  };
}

function heatmap(z: readonly (readonly number[])[], largest: number, theme: Theme): Figure['data'][number] {
  return {
    type: 'heatmap',
    z,
    x0: 0,
    dx: 1,
    y0: 0,
    dy: 1,
    zmin: -largest,
    zmax: largest,
    colorscale: plotlyScale(signedColours(theme)),
    showscale: false,
    hoverinfo: 'none',
  };
}

function numberAxis(theme: Theme, title = ''): Readonly<Record<string, unknown>> {
  return {
    ...titledAxis(baseAxis(theme), title),
    tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
    showgrid: true,
    gridcolor: css(theme.grid),
    gridwidth: 1,
  };
}

function ticksOf(count: number, width: number): Readonly<Record<string, unknown>> {
  const ticks = labelled(count, labelStep(count, width - MARGINS.l - MARGINS.r, 28), []);
  return { tickvals: ticks, ticktext: ticks.map(String), tickangle: 0 };
}

function sampledAxis(indices: Int32Array, title: string, room: number, theme: Theme): Readonly<Record<string, unknown>> {
  const ticks = labelled(indices.length, labelStep(indices.length, room - MARGINS.l, 40), []);
  return {
    ...numberAxis(theme, title),
    showgrid: false,
    range: [-0.5, indices.length - 0.5],
    tickvals: ticks,
    ticktext: ticks.map((index) => String(at(indices, index))),
    tickangle: 0,
  };
}
