import { at } from '../../src/core/tensor.ts';
import { css } from '../colour.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { columnAxes } from './columnLabels.ts';
import {
  ABOVE_AXIS,
  aboveAxis,
  baseAxis,
  baseLayout,
  cellFrame,
  labelled,
  labelStep,
  signedHeatmap,
  titledAxis,
  type Figure,
  type Margins,
} from './figure.ts';

const LEFT = 40;
const RIGHT = 8;
/** Height of a layer's row in pixels: bounds, and the room of all rows together. */
const ROW = { least: 6, most: 26, room: 360 };
/** Least width of a column that is set apart from its neighbours, and of one with a name. */
const GAP_FROM = 8;
const NAME_WIDTH = 18;

/** A grid of shares, as it is drawn. */
export interface PatchMap {
  /** [layers][columns]; null: nothing is known, or there is nothing. */
  readonly z: readonly (readonly (number | null)[])[];
  /** Name of each column: a token's text, or a head's number. */
  readonly names: readonly string[];
  /** Title of the columns; empty where their names are tokens. */
  readonly title: string;
  readonly chosen: { readonly layer: number; readonly column: number };
  readonly width: number;
}

/** [layers, columns] as rows; NaN becomes null. */
export function patchRows(shares: ArrayLike<number>, columns: number): readonly (readonly (number | null)[])[] {
  return Array.from({ length: shares.length / columns }, (_, layer) =>
    Array.from({ length: columns }, (__, column) => {
      const share = at(shares, layer * columns + column);
      return Number.isNaN(share) ? null : share;
    }),
  );
}

/** Heatmap of shares: row = layer, column = token or head. Colours end at -1 and 1, so that maps can be compared. */
export function patchMapFigure({ z, names, title, chosen, width }: PatchMap, theme: Theme): Figure {
  const layers = z.length;
  const columns = names.length;
  const inner = width - LEFT - RIGHT;
  const rowHeight = Math.max(ROW.least, Math.min(ROW.most, Math.floor(ROW.room / layers)));
  const rows = labelled(layers, labelStep(layers, layers * rowHeight, 14), [chosen.layer]);
  const places = labelled(columns, labelStep(columns, inner, NAME_WIDTH), [chosen.column]);
  const axes = columnAxes({ range: [-0.5, columns - 0.5], places, text: (column) => names[column] ?? '' }, theme);
  const margins: Margins = { l: LEFT, r: RIGHT, t: ABOVE_AXIS, b: axes.depth + (title === '' ? 0 : 24) };
  const height = layers * rowHeight + margins.t + margins.b;
  const gap = rowHeight >= GAP_FROM && inner / columns >= GAP_FROM ? 1 : 0;
  const xaxis = title === '' ? axes.layout.xaxis : { ...titledAxis(axes.layout.xaxis, title), tickangle: 0 };
  return {
    width,
    height,
    data: [signedHeatmap(z, 1, gap, theme), ...axes.data],
    layout: {
      ...baseLayout(theme, width, height, margins),
      // Seen between the cells, and where one has no number: 0 has the background's own colour.
      plot_bgcolor: css(theme.grid),
      annotations: [aboveAxis(theme, t('Layer'), margins)],
      ...axes.layout,
      xaxis,
      yaxis: { ...baseAxis(theme), range: [layers - 0.5, -0.5], tickvals: rows, ticktext: rows.map(String) },
      shapes: [cellFrame(chosen.column, chosen.layer, theme)],
    },
  };
}

/** Measured cells beside their estimates. */
export interface Agreement {
  readonly cells: readonly number[];
  readonly estimates: readonly number[];
  readonly shares: readonly number[];
}

/** The measured cells of a grid, without those that are exactly 0 either way: they are the same in both texts. */
export function agreementOf(estimate: ArrayLike<number>, shares: ArrayLike<number>): Agreement {
  const cells = Array.from({ length: shares.length }, (_, cell) => cell).filter((cell) => {
    const [x, y] = [at(estimate, cell), at(shares, cell)];
    return !Number.isNaN(x) && !Number.isNaN(y) && (x !== 0 || y !== 0);
  });
  return { cells, estimates: cells.map((cell) => at(estimate, cell)), shares: cells.map((cell) => at(shares, cell)) };
}

/** Pearson's correlation of estimates and shares; NaN for fewer than two cells, or where one of them is always the same. */
export function correlationOf({ estimates, shares }: Agreement): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(estimates), mean(shares)];
  let [xx, yy, xy] = [0, 0, 0];
  for (const [index, estimate] of estimates.entries()) {
    const [dx, dy] = [estimate - x, at(shares, index) - y];
    xx += dx * dx;
    yy += dy * dy;
    xy += dx * dy;
  }
  return xx * yy > 0 ? xy / Math.sqrt(xx * yy) : Number.NaN;
}

const SCATTER_HEIGHT = 280;
const SCATTER_MARGINS: Margins = { l: 48, r: 12, t: ABOVE_AXIS, b: 44 };

/** Each measured cell: estimate across, measurement up, in the same unit; on the dashed line the two agree. `chosen`: a cell. */
export function agreementFigure({ cells, estimates, shares }: Agreement, chosen: number, available: number, theme: Theme): Figure {
  const width = Math.min(available, Math.round(SCATTER_HEIGHT * 1.6));
  const values = [...estimates, ...shares, 0, 1];
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [0, 1]);
  const room = 0.06 * (high - low);
  const range = [low - room, high + room];
  const axis = { ...baseAxis(theme), showgrid: true, gridcolor: css(theme.grid), zeroline: true, zerolinecolor: css(theme.muted), range };
  return {
    width,
    height: SCATTER_HEIGHT,
    data: [
      {
        type: 'scatter',
        mode: 'markers',
        x: estimates,
        y: shares,
        customdata: cells,
        hoverinfo: 'none',
        marker: {
          size: cells.map((cell) => (cell === chosen ? 11 : 6)),
          color: css(theme.accent),
          opacity: 0.75,
          line: { color: css(theme.foreground), width: cells.map((cell) => (cell === chosen ? 2 : 0)) },
        },
      },
    ],
    layout: {
      ...baseLayout(theme, width, SCATTER_HEIGHT, SCATTER_MARGINS),
      annotations: [aboveAxis(theme, t('Measured share'), SCATTER_MARGINS)],
      xaxis: { ...titledAxis(axis, t('Estimated share')), nticks: 6 },
      yaxis: { ...axis, nticks: 6 },
      shapes: [
        {
          type: 'line',
          x0: range[0],
          y0: range[0],
          x1: range[1],
          y1: range[1],
          line: { color: css(theme.muted), width: 1, dash: 'dash' },
          layer: 'below',
        },
      ],
    },
  };
}
