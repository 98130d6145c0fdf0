import { alignTokens, isPair } from '../../src/core/alignment.ts';
import { compareSpans, type ComparedSpan } from '../../src/core/comparison.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation, Token } from '../../src/core/trace.ts';
import { shortened, visibleToken } from '../../src/core/visibleText.ts';
import type { ShownComparison } from '../../src/protocol/messages.ts';
import { css } from '../colour.ts';
import { divergingColours, plotlyScale, type Theme } from '../theme.ts';
import { baseAxis, baseLayout, labelled, labelStep, type Figure, type Margins } from './figure.ts';
import { plotlyText } from './plotlyText.ts';

/** One aligned row with everything that is shown of it. */
export interface ComparisonRow extends ComparedSpan {
  readonly a: readonly Token[];
  readonly b: readonly Token[];
  /** Bits; NaN where it is not defined. */
  readonly kl: number;
}

/** The rows of a comparison, in the order of both texts. */
export function comparisonRows(first: Explanation, { explanation: second, sameVocabulary, divergence }: ShownComparison): readonly ComparisonRow[] {
  const spans = alignTokens(first.tokens, second.tokens, sameVocabulary);
  return compareSpans(spans, first, second).map((span, index) => ({
    ...span, a: first.tokens.slice(span.aStart, span.aEnd), b: second.tokens.slice(span.bStart, span.bEnd), kl: divergence === null ? Number.NaN : at(divergence.spans, index),
  }));
}

/** What a row's tokens read as. */
export function rowText(row: ComparisonRow): string {
  return (row.a.length > 0 ? row.a : row.b).map(visibleToken).join('');
}

/** The row that holds a token of the first text; -1: none. */
export function rowOfToken(rows: readonly ComparisonRow[], token: number): number {
  return rows.findIndex(({ aStart, aEnd }) => aStart <= token && token < aEnd);
}

/** Tokens that both sides have, one for one: index in each text. */
export function pairedTokens(rows: readonly ComparisonRow[]): readonly (readonly [number, number])[] {
  return rows.filter(isPair).map(({ aStart, bStart }) => [aStart, bStart] as const);
}

export interface ComparisonSummary {
  /** Rows of the text (no added tokens) that both sides have. */
  readonly shared: number;
  /** Rows of the text. */
  readonly rows: number;
  /** All rows are shared and no number differs. */
  readonly identical: boolean;
  /** NaN where there is no divergence. */
  readonly meanKl: number;
  readonly largest: ComparisonRow | undefined;
}

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

const BAR_MARGINS: Margins = { l: 40, r: 8, t: 8, b: 76 };
const BAR_HEIGHT = 240;

/** Surprisal of both sides beside each other, a pair of bars for each row. */
export function surprisalFigure(rows: readonly ComparisonRow[], selected: number, width: number, theme: Theme): Figure {
  const step = labelStep(rows.length, width - BAR_MARGINS.l - BAR_MARGINS.r, 15);
  const ticks = labelled(rows.length, step, selected < 0 ? [] : [selected]);
  const bars = (values: readonly number[], colour: string): Readonly<Record<string, unknown>> => ({ type: 'bar', x: [...values.keys()], y: values.map((bits) => (Number.isFinite(bits) ? bits : null)), hoverinfo: 'none', marker: { color: colour, line: { width: 0 } } });
  return {
    width,
    height: BAR_HEIGHT,
    data: [bars(rows.map(({ aBits }) => aBits), css(theme.accent)), bars(rows.map(({ bBits }) => bBits), css(theme.warm))],
    layout: {
      ...baseLayout(theme, width, BAR_HEIGHT, BAR_MARGINS),
      barmode: 'group', bargap: rows.length > 120 ? 0 : 0.25, bargroupgap: 0,
      xaxis: { ...baseAxis(theme), range: [-0.5, rows.length - 0.5], tickvals: ticks, ticktext: ticks.map((index) => { const row = rows[index]; return row === undefined ? '' : plotlyText(shortened(rowText(row), 9)); }), tickangle: -90 },
      yaxis: { ...baseAxis(theme), tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) }, rangemode: 'tozero', nticks: 5, showgrid: true, gridcolor: css(theme.grid), gridwidth: 1 },
      shapes: selected < 0 ? [] : [{ type: 'rect', x0: selected - 0.5, x1: selected + 0.5, yref: 'paper', y0: 0, y1: 1, line: { color: css(theme.muted), width: 1 }, layer: 'above' }],
    },
  };
}

/** Second less first weight of each pair of tokens that both sides have; the future null. */
export function attentionDifference(first: Float32Array, firstTokens: number, second: Float32Array, secondTokens: number, pairs: readonly (readonly [number, number])[]): readonly (readonly (number | null)[])[] {
  return pairs.map(([aQuery, bQuery], row) => pairs.map(([aKey, bKey], column) => (column > row ? null : at(second, bQuery * secondTokens + bKey) - at(first, aQuery * firstTokens + aKey))));
}

/** The largest difference either way, where the colours are strongest. */
export function largestDifference(z: readonly (readonly (number | null)[])[]): number {
  return z.reduce((max, line) => line.reduce<number>((most, value) => Math.max(most, Math.abs(value ?? 0)), max), 0);
}

const MAP_MARGINS: Margins = { l: 92, r: 8, t: 8, b: 84 };

/** Heatmap of a difference: the colour of the side that has more. */
export function differenceFigure(z: readonly (readonly (number | null)[])[], labels: readonly string[], selected: number, width: number, theme: Theme): Figure {
  const count = z.length;
  const side = width - MAP_MARGINS.l - MAP_MARGINS.r;
  const height = side + MAP_MARGINS.t + MAP_MARGINS.b;
  const most = largestDifference(z) || 1;
  const ticks = labelled(count, labelStep(count, side, 14), selected < 0 ? [] : [selected]);
  const text = ticks.map((index) => plotlyText(shortened(labels[index] ?? '', 10)));
  const gap = side / count >= 7 ? 1 : 0;
  return {
    width,
    height,
    data: [{ type: 'heatmap', z, x0: 0, dx: 1, y0: 0, dy: 1, zmin: -most, zmax: most, colorscale: plotlyScale(divergingColours(theme)), showscale: false, hoverinfo: 'none', xgap: gap, ygap: gap }],
    layout: {
      ...baseLayout(theme, width, height, MAP_MARGINS),
      xaxis: { ...baseAxis(theme), range: [-0.5, count - 0.5], tickvals: ticks, ticktext: text, tickangle: -90 },
      yaxis: { ...baseAxis(theme), range: [count - 0.5, -0.5], tickvals: ticks, ticktext: text },
      shapes: selected < 0 ? [] : [{ type: 'rect', x0: -0.5, x1: selected + 0.5, y0: selected - 0.5, y1: selected + 0.5, line: { color: css(theme.foreground), width: 1 }, layer: 'above' }],
    },
  };
}
