import { surprisalBits } from '../../src/core/probability.ts';
import { css, mix } from '../colour.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { ABOVE_AXIS, aboveAxis, baseAxis, baseLayout, titledAxis, type Figure, type Trace } from './figure.ts';
import type { TableItems } from './tokenTable.ts';

/** How many items lie in each step of surprisal: step i holds those of i to i + 1 times `step` bits, its upper end excluded. */
export interface SurprisalHistogram {
  /** Width of a step in bits. */
  readonly step: number;
  /** [steps] of all items that were predicted. */
  readonly all: readonly number[];
  /** [steps] of those that are shown. */
  readonly shown: readonly number[];
  /** Items that nothing predicted: they are in no step. */
  readonly unpredicted: number;
}

const WIDTHS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const MOST_STEPS = 40;

/** Counts items by their surprisal. `order`: the items shown. */
export function surprisalHistogram({ logprob }: TableItems, order: Int32Array): SurprisalHistogram {
  const bits = Float64Array.from(logprob, surprisalBits);
  const most = bits.reduce((largest, value) => (value > largest && Number.isFinite(value) ? value : largest), 0);
  const step = WIDTHS.find((width) => most / width < MOST_STEPS) ?? most / (MOST_STEPS - 1);
  const steps = Math.floor(most / step) + 1;
  const counts = (values: Float64Array): readonly number[] => {
    const counted = Array.from({ length: steps }, () => 0);
    for (const value of values) {
      const place = Math.min(steps - 1, Math.floor(value / step));
      if (!Number.isNaN(value)) counted[place] = (counted[place] ?? 0) + 1;
    }
    return counted;
  };
  const shown = Float64Array.from(order, (item) => bits[item] ?? Number.NaN);
  return { step, all: counts(bits), shown: counts(shown), unpredicted: bits.reduce((sum, value) => sum + Number(Number.isNaN(value)), 0) };
}

const HEIGHT = 150;
const MARGIN = { l: 44, r: 12, t: ABOVE_AXIS, b: 40 };

/** Bars of how many items lie in each step; those that a filter leaves out are pale. */
export function surprisalHistogramFigure({ step, all, shown }: SurprisalHistogram, width: number, theme: Theme): Figure {
  const bars = (counts: readonly number[], colour: string): Trace => ({
    type: 'bar',
    x: counts.map((_, place) => (place + 0.5) * step),
    y: counts,
    width: 0.88 * step,
    customdata: counts.map((_, place) => place),
    hoverinfo: 'none',
    marker: { color: colour, line: { width: 0 } },
  });
  const most = Math.max(1, ...all);
  const small = { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) };
  return {
    width,
    height: HEIGHT,
    data: [bars(all, css(mix(theme.background, theme.accent, 0.3))), bars(shown, css(theme.accent))],
    layout: {
      ...baseLayout(theme, width, HEIGHT, MARGIN),
      hovermode: 'x',
      barmode: 'overlay',
      xaxis: { ...titledAxis(baseAxis(theme), t('Surprisal, bits')), tickfont: small, range: [0, all.length * step] },
      yaxis: {
        ...baseAxis(theme),
        tickfont: small,
        range: [0, 1.04 * most],
        showgrid: true,
        gridcolor: css(theme.grid),
        nticks: 4,
        tickformat: ',d',
      },
      annotations: [aboveAxis(theme, t('rows'), MARGIN)],
    },
  };
}
