import { shortened } from '../../src/core/visibleText.ts';
import { css } from '../colour.ts';
import { plotlyScale, type Theme } from '../theme.ts';
import { baseAxis, baseLayout, labelled, labelStep, type Figure, type Margins } from './figure.ts';
import { plotlyText } from './plotlyText.ts';

const MARGINS: Margins = { l: 92, r: 8, t: 8, b: 84 };
const LABEL_PIXELS = 14;
const LABEL_LENGTH = 10;

export interface SimilarityView {
  readonly labels: readonly string[];
  /** Row with a frame around it; -1: none. */
  readonly selected: number;
  readonly width: number;
}

/** [row][column] of a matrix [n, n]. Plotly skips its work for the same array: keep it between redraws. */
export function matrixRows(matrix: Float32Array, count: number): readonly (readonly number[])[] {
  return Array.from({ length: count }, (_, row) => Array.from(matrix.subarray(row * count, (row + 1) * count)));
}

/** The smallest cosine, where the colours begin; they end at 1. */
export function smallestCosine(matrix: Float32Array): number {
  return matrix.reduce((least, value) => (value < least ? value : least), 1);
}

/** Heatmap of cosines between all pairs. */
export function similarityFigure(z: readonly (readonly number[])[], least: number, { labels, selected, width }: SimilarityView, theme: Theme): Figure {
  const count = z.length;
  const side = width - MARGINS.l - MARGINS.r;
  const height = side + MARGINS.t + MARGINS.b;
  const step = labelStep(count, side, LABEL_PIXELS);
  const rows = labelled(count, step, selected < 0 ? [] : [selected]);
  const text = rows.map((index) => plotlyText(shortened(labels[index] ?? '', LABEL_LENGTH)));
  const gap = side / count >= 7 ? 1 : 0;
  return {
    width,
    height,
    data: [{
      type: 'heatmap', z, x0: 0, dx: 1, y0: 0, dy: 1, zmin: Math.min(least, 0.999), zmax: 1, colorscale: plotlyScale(theme.sequential), showscale: false, hoverinfo: 'none', xgap: gap, ygap: gap,
    }],
    layout: {
      ...baseLayout(theme, width, height, MARGINS),
      xaxis: { ...baseAxis(theme), range: [-0.5, count - 0.5], tickvals: rows, ticktext: text, tickangle: -90 },
      yaxis: { ...baseAxis(theme), range: [count - 0.5, -0.5], tickvals: rows, ticktext: text },
      shapes: selected < 0 ? [] : [{ type: 'rect', x0: -0.5, x1: count - 0.5, y0: selected - 0.5, y1: selected + 0.5, line: { color: css(theme.foreground), width: 1 }, layer: 'above' }],
    },
  };
}
