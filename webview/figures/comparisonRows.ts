import { alignTokens, isPair } from '../../src/core/alignment.ts';
import { compareSpans, type ComparedSpan } from '../../src/core/comparison.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation, Token } from '../../src/core/trace.ts';
import { visibleToken } from '../../src/core/visibleText.ts';
import type { ShownComparison } from '../../src/protocol/messages.ts';
import { css } from '../colour.ts';
import { t } from '../strings.ts';
import { divergingColours, type Theme } from '../theme.ts';
import { columnAxes } from './columnLabels.ts';
import { ABOVE_AXIS, aboveAxis, baseAxis, baseLayout, labelled, labelStep, type Figure, type Margins } from './figure.ts';
import { farthestReach, pairMapFigure, type PairMap, type PairNumbers } from './squareMap.ts';

/** One aligned row of a comparison, with its tokens and numbers. */
export interface ComparisonRow extends ComparedSpan {
  readonly a: readonly Token[];
  readonly b: readonly Token[];
  /** KL divergence in bits; NaN where it is not defined. */
  readonly kl: number;
}

/** The rows of a comparison, in the order of both texts. */
export function comparisonRows(
  first: Explanation,
  { explanation: second, sameVocabulary, divergence }: ShownComparison,
): readonly ComparisonRow[] {
  const spans = alignTokens(first.tokens, second.tokens, sameVocabulary);
  return compareSpans(spans, first, second).map((span, index) => ({
    ...span,
    a: first.tokens.slice(span.aStart, span.aEnd),
    b: second.tokens.slice(span.bStart, span.bEnd),
    kl: divergence === null ? Number.NaN : at(divergence.spans, index),
  }));
}

/** Text of a row's tokens. */
export function rowText(row: ComparisonRow): string {
  return (row.a.length > 0 ? row.a : row.b).map(visibleToken).join('');
}

/** Index of the row that contains a token of the first text; -1: none. */
export function rowOfToken(rows: readonly ComparisonRow[], token: number): number {
  return rows.findIndex(({ aStart, aEnd }) => aStart <= token && token < aEnd);
}

/** Tokens that both sides have, one for one: the index in the first text and that in the second. */
export function pairedTokens(rows: readonly ComparisonRow[]): readonly (readonly [number, number])[] {
  return rows.filter(isPair).map(({ aStart, bStart }) => [aStart, bStart] as const);
}

/** A comparison in numbers. */
export interface ComparisonSummary {
  /** Rows of the text (without added tokens) that both sides have. */
  readonly shared: number;
  /** Rows of the text. */
  readonly rows: number;
  /** Whether all rows are shared and no number differs. */
  readonly identical: boolean;
  /** Bits; NaN if no row has a divergence. */
  readonly meanKl: number;
  /** Row with the largest divergence, if any has one. */
  readonly largest: ComparisonRow | undefined;
}

/** The numbers of a comparison. */
export function summariseComparison(rows: readonly ComparisonRow[]): ComparisonSummary {
  const own = rows.filter(({ a, b }) => [...a, ...b].some(({ special }) => !special));
  const kls = rows.map(({ kl }) => kl).filter(Number.isFinite);
  return {
    shared: own.filter(({ same }) => same).length,
    rows: own.length,
    identical: rows.every(({ same, difference }) => same && (Number.isNaN(difference) || difference === 0)),
    meanKl: kls.length === 0 ? Number.NaN : kls.reduce((sum, kl) => sum + kl, 0) / kls.length,
    largest: rows.filter(({ kl }) => Number.isFinite(kl)).toSorted((x, y) => y.kl - x.kl)[0],
  };
}

const BAR_MARGINS: Margins = { l: 40, r: 8, t: ABOVE_AXIS, b: 76 };
const BAR_HEIGHT = 240;

/** Narrowest pair of bars, in pixels. */
const LEAST_PAIR = 2;

/** Number of rows that share a pair of bars, so that none is too narrow to be seen. */
export function barsShared(rows: number, width: number): number {
  return Math.max(1, Math.ceil((rows * LEAST_PAIR) / Math.max(1, width - BAR_MARGINS.l - BAR_MARGINS.r)));
}

/** The row with the highest bar of those that share the place `x` of the figure. */
export function highestRow(rows: readonly ComparisonRow[], x: number, shared: number): number {
  const from = Math.floor(x / shared) * shared;
  const heights = rows.slice(from, from + shared).map(({ aBits, bBits }) => highest([aBits, bBits]) ?? -1);
  return from + Math.max(0, heights.indexOf(Math.max(...heights)));
}

function highest(bits: readonly number[]): number | null {
  const known = bits.filter(Number.isFinite);
  return known.length === 0 ? null : Math.max(...known);
}

/** Bar chart of the surprisal of both sides, a pair of bars for each row, or the highest of each `shared` rows. */
export function surprisalFigure(rows: readonly ComparisonRow[], selected: number, width: number, theme: Theme, shared = 1): Figure {
  const step = labelStep(rows.length, width - BAR_MARGINS.l - BAR_MARGINS.r, 15);
  const ticks = labelled(rows.length, step, selected < 0 ? [] : [selected]);
  const axes = columnAxes(
    {
      range: [-0.5, rows.length - 0.5],
      places: ticks,
      text: (index) => {
        const row = rows[index];
        return row === undefined ? '' : rowText(row);
      },
    },
    theme,
  );
  const bars = (values: readonly number[], colour: string): Readonly<Record<string, unknown>> => ({
    type: 'bar',
    x: Array.from({ length: Math.ceil(values.length / shared) }, (_, bar) => bar * shared + (shared - 1) / 2),
    y: Array.from({ length: Math.ceil(values.length / shared) }, (_, bar) => highest(values.slice(bar * shared, (bar + 1) * shared))),
    hoverinfo: 'none',
    marker: { color: colour, line: { width: 0 } },
  });
  return {
    width,
    height: BAR_HEIGHT,
    data: [
      bars(
        rows.map(({ aBits }) => aBits),
        css(theme.accent),
      ),
      bars(
        rows.map(({ bBits }) => bBits),
        css(theme.warm),
      ),
      ...axes.data,
    ],
    layout: {
      ...baseLayout(theme, width, BAR_HEIGHT, BAR_MARGINS),
      barmode: 'group',
      bargap: rows.length > 120 ? 0 : 0.25,
      bargroupgap: 0,
      ...axes.layout,
      yaxis: {
        ...baseAxis(theme),
        tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
        rangemode: 'tozero',
        nticks: 5,
        showgrid: true,
        gridcolor: css(theme.grid),
        gridwidth: 1,
      },
      annotations: [aboveAxis(theme, t('bits'), BAR_MARGINS)],
      shapes:
        selected < 0
          ? []
          : [
              {
                type: 'rect',
                x0: selected - 0.5,
                x1: selected + 0.5,
                yref: 'paper',
                y0: 0,
                y1: 1,
                line: { color: css(theme.muted), width: 1 },
                layer: 'above',
              },
            ],
    },
  };
}

/**
 * Second weight minus first for each pair of tokens that both sides have. None for the future, and with `hideFirst` for the first key.
 */
export function attentionDifference(
  first: Float32Array,
  firstTokens: number,
  second: Float32Array,
  secondTokens: number,
  pairs: readonly (readonly [number, number])[],
  hideFirst = false,
): PairNumbers {
  const [ofFirst, ofSecond] = [Int32Array.from(pairs, ([a]) => a), Int32Array.from(pairs, ([, b]) => b)];
  return {
    count: pairs.length,
    centre: 0,
    at: (query, key) =>
      key > query || (hideFirst && at(ofFirst, key) === 0)
        ? Number.NaN
        : at(second, at(ofSecond, query) * secondTokens + at(ofSecond, key)) -
          at(first, at(ofFirst, query) * firstTokens + at(ofFirst, key)),
  };
}

/** Attention differences below this stay faint, however small the largest is: rounding is no finding. */
const LEAST_DIFFERENCE = 0.05;

/** Difference with the strongest colour: the largest, but at least `LEAST_DIFFERENCE`. */
export function differenceReach(difference: PairNumbers): number {
  return farthestReach(difference, LEAST_DIFFERENCE);
}

/** How a map of differences is drawn. `most`: the difference with the strongest colour. */
export interface DifferenceView extends Pick<PairMap, 'labels' | 'selected' | 'width' | 'block' | 'window'> {
  readonly most: number;
}

/** Heatmap of a difference, coloured by the side with more attention. `z`: rows of its squares (`pooledRows`). */
export function differenceFigure(z: PairMap['z'], { most, ...view }: DifferenceView, theme: Theme): Figure {
  return pairMapFigure({ ...view, z, frame: view.selected + 1, zmin: -most, zmax: most, colours: divergingColours(theme) }, theme);
}
