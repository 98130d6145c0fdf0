import { RULE_NAMES } from '../../src/core/generationRules.ts';
import { at } from '../../src/core/tensor.ts';
import type { SampledDistribution } from '../../src/core/sampling.ts';
import type { FilterStep } from '../../src/core/generationRules.ts';
import { css } from '../colour.ts';
import { integer, powerOfTen } from '../parts/format.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { ABOVE_AXIS, aboveAxis, baseAxis, baseLayout, titledAxis, type Figure, type Trace } from './figure.ts';

/** Probabilities of the whole vocabulary by descending probability, sampled at ranks evenly spaced on a logarithmic scale. */
export interface RankCurve {
  /** From 1, the likeliest token, to the size of the vocabulary. */
  readonly ranks: readonly number[];
  /** Probability at each rank: the model's own, that at the temperature, and that after the filters; null where it is 0. */
  readonly model: readonly (number | null)[];
  readonly tempered: readonly (number | null)[];
  readonly final: readonly (number | null)[];
  /** Number of ranks that each filter keeps, in the order of the filters. */
  readonly cuts: readonly Pick<FilterStep, 'filter' | 'kept'>[];
}

/** Names of the filters. The rules of a model have the names of its options. */
export const FILTER_NAMES = {
  topK: 'Top-k',
  topP: 'Top-p',
  minP: 'Min-p',
  ...Object.fromEntries(RULE_NAMES.map((name) => [name, name])),
} as Readonly<Record<FilterStep['filter'], string>>;

/**
 * Creates the curve. `own` [vocab]: the model's distribution; `sampled`: that under the settings. Temperature and filters keep the order of
 * the ranks.
 */
export function rankCurve(own: Float32Array, { probs, final, keptCount, steps }: SampledDistribution, points = 240): RankCurve {
  const vocab = own.length;
  const model = own.slice().sort();
  const tempered = probs.slice().sort();
  const drawn = final.slice().sort();
  const ranks = [...new Set(Array.from({ length: points }, (_, place) => Math.round(vocab ** (place / (points - 1)))))];
  // A filter may cut between two of these ranks: the last rank it keeps becomes one of them.
  const all = [...new Set([...ranks, ...steps.map(({ kept }) => kept), keptCount])]
    .filter((rank) => rank >= 1 && rank <= vocab)
    .sort((a, b) => a - b);
  const falling = (values: Float32Array): readonly (number | null)[] => all.map((rank) => at(values, vocab - rank) || null);
  return {
    ranks: all,
    model: falling(model),
    tempered: falling(tempered),
    final: falling(drawn),
    cuts: steps.map(({ filter, kept }) => ({ filter, kept })),
  };
}

const HEIGHT = 240;
const MARGIN = { l: 48, r: 12, t: ABOVE_AXIS, b: 40 };
/** Decades drawn below the largest probability. */
const DECADES = 10;

/** Chart of probability by rank, both logarithmic, with a line where each filter cuts. */
export function rankCurveFigure({ ranks, model, tempered, final, cuts }: RankCurve, width: number, theme: Theme): Figure {
  const vocab = ranks.at(-1) ?? 1;
  const values = [...model, ...tempered, ...final].filter((value) => value !== null);
  const top = Math.log10(Math.max(...values));
  const low = Math.max(Math.floor(top) - DECADES, Math.log10(Math.min(...values)));
  const line = (y: readonly (number | null)[], colour: string, dash: string, wide: number): Trace => ({
    type: 'scatter',
    mode: 'lines',
    x: ranks,
    y,
    customdata: ranks.map((_, place) => place),
    hoverinfo: 'none',
    connectgaps: false,
    line: { color: colour, dash, width: wide },
  });
  const powers = (from: number, to: number, step: number): readonly number[] =>
    Array.from({ length: Math.max(0, Math.floor((to - from) / step) + 1) }, (_, place) => 10 ** (from + place * step));
  const ticks = powers(Math.ceil(low), Math.floor(top), top - low > 5 ? 2 : 1);
  const decades = powers(0, Math.floor(Math.log10(vocab)), 1);
  const small = { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) };
  const axis = { ...baseAxis(theme), type: 'log', showgrid: true, gridcolor: css(theme.grid), gridwidth: 1, tickfont: small };
  const single = final.filter((value) => value !== null).length === 1;
  return {
    width,
    height: HEIGHT,
    data: [
      line(model, css(theme.muted), 'dot', 2),
      line(tempered, css(theme.foreground), 'dash', 1.5),
      {
        ...line(final, css(theme.accent), 'solid', 3),
        mode: single ? 'lines+markers' : 'lines',
        marker: { size: 8, color: css(theme.accent) },
      },
    ],
    layout: {
      ...baseLayout(theme, width, HEIGHT, MARGIN),
      hovermode: 'x',
      xaxis: {
        ...titledAxis(axis, t('rank')),
        range: [-0.03, Math.log10(vocab) + 0.03],
        tickvals: decades,
        ticktext: decades.map(integer),
      },
      yaxis: {
        ...axis,
        range: [low - 0.1, top + 0.15],
        tickvals: ticks,
        ticktext: ticks.map((value) => powerOfTen(Math.round(Math.log10(value)))),
      },
      shapes: cuts.map(({ kept }) => ({
        type: 'line',
        xref: 'x',
        yref: 'paper',
        x0: kept + 0.5,
        x1: kept + 0.5,
        y0: 0,
        y1: 1,
        line: { color: css(theme.warm), width: 1.5, dash: 'dashdot' },
      })),
      annotations: [
        aboveAxis(theme, t('probability'), MARGIN),
        ...cuts.map(({ filter, kept }, place) => {
          const right = Math.log10(kept + 0.5) < 0.75 * Math.log10(vocab);
          return {
            xref: 'x',
            yref: 'paper',
            x: Math.log10(kept + 0.5),
            y: 1 - 0.11 * place,
            xanchor: right ? 'left' : 'right',
            yanchor: 'top',
            showarrow: false,
            bgcolor: css(theme.background),
            text: ` ${FILTER_NAMES[filter]} `,
            font: { ...small, color: css(theme.foreground) },
          };
        }),
      ],
    },
  };
}
