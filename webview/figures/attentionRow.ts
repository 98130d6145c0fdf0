import type { AttentionRow } from '../../src/core/trace.ts';
import { at } from '../../src/core/tensor.ts';
import { css } from '../colour.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { shortened } from '../../src/core/visibleText.ts';
import { plotlyText } from './plotlyText.ts';
import { MAP_MARGINS, firstKey, sinkColumn } from './attentionMap.ts';
import { baseAxis, baseLayout, labelled, labelStep, type Figure } from './figure.ts';

export interface AttentionRowView {
  readonly labels: readonly string[];
  /** Key whose bar is drawn strong, or null. */
  readonly key: number | null;
  readonly hideFirst: boolean;
  readonly width: number;
}

const HEIGHT = 132;

/** Where one query attends to: a bar per key, and the sink's before them, on the same columns as the heatmap above it. */
export function attentionRowFigure({ query, weights, sink }: Pick<AttentionRow, 'query' | 'weights' | 'sink'>, view: AttentionRowView, theme: Theme): Figure {
  const tokens = view.labels.length;
  const first = firstKey(tokens, view.hideFirst);
  const aside = sink === undefined ? [] : [sinkColumn(tokens, view.hideFirst)];
  const keys = Array.from({ length: Math.max(0, query + 1 - first) }, (_, index) => index + first);
  const shares = [...aside.map(() => sink ?? 0), ...keys.map((key) => at(weights, key))];
  const margin = { ...MAP_MARGINS, t: 8, b: 20 };
  const step = labelStep(tokens, view.width - margin.l - margin.r, 84);
  const ticks = labelled(tokens, step, view.key === null ? [] : [view.key]).filter((key) => key >= first && key <= query && (aside.length === 0 || step === 1 || key - first >= step * 0.75));
  return {
    width: view.width,
    height: HEIGHT,
    data: [{
      type: 'bar', x: [...aside, ...keys], y: shares, hoverinfo: 'none', width: tokens > 120 ? 1 : 0.8,
      marker: { color: [...aside.map(() => css(theme.muted)), ...keys.map((key) => css(key === view.key ? theme.warm : theme.accent))], line: { width: 0 } },
    }],
    layout: {
      ...baseLayout(theme, view.width, HEIGHT, margin),
      xaxis: { ...baseAxis(theme), range: [(aside[0] ?? first) - 0.5, tokens - 0.5], tickvals: [...aside, ...ticks], ticktext: [...aside.map(() => t('sink')), ...ticks.map((key) => plotlyText(shortened(view.labels[key] ?? '', 10)))], tickangle: 0 },
      yaxis: { ...baseAxis(theme), tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) }, rangemode: 'tozero', tickformat: '.0%', nticks: 4, showgrid: true, gridcolor: css(theme.grid), gridwidth: 1 },
    },
  };
}
