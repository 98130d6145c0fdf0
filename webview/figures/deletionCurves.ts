import type { AttributionMethod } from '../../src/core/attribution.ts';
import { meanLogprob, mostImportantFirst, RANDOM_ORDERS, randomOrder, type DeletionCurve } from '../../src/core/deletion.ts';
import { at } from '../../src/core/tensor.ts';
import type { TokenRun } from '../../src/core/textUnits.ts';
import { css, mix, type Rgb } from '../colour.ts';
import { integer, signedDecimal } from '../parts/format.ts';
import type { Theme } from '../theme.ts';
import { ABOVE_AXIS, aboveAxis, baseAxis, baseLayout, labelled, labelStep, titledAxis, type Figure, type Trace } from './figure.ts';

/** Curves of one prediction, all with the same words hidden in different orders. */
export interface DeletionCurves {
  /** By the method that decides the order, those with the lowest mean first. */
  readonly methods: readonly { readonly method: AttributionMethod; readonly curve: DeletionCurve; readonly mean: number }[];
  /** By random orders; empty: not measured (yet). */
  readonly random: readonly DeletionCurve[];
}

/** What the words that are hidden together are made of: their tokens' positions, all before the prediction's last token. */
export type HiddenWord = readonly number[];

/**
 * The words of some units of a text that can be hidden from a prediction after `position`: its own token always sees itself. `unit`: its
 * index.
 */
export function hiddenWords(units: readonly TokenRun[], position: number): readonly { readonly unit: number; readonly word: HiddenWord }[] {
  return units.flatMap(({ first, end }, unit) => {
    const word = Array.from({ length: Math.max(0, Math.min(end, position) - first) }, (_, offset) => first + offset);
    return word.length === 0 ? [] : [{ unit, word }];
  });
}

/** The words in the order of the units' numbers, the largest first. */
export function orderedWords(units: readonly TokenRun[], position: number, values: ArrayLike<number>): readonly HiddenWord[] {
  const words = hiddenWords(units, position);
  return inOrder(words, mostImportantFirst(Float64Array.from(words, ({ unit }) => at(values, unit))));
}

/** The words in random orders, the same every time. */
export function randomWords(units: readonly TokenRun[], position: number): readonly (readonly HiddenWord[])[] {
  const words = hiddenWords(units, position);
  return Array.from({ length: RANDOM_ORDERS }, (_, seed) => inOrder(words, randomOrder(words.length, seed)));
}

function inOrder(words: readonly { readonly word: HiddenWord }[], order: readonly number[]): readonly HiddenWord[] {
  return order.flatMap((index) => {
    const found = words[index];
    return found === undefined ? [] : [found.word];
  });
}

/** Curves by method, those with the lowest mean first. */
export function byMean(curves: ReadonlyMap<AttributionMethod, DeletionCurve>): DeletionCurves['methods'] {
  return [...curves].map(([method, curve]) => ({ method, curve, mean: meanLogprob(curve) })).toSorted((a, b) => a.mean - b.mean);
}

/** The mean of several curves with the same counts at point `index`, and its least and largest. */
export function spreadAt(
  curves: readonly DeletionCurve[],
  index: number,
): { readonly mean: number; readonly low: number; readonly high: number } {
  const values = curves.map(({ logprob }) => at(logprob, index));
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    low: Math.min(...values),
    high: Math.max(...values),
  };
}

/** How the curve of a method is told from others: by its points, the same ones in Plotly's terms and as a character, and its dashes. */
export const CURVE_LOOKS = {
  'gradient-x-input': { symbol: 'circle', character: '●', dash: 'solid', warm: false },
  'integrated-gradients': { symbol: 'square', character: '■', dash: 'dash', warm: false },
  'alti-logit': { symbol: 'diamond', character: '◆', dash: 'dashdot', warm: false },
  'value-weighted': { symbol: 'triangle-up', character: '▲', dash: 'dot', warm: true },
  rollout: { symbol: 'triangle-down', character: '▼', dash: 'dash', warm: true },
  hidden: { symbol: 'circle-open', character: '○', dash: 'solid', warm: false },
  replaced: { symbol: 'square-open', character: '□', dash: 'dash', warm: false },
  removed: { symbol: 'diamond-open', character: '◇', dash: 'dashdot', warm: false },
} as const satisfies Readonly<Record<AttributionMethod, { symbol: string; character: string; dash: string; warm: boolean }>>;

const HEIGHT = 260;
const MARGIN = { l: 56, r: 12, t: ABOVE_AXIS, b: 40 };

/** What of the curves is drawn, and how. */
export interface DrawnCurves {
  /** The method in question, whose curve stands out. */
  readonly method: AttributionMethod;
  /** The point of the curves that is marked. */
  readonly point: number;
  /** Titles of the axes. */
  readonly across: string;
  readonly up: string;
  readonly width: number;
}

/** Chart of a log-probability by the number of words hidden: a line a method, the mean of random orders dashed and their spread shaded. */
export function deletionFigure({ methods, random }: DeletionCurves, drawn: DrawnCurves, theme: Theme): Figure {
  const { width } = drawn;
  const counts = [...((methods[0]?.curve ?? random[0])?.counts ?? [])];
  const words = counts.at(-1) ?? 0;
  const all = [...methods.map(({ curve }) => curve), ...random].flatMap(({ logprob }) => [...logprob]);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = Math.max(1e-3, (high - low) * 0.06);
  const small = { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) };
  const step = labelStep(words + 1, width - MARGIN.l - MARGIN.r, 44);
  const ticks = labelled(words + 1, step, [0, words]);
  const chosen = counts[drawn.point];
  return {
    width,
    height: HEIGHT,
    data: [
      ...(random.length === 0 ? [] : randomTraces(counts, random, theme)),
      // The one in question lies on top.
      ...methods
        .toSorted((a, b) => Number(a.method === drawn.method) - Number(b.method === drawn.method))
        .map(({ method, curve }) => methodTrace(counts, method, curve, method === drawn.method, theme)),
    ],
    layout: {
      ...baseLayout(theme, width, HEIGHT, MARGIN),
      hovermode: 'x',
      xaxis: {
        ...titledAxis({ ...baseAxis(theme), tickfont: small }, drawn.across),
        range: [-0.02 * Math.max(1, words), 1.02 * Math.max(1, words)],
        tickvals: ticks,
        ticktext: ticks.map(integer),
        tickangle: 0,
      },
      yaxis: {
        ...baseAxis(theme),
        tickfont: small,
        range: [low - room, high + room],
        ...logprobTicks(low, high),
        showgrid: true,
        gridcolor: css(theme.grid),
      },
      shapes:
        chosen === undefined
          ? []
          : [
              {
                type: 'line',
                xref: 'x',
                yref: 'paper',
                x0: chosen,
                x1: chosen,
                y0: 0,
                y1: 1,
                layer: 'below',
                line: { color: css(theme.muted), width: 1 },
              },
            ],
      annotations: [aboveAxis(theme, drawn.up, MARGIN)],
    },
  };
}

function methodTrace(
  counts: readonly number[],
  method: AttributionMethod,
  { logprob }: DeletionCurve,
  stands: boolean,
  theme: Theme,
): Trace {
  const { symbol, dash, warm } = CURVE_LOOKS[method];
  const colour: Rgb = stands ? theme.accent : warm ? theme.warm : theme.foreground;
  return {
    type: 'scatter',
    mode: 'lines+markers',
    x: counts,
    y: [...logprob],
    customdata: counts.map((_, point) => point),
    hoverinfo: 'none',
    cliponaxis: false,
    line: { color: css(colour), width: stands ? 3 : 1.5, dash },
    marker: { symbol, size: stands ? 9 : 7, color: css(colour), line: { color: css(colour), width: 1.5 } },
  };
}

function randomTraces(counts: readonly number[], random: readonly DeletionCurve[], theme: Theme): readonly Trace[] {
  const spread = counts.map((_, point) => spreadAt(random, point));
  const line = { type: 'scatter', mode: 'lines', x: counts, customdata: counts.map((_, point) => point), hoverinfo: 'none' };
  const edge = { ...line, line: { width: 0, color: css(theme.muted) } };
  return [
    { ...edge, y: spread.map(({ low }) => low) },
    { ...edge, y: spread.map(({ high }) => high), fill: 'tonexty', fillcolor: css(mix(theme.background, theme.muted, 0.25)) },
    { ...line, y: spread.map(({ mean }) => mean), line: { color: css(theme.muted), width: 2, dash: 'dash' } },
  ];
}

/** About five round numbers between two. */
function logprobTicks(low: number, high: number): { readonly tickvals: readonly number[]; readonly ticktext: readonly string[] } {
  const least = Math.max(1e-3, (high - low) / 5);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= least) ?? 10 * power;
  const first = Math.ceil(low / step);
  const tickvals = Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, index) => (first + index) * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return { tickvals, ticktext: tickvals.map((value) => signedDecimal(value, digits)) };
}
