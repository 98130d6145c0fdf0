import { at } from '../../src/core/tensor.ts';
import type { ExpertRouting, ModelInfo } from '../../src/core/trace.ts';
import { shortened } from '../../src/core/visibleText.ts';
import { css } from '../colour.ts';
import { plotlyScale, type Theme } from '../theme.ts';
import { baseAxis, baseLayout, labelled, labelStep, type Figure, type Margins } from './figure.ts';
import { plotlyText } from './plotlyText.ts';

/** Layers of a model that have experts; of one that an engine serves, those of which it tells them. */
export function expertLayers(model: ModelInfo): readonly number[] {
  return model.served?.routing?.layers ?? (model.traits?.layers ?? []).flatMap(({ experts }, layer) => (experts === null ? [] : [layer]));
}

/** One expert that a token was routed to, with its routing weight; null: an engine does not return it. */
export interface ChosenExpert {
  readonly expert: number;
  readonly weight: number | null;
}

/** The experts that one token was routed to, by descending weight; without weights by their numbers. */
export function expertsOf({ chosen, ids, weights }: ExpertRouting, token: number): readonly ChosenExpert[] {
  const start = token * chosen;
  const found = Array.from({ length: chosen }, (_, index) => ({
    expert: at(ids, start + index),
    weight: weights === null ? null : at(weights, start + index),
  }));
  return found.toSorted((a, b) => (a.weight === null || b.weight === null ? a.expert - b.expert : b.weight - a.weight));
}

/** Routing weights, [token][expert]; null where the token was not routed to the expert, 1 where it was and its weight is not known. */
export type ExpertGrid = readonly (readonly (number | null)[])[];

/** The routing of one layer as a grid. */
export function expertGrid(routing: ExpertRouting): ExpertGrid {
  return Array.from({ length: routing.ids.length / routing.chosen }, (_, token) => {
    const line = Array.from<number | null>({ length: routing.count }).fill(null);
    for (const { expert, weight } of expertsOf(routing, token)) line[expert] = weight ?? 1;
    return line;
  });
}

/** [count], the fraction of tokens routed to each expert; the sum is `chosen`. */
export function expertLoad({ count, chosen, ids }: ExpertRouting): Float64Array {
  const load = new Float64Array(count);
  for (const id of ids) load[id] = at(load, id) + chosen / ids.length;
  return load;
}

const MARGINS: Margins = { l: 92, r: 8, t: 8, b: 36 };
const LOAD_HEIGHT = 120;
/** Height of a token's row in pixels: bounds, and the total available to all rows. */
const ROW = { least: 4, most: 18, room: 640 };

/** How the grid is drawn. `width` in pixels. */
export interface ExpertView {
  readonly labels: readonly string[];
  readonly selected: number;
  readonly width: number;
  /** Whether weights are known, and are the colours. */
  readonly isWeighted: boolean;
}

/** Heatmap of the routing: row = token, column = expert, colour = weight, or one colour where weights are not known. */
export function expertGridFigure(grid: ExpertGrid, { labels, selected, width, isWeighted }: ExpertView, theme: Theme): Figure {
  const tokens = grid.length;
  const count = grid[0]?.length ?? 0;
  const rowHeight = Math.max(ROW.least, Math.min(ROW.most, Math.floor(ROW.room / tokens)));
  const height = tokens * rowHeight + MARGINS.t + MARGINS.b;
  const rows = labelled(tokens, labelStep(tokens, tokens * rowHeight, 14), [selected]);
  return {
    width,
    height,
    data: [
      {
        type: 'heatmap',
        z: grid,
        x0: 0,
        dx: 1,
        y0: 0,
        dy: 1,
        zmin: 0,
        zmax: largestWeight(grid),
        colorscale: plotlyScale(isWeighted ? theme.sequential : [theme.accent, theme.accent]),
        showscale: false,
        hoverinfo: 'none',
        xgap: width / count >= 7 ? 1 : 0,
        ygap: rowHeight >= 7 ? 1 : 0,
      },
    ],
    layout: {
      ...baseLayout(theme, width, height, MARGINS),
      xaxis: expertAxis(count, width, theme),
      yaxis: {
        ...baseAxis(theme),
        range: [tokens - 0.5, -0.5],
        tickvals: rows,
        ticktext: rows.map((index) => plotlyText(shortened(labels[index] ?? '', 10))),
      },
      shapes: [
        {
          type: 'rect',
          x0: -0.5,
          x1: count - 0.5,
          y0: selected - 0.5,
          y1: selected + 0.5,
          line: { color: css(theme.foreground), width: 1 },
          layer: 'above',
        },
      ],
    },
  };
}

/** Weight with the strongest colour: the largest; 1 if all are 0. */
export function largestWeight(grid: ExpertGrid): number {
  return grid.flat().reduce<number>((max, weight) => Math.max(max, weight ?? 0), 0) || 1;
}

/**
 * Bar chart of the load, on the same columns as the heatmap; the line is the load of an even split, of which `chosen` experts a token are
 * needed. Null: it is not known how many experts there are.
 */
export function expertLoadFigure(load: Float64Array, chosen: number | null, width: number, theme: Theme): Figure {
  const margin = { ...MARGINS, b: 24 };
  return {
    width,
    height: LOAD_HEIGHT,
    data: [
      {
        type: 'bar',
        x: [...load.keys()],
        y: [...load],
        hoverinfo: 'none',
        width: load.length > 120 ? 1 : 0.8,
        marker: { color: css(theme.accent), line: { width: 0 } },
      },
    ],
    layout: {
      ...baseLayout(theme, width, LOAD_HEIGHT, margin),
      xaxis: expertAxis(load.length, width, theme),
      yaxis: {
        ...baseAxis(theme),
        tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
        rangemode: 'tozero',
        tickformat: '.0%',
        nticks: 4,
        showgrid: true,
        gridcolor: css(theme.grid),
        gridwidth: 1,
      },
      shapes: chosen === null ? [] : [evenLine(chosen / load.length, load.length, theme)],
    },
  };
}

function evenLine(even: number, count: number, theme: Theme): Readonly<Record<string, unknown>> {
  const line = { color: css(theme.warm), width: 1, dash: 'dot' };
  return { type: 'line', x0: -0.5, x1: count - 0.5, y0: even, y1: even, line, layer: 'above' };
}

function expertAxis(count: number, width: number, theme: Theme): Readonly<Record<string, unknown>> {
  const ticks = labelled(count, labelStep(count, width - MARGINS.l - MARGINS.r, 28), []);
  return { ...baseAxis(theme), range: [-0.5, count - 0.5], tickvals: ticks, ticktext: ticks.map(String), tickangle: 0 };
}
