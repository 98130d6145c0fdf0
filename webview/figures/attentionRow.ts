import type { AttentionRow } from '../../src/core/trace.ts';
import { at } from '../../src/core/tensor.ts';
import { css, type Rgb } from '../colour.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { shortened } from '../../src/core/visibleText.ts';
import { plotlyText, textWidth } from './plotlyText.ts';
import { sinkColumn } from './attentionMap.ts';
import { firstKey } from './mapWindow.ts';
import { MAP_MARGINS } from './squareMap.ts';
import { ABOVE_AXIS, aboveAxis, baseAxis, baseLayout, type Figure } from './figure.ts';

/** How the bars of one query are drawn. `width` in pixels. */
export interface AttentionRowView {
  readonly labels: readonly string[];
  /** Key whose bar is emphasised, or null. */
  readonly key: number | null;
  readonly hideFirst: boolean;
  readonly width: number;
  /** Keys that share a bar, which shows the largest of their weights; 1 unless given. */
  readonly block?: number;
  /** The bars are numbers of this unit, NaN where there is none; absent: shares. */
  readonly measured?: { readonly isSigned: boolean; readonly unit: string };
}

const HEIGHT = 132;

/** Attention of one query, or what is measured of it: a bar per key, the sink's before them, on the same columns as the heatmap above. */
export function attentionRowFigure(
  { query, weights, sink }: Pick<AttentionRow, 'query' | 'weights' | 'sink'>,
  view: AttentionRowView,
  theme: Theme,
): Figure {
  const tokens = view.labels.length;
  const first = firstKey(tokens, view.hideFirst);
  const aside = sink === undefined ? [] : [sinkColumn(tokens, view.hideFirst)];
  const { block = 1, measured } = view;
  const keys = barKeys({ query, weights }, first, block);
  const barOf = (key: number): number => (block === 1 ? key : first + Math.floor((key - first) / block) * block + (block - 1) / 2);
  const chosen = view.key === null ? null : barOf(view.key);
  /** Signed bars have the colours of the signs, and the chosen one a frame. */
  const colourOf = (key: number): Rgb =>
    measured?.isSigned === true ? (at(weights, key) < 0 ? theme.warm : theme.accent) : barOf(key) === chosen ? theme.warm : theme.accent;
  const shares = [...aside.map(() => sink ?? 0), ...keys.map((key) => at(weights, key))];
  const margin = { ...MAP_MARGINS, t: measured === undefined ? 8 : ABOVE_AXIS, b: 20 };
  const height = HEIGHT + margin.t - 8;
  const shown = (key: number): string => shortened(view.labels[key] ?? '', 10);
  const left = (aside[0] ?? first) - 0.5;
  const pixels = (view.width - margin.l - margin.r) / (tokens - 0.5 - left);
  const ticks = namedBars(
    [...keys].sort((a, b) => Number(b === view.key) - Number(a === view.key) || sizeAt(weights, b) - sizeAt(weights, a)),
    (key) => ({
      middle: (key - left) * pixels,
      half: (textWidth(shown(key)) * (theme.fontSize - 2)) / 2 + 4,
    }),
    aside.length === 0 ? [] : [{ middle: pixels / 2, half: 24 }],
  );
  return {
    width: view.width,
    height,
    data: [
      {
        type: 'bar',
        x: [...aside, ...keys.map(barOf)],
        y: shares,
        hoverinfo: 'none',
        width: tokens > 120 ? block : 0.8,
        marker: {
          color: [...aside.map(() => css(theme.muted)), ...keys.map((key) => css(colourOf(key)))],
          line: {
            width: measured?.isSigned === true ? keys.map((key) => (barOf(key) === chosen ? 2 : 0)) : 0,
            color: css(theme.foreground),
          },
        },
      },
    ],
    layout: {
      ...baseLayout(theme, view.width, height, margin),
      ...(measured === undefined ? {} : { annotations: [aboveAxis(theme, measured.unit, margin)] }),
      xaxis: {
        ...baseAxis(theme),
        range: [left, tokens - 0.5],
        tickvals: [...aside, ...ticks],
        ticktext: [...aside.map(() => t('sink')), ...ticks.map((key) => plotlyText(shown(key)))],
        tickangle: 0,
      },
      yaxis: {
        ...baseAxis(theme),
        tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
        rangemode: 'tozero',
        ...(measured === undefined ? { tickformat: '.0%' } : { zeroline: true, zerolinecolor: css(theme.muted) }),
        nticks: 4,
        showgrid: true,
        gridcolor: css(theme.grid),
        gridwidth: 1,
      },
    },
  };
}

/** The size of a number; of none less than any. */
function sizeAt(weights: Float32Array, key: number): number {
  const size = Math.abs(at(weights, key));
  return Number.isNaN(size) ? -1 : size;
}

/** The key with the largest weight of each `block` keys, from `first` on. */
function barKeys({ query, weights }: Pick<AttentionRow, 'query' | 'weights'>, first: number, block: number): readonly number[] {
  return Array.from({ length: Math.max(0, Math.ceil((query + 1 - first) / block)) }, (_, bar) =>
    strongestOf({ query, weights }, first + bar * block + (block - 1) / 2, block),
  );
}

/** Key with the largest weight of those that share the bar around a place. */
export function strongestOf({ query, weights }: Pick<AttentionRow, 'query' | 'weights'>, middle: number, block: number): number {
  const from = Math.round(middle - (block - 1) / 2);
  let best = from;
  for (let key = from + 1; key < Math.min(query + 1, from + block); key++) if (sizeAt(weights, key) > sizeAt(weights, best)) best = key;
  return best;
}

/** Horizontal extent of a name in pixels: its middle and half its width. */
interface NameBox {
  readonly middle: number;
  readonly half: number;
}

/** Bars that get their names below them: from `order`, most important first, as many as do not touch each other or `taken`. */
export function namedBars(order: readonly number[], boxOf: (bar: number) => NameBox, taken: readonly NameBox[]): readonly number[] {
  const boxes = [...taken];
  return order.filter((bar) => {
    const box = boxOf(bar);
    if (boxes.some(({ middle, half }) => Math.abs(middle - box.middle) < half + box.half)) return false;
    boxes.push(box);
    return true;
  });
}
