import { css, type Rgb } from '../colour.ts';
import { plotlyScale, signedColours, type Theme } from '../theme.ts';
import { plotlyText } from './plotlyText.ts';

/** A figure for Plotly: traces and layout as plain data. */
export interface Figure {
  readonly data: readonly Trace[];
  readonly layout: Readonly<Record<string, unknown>>;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}
/** A trace in Plotly's own terms. */
export type Trace = Readonly<Record<string, unknown>>;

/** Colour scale of a figure: its colours, and the texts for its two ends. */
export interface Scale {
  readonly colours: readonly Rgb[];
  readonly low: string;
  readonly high: string;
}

/** Margins in pixels: left, right, top, bottom. */
export interface Margins {
  readonly l: number;
  readonly r: number;
  readonly t: number;
  readonly b: number;
}

/** Layout shared by all figures: the theme's fonts and colours, no frame, none of Plotly's own controls. */
export function baseLayout(theme: Theme, width: number, height: number, margin: Margins): Readonly<Record<string, unknown>> {
  return {
    width,
    height,
    margin: { ...margin, pad: 0 },
    paper_bgcolor: css(theme.background),
    plot_bgcolor: css(theme.background),
    font: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
    showlegend: false,
    hovermode: 'closest',
    dragmode: false,
  };
}

/** An axis without decoration, in the theme's colours. */
export function baseAxis(theme: Theme): Readonly<Record<string, unknown>> {
  return {
    showgrid: false,
    zeroline: false,
    showline: false,
    ticks: 'outside',
    ticklen: 4,
    tickcolor: 'rgba(0, 0, 0, 0)',
    fixedrange: true,
    automargin: false,
    // Labels are already chosen to fit: measuring each against the figure's edge costs more than drawing them.
    ticklabeloverflow: 'allow',
    tickfont: { family: theme.monoFamily, size: theme.fontSize - 2, color: css(theme.muted) },
    title: { font: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) } },
  };
}

/** Pixels above a figure for `aboveAxis`. */
export const ABOVE_AXIS = 24;

/**
 * Title of the vertical axis (quantity and unit), above the axis: beside it, the title would lie on its side, which Han characters never
 * do.
 */
export function aboveAxis(theme: Theme, text: string, { l }: Pick<Margins, 'l'>): Readonly<Record<string, unknown>> {
  return {
    text: plotlyText(text),
    xref: 'paper',
    yref: 'paper',
    x: 0,
    y: 1,
    xanchor: 'left',
    yanchor: 'bottom',
    xshift: 4 - l,
    yshift: 3,
    showarrow: false,
    font: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
  };
}

/**
 * Ranges around the points with the same unit on both axes, so that lengths and angles look as they are. `room`: factor by which the ranges
 * exceed the points, 1 for none.
 */
export function equalUnits(
  points: readonly { readonly x: number; readonly y: number }[],
  width: number,
  height: number,
  room: number,
): readonly [readonly [number, number], readonly [number, number]] {
  const xs = points.map((p) => p.x);
  const ys = points.map((p) => p.y);
  const middle = (values: readonly number[]): number => (values.length === 0 ? 0 : (Math.min(...values) + Math.max(...values)) / 2);
  const spread = (values: readonly number[]): number => (values.length === 0 ? 2 : Math.max(...values) - Math.min(...values));
  const unit = room * Math.max(spread(xs) / Math.max(1, width), spread(ys) / Math.max(1, height), 1e-9);
  const around = (centre: number, pixels: number): readonly [number, number] => [
    centre - (unit * pixels) / 2,
    centre + (unit * pixels) / 2,
  ];
  return [around(middle(xs), width), around(middle(ys), height)];
}

/** Smallest step of 1, 2, 5, 10, 20, … at which the labels of `count` items fit, when each needs `needed` of `available` pixels. */
export function labelStep(count: number, available: number, needed: number): number {
  const least = (count * needed) / Math.max(1, available);
  for (let magnitude = 1; ; magnitude *= 10) {
    for (const step of [1, 2, 5]) if (step * magnitude >= least) return step * magnitude;
  }
}

/** Indices that get a label: every `step`-th, and `always`, which displaces its nearest neighbours. */
export function labelled(count: number, step: number, always: readonly number[]): readonly number[] {
  const wanted = new Set(always.filter((index) => index >= 0 && index < count));
  const regular = Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step);
  const clear = regular.filter(
    (index) => step === 1 || [...wanted].every((other) => other === index || Math.abs(other - index) >= step * 0.75),
  );
  return [...new Set([...clear, ...wanted])].sort((a, b) => a - b);
}

/** An axis with a title below it. */
export function titledAxis(axis: Readonly<Record<string, unknown>>, text: string): Readonly<Record<string, unknown>> {
  return { ...axis, title: { ...(axis['title'] as object), text: plotlyText(text), standoff: 4 } };
}

/**
 * Heatmap of numbers below and above 0, whose colours end at -`most` and `most`; rows and columns are counted from 0. `gap`: pixels between
 * cells.
 */
export function signedHeatmap(z: readonly (readonly (number | null)[])[], most: number, gap: number, theme: Theme): Trace {
  return {
    type: 'heatmap',
    z,
    x0: 0,
    dx: 1,
    y0: 0,
    dy: 1,
    zmin: -most,
    zmax: most,
    colorscale: plotlyScale(signedColours(theme)),
    showscale: false,
    hoverinfo: 'none',
    xgap: gap,
    ygap: gap,
  };
}

/** Frame around one cell of a heatmap. */
export function cellFrame(column: number, row: number, theme: Theme): Readonly<Record<string, unknown>> {
  return {
    type: 'rect',
    x0: column - 0.5,
    x1: column + 0.5,
    y0: row - 0.5,
    y1: row + 0.5,
    line: { color: css(theme.foreground), width: 2 },
    layer: 'above',
  };
}
