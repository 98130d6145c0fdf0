import type { SizeFit } from '../../src/core/modelSizes.ts';
import { css } from '../colour.ts';
import { compact, decimal } from '../parts/format.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { ABOVE_AXIS, aboveAxis, baseAxis, baseLayout, titledAxis, type Figure, type Trace } from './figure.ts';
import { plotlyText, textWidth } from './plotlyText.ts';

const HEIGHT = 300;
const MARGIN = { l: 56, r: 24, t: ABOVE_AXIS, b: 44 };
/** Space around the points: in decades, and for a point with its number in pixels. */
const AROUND = { x: 0.25, y: 26 };

/** A model in the plot. */
export interface SizedPoint {
  readonly name: string;
  readonly parameters: number;
  readonly bitsPerByte: number;
}

/** Bits per byte of one text by the models' parameters, both logarithmic; with the fitted line where there is one. */
export function sizesFigure(points: readonly SizedPoint[], fit: SizeFit | null, width: number, theme: Theme): Figure {
  const xs = points.map(({ parameters }) => parameters);
  const ys = points.map(({ bitsPerByte }) => bitsPerByte);
  const [low, high] = [Math.log10(Math.min(...xs)) - AROUND.x, Math.log10(Math.max(...xs)) + AROUND.x];
  const fitted = (x: number): number => (fit === null ? Number.NaN : fit.factor * x ** fit.exponent);
  const ends = [10 ** low, 10 ** high];
  const shown = [...ys, ...(fit === null ? [] : ends.map(fitted))].map(Math.log10);
  const [least, most] = [Math.min(...shown), Math.max(...shown)];
  const plotted = HEIGHT - MARGIN.t - MARGIN.b;
  const around = (Math.max(most - least, 0.06) * AROUND.y) / (plotted - 2 * AROUND.y);
  const [bottom, top] = [least - around, most + around];
  const small = { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) };
  const axis = { ...baseAxis(theme), type: 'log', showgrid: true, gridcolor: css(theme.grid), gridwidth: 1, tickfont: small };
  const across = (value: number): number => ((Math.log10(value) - low) / (high - low)) * (width - MARGIN.l - MARGIN.r);
  const line: Trace = {
    type: 'scatter',
    mode: 'lines',
    x: ends,
    y: ends.map(fitted),
    hoverinfo: 'none',
    line: { color: css(theme.muted), dash: 'dash', width: 1.5 },
  };
  return {
    width,
    height: HEIGHT,
    data: [
      ...(fit === null ? [] : [line]),
      {
        type: 'scatter',
        mode: 'markers+text',
        x: xs,
        y: ys,
        text: points.map((_, index) => String(index + 1)),
        // On the side of the line on which the point is.
        textposition: points.map(({ parameters, bitsPerByte }) => (bitsPerByte < fitted(parameters) ? 'bottom center' : 'top center')),
        textfont: { family: theme.fontFamily, size: theme.fontSize - 1, color: css(theme.foreground) },
        customdata: points.map((_, index) => index),
        hoverinfo: 'none',
        marker: { size: 10, color: css(theme.accent) },
      },
    ],
    layout: {
      ...baseLayout(theme, width, HEIGHT, MARGIN),
      xaxis: {
        ...titledAxis(axis, t('parameters')),
        range: [low, high],
        tickvals: xs,
        ticktext: apart(xs.map(compact), xs.map(across), small.size).map(plotlyText),
      },
      yaxis: {
        ...axis,
        range: [bottom, top],
        tickvals: levels(10 ** bottom, 10 ** top),
        ticktext: levels(10 ** bottom, 10 ** top).map((value) => decimal(value, 1)),
      },
      annotations: [aboveAxis(theme, t('bits/byte'), MARGIN)],
    },
  };
}

/** Labels around places in pixels, in any order; where one would meet another to its left it is empty: the table beside has all. */
function apart(labels: readonly string[], places: readonly number[], fontSize: number): readonly string[] {
  const shown = labels.map(() => '');
  let free = -Infinity;
  for (const index of [...places.keys()].toSorted((a, b) => (places[a] ?? 0) - (places[b] ?? 0))) {
    const [label = '', place = 0] = [labels[index], places[index]];
    const half = (textWidth(label) * fontSize) / 2;
    if (place - half < free) continue;
    shown[index] = label;
    free = place + half + fontSize / 2;
  }
  return shown;
}

/** Round values of a logarithmic axis between two values: steps of 0.1, 0.2, 0.5, … so that there are about five. */
function levels(low: number, high: number): readonly number[] {
  const step = [0.1, 0.2, 0.5, 1, 2, 5].find((one) => (high - low) / one <= 6) ?? 10;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, place) => (first + place) * step);
}
