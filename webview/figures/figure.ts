import { css } from '../colour.ts';
import type { Theme } from '../theme.ts';

/** What Plotly draws: traces and layout as plain data. */
export interface Figure {
  readonly data: readonly Trace[];
  readonly layout: Readonly<Record<string, unknown>>;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}
export type Trace = Readonly<Record<string, unknown>>;

export interface Margins {
  readonly l: number;
  readonly r: number;
  readonly t: number;
  readonly b: number;
}

/** Layout that all figures share: the theme's fonts and colours, no frame, no Plotly furniture. */
export function baseLayout(theme: Theme, width: number, height: number, margin: Margins): Readonly<Record<string, unknown>> {
  return {
    width, height, margin: { ...margin, pad: 0 },
    paper_bgcolor: css(theme.background), plot_bgcolor: css(theme.background),
    font: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
    showlegend: false, hovermode: 'closest', dragmode: false,
  };
}

/** An axis without decoration, in the theme's colours. */
export function baseAxis(theme: Theme): Readonly<Record<string, unknown>> {
  return {
    showgrid: false, zeroline: false, showline: false, ticks: 'outside', ticklen: 4, tickcolor: 'rgba(0, 0, 0, 0)', fixedrange: true, automargin: false,
    // Labels are chosen to fit: measuring each against the figure's edge costs more than drawing them.
    ticklabeloverflow: 'allow',
    tickfont: { family: theme.monoFamily, size: theme.fontSize - 2, color: css(theme.muted) },
    title: { font: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) } },
  };
}

/** Every how-many-th label fits when each needs `needed` pixels of `available`: 1, 2, 5, 10, 20, … */
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
  const clear = regular.filter((index) => step === 1 || [...wanted].every((other) => other === index || Math.abs(other - index) >= step * 0.75));
  return [...new Set([...clear, ...wanted])].sort((a, b) => a - b);
}
