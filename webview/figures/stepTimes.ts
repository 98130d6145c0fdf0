import { css } from '../colour.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { baseAxis, baseLayout, labelled, labelStep, titledAxis, type Figure } from './figure.ts';

/** Duration of one generation step, in milliseconds. */
export interface StepTime {
  /** Number of tokens that were run: 1 is decoding, more is prefill, 0 if all were in the cache. */
  readonly run: number;
  readonly runMs: number;
  readonly stepMs: number;
}

/** How the chart is drawn. `width` in pixels. */
export interface StepTimesView {
  /** Index of the selected step; -1: none. */
  readonly selected: number;
  readonly width: number;
}

const HEIGHT = 148;
const MARGIN = { l: 56, r: 8, t: 10, b: 34 };

/**
 * One bar per step: the forward pass, and stacked on it the rest (logits, filters, sampling). Prefill is hatched, in the warm hue. Steps
 * that were not measured have no bar.
 */
export function stepTimesFigure(steps: readonly (StepTime | null)[], { selected, width }: StepTimesView, theme: Theme): Figure {
  const x = steps.map((_, place) => place + 1);
  const hue = (step: StepTime | null): string => css((step?.run ?? 0) > 1 ? theme.warm : theme.accent);
  const line = { color: css(theme.foreground), width: steps.map((_, place) => (place === selected ? 2 : 0)) };
  const bar = { type: 'bar', x, hoverinfo: 'none', width: steps.length > 120 ? 1 : 0.8 };
  const ticks = labelled(steps.length, labelStep(steps.length, width - MARGIN.l - MARGIN.r, 36), [steps.length - 1]);
  return {
    width,
    height: HEIGHT,
    data: [
      {
        ...bar,
        y: steps.map((step) => step?.runMs ?? 0),
        customdata: x.map((place) => place - 1),
        marker: {
          color: steps.map(hue),
          line,
          pattern: {
            shape: steps.map((step) => ((step?.run ?? 0) > 1 ? '/' : '')),
            fgcolor: css(theme.background),
            size: 6,
            solidity: 0.3,
          },
        },
      },
      {
        ...bar,
        y: steps.map((step) => (step === null ? 0 : Math.max(0, step.stepMs - step.runMs))),
        customdata: x.map((place) => place - 1),
        marker: { color: css(theme.muted), line },
      },
    ],
    layout: {
      ...baseLayout(theme, width, HEIGHT, MARGIN),
      barmode: 'stack',
      xaxis: {
        ...titledAxis(baseAxis(theme), t('step')),
        range: [0.5, Math.max(8, steps.length) + 0.5],
        tickvals: ticks.map((place) => place + 1),
        ticktext: ticks.map((place) => String(place + 1)),
        tickangle: 0,
      },
      yaxis: {
        ...baseAxis(theme),
        tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
        rangemode: 'tozero',
        nticks: 4,
        ticksuffix: ' ms',
        showgrid: true,
        gridcolor: css(theme.grid),
        gridwidth: 1,
      },
    },
  };
}
