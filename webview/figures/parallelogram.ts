import { at } from '../../src/core/tensor.ts';
import type { VectorMap } from '../../src/core/vectors.ts';
import { shortened } from '../../src/core/visibleText.ts';
import { css, type Rgb } from '../colour.ts';
import type { Theme } from '../theme.ts';
import { aboveAxis, baseAxis, baseLayout, equalUnits, titledAxis, type Figure, type Trace } from './figure.ts';
import { plotlyText } from './plotlyText.ts';
import { placeLabels } from './projectionPlot.ts';

const MARGIN = { l: 48, r: 24, t: 28, b: 44 };

/** How the parallelogram is drawn. `width` and `height` in pixels. */
export interface ParallelogramView {
  /** Names of a, b, c, a - b + c and the nearest token. */
  readonly labels: readonly [string, string, string, string, string];
  readonly axisTitles: readonly [string, string];
  readonly width: number;
  readonly height: number;
}

/**
 * a - b + c over two principal components. b, a, a - b + c and c are the corners of a parallelogram in the whole space, so in every
 * projection too; the nearest token lies off its corner by the error of the arithmetic. `map`: the vectors in the order of the labels.
 */
export function parallelogramFigure(map: VectorMap, view: ParallelogramView, theme: Theme): Figure {
  const { width, height } = view;
  const points = view.labels.map((label, index) => ({ label, x: at(map.points, index * 3), y: at(map.points, index * 3 + 1) }));
  const [xRange, yRange] = equalUnits(points, width - MARGIN.l - MARGIN.r, height - MARGIN.t - MARGIN.b, 1.3);
  const scale = (width - MARGIN.l - MARGIN.r) / (xRange[1] - xRange[0]);
  const places = placeLabels(
    points.map(({ x, y }, index) => ({ index, x, y, depth: 0 })),
    -1,
    view.labels,
    { x: scale, y: scale },
    theme.fontSize,
  );
  const line = (from: number, to: number, dash: string): Trace => ({
    type: 'scatter',
    mode: 'lines',
    x: [points[from]?.x, points[to]?.x],
    y: [points[from]?.y, points[to]?.y],
    hoverinfo: 'skip',
    line: { color: css(theme.muted), width: 1.5, dash },
  });
  const colours: readonly Rgb[] = [theme.accent, theme.accent, theme.accent, theme.foreground, theme.warm];
  const symbols = ['circle', 'circle', 'circle', 'cross', 'diamond'];
  const axis = {
    ...baseAxis(theme),
    showgrid: true,
    gridcolor: css(theme.grid),
    nticks: 6,
    tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
  };
  return {
    width,
    height,
    data: [
      line(1, 0, 'solid'),
      line(2, 3, 'solid'),
      line(1, 2, 'dash'),
      line(0, 3, 'dash'),
      line(3, 4, 'dot'),
      {
        type: 'scatter',
        mode: 'markers+text',
        x: points.map((p) => p.x),
        y: points.map((p) => p.y),
        customdata: points.map((_, index) => index),
        text: points.map((p) => plotlyText(shortened(p.label, 16))),
        textposition: points.map((_, index) => places.get(index) ?? 'bottom center'),
        textfont: { family: theme.monoFamily, size: theme.fontSize - 1, color: css(theme.foreground) },
        hoverinfo: 'none',
        cliponaxis: false,
        marker: { size: 11, symbol: symbols, color: colours.map(css), line: { width: 1, color: css(theme.background) } },
      },
    ],
    layout: {
      ...baseLayout(theme, width, height, MARGIN),
      xaxis: { ...titledAxis(axis, view.axisTitles[0]), range: xRange },
      yaxis: { ...axis, range: yRange, scaleanchor: 'x', scaleratio: 1 },
      annotations: [aboveAxis(theme, view.axisTitles[1], MARGIN)],
    },
  };
}
