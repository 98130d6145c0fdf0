import type { LastTokenAttention } from '../../src/core/generation.ts';
import { at } from '../../src/core/tensor.ts';
import { shortened } from '../../src/core/visibleText.ts';
import { css } from '../colour.ts';
import { plotlyScale, type Theme } from '../theme.ts';
import { baseAxis, baseLayout, labelled, labelStep, type Figure } from './figure.ts';
import { plotlyText, textWidth } from './plotlyText.ts';

/** How the figure is drawn. `width` in pixels. */
export interface StepAttentionView {
  readonly layers: number;
  readonly heads: number;
  /** One label per token read. */
  readonly labels: readonly string[];
  readonly width: number;
  /** "Layer {0}", in the display language. */
  readonly layerName: (layer: number) => string;
}

const ROW = 5;
const GAP = 0.6;
const LABEL = 8;
/** The last label displaces those that are closer to it than this fraction of a step. */
const NEAREST = 0.75;
const MARGINS = { l: 56, r: 8, t: 4, b: 28 };

/**
 * Heatmap of what the last token read attended to: one row per head, grouped by layer. Colours are the fourth root of the weight, so that
 * small weights still differ.
 */
export function stepAttentionFigure(
  { weights }: LastTokenAttention,
  { layers, heads, labels, width, layerName }: StepAttentionView,
  theme: Theme,
): Figure {
  const tokens = labels.length;
  const rows = layers * heads;
  const height = Math.min(560, Math.max(80, rows * ROW)) + MARGINS.t + MARGINS.b;
  const z = Array.from({ length: rows }, (_, row) => Array.from({ length: tokens }, (_, key) => at(weights, row * tokens + key) ** 0.25));
  const named = labels.map((label) => shortened(label, LABEL));
  const widest = Math.max(...named.map(textWidth)) * (theme.fontSize - 2);
  // The last token's label is centred under its column, and needs room beyond it.
  const margin = { ...MARGINS, r: Math.max(MARGINS.r, Math.ceil((textWidth(named.at(-1) ?? '') * (theme.fontSize - 2)) / 2)) };
  const ticks = labelled(tokens, labelStep(tokens, width - margin.l - margin.r, (widest + 8) / NEAREST), [tokens - 1]);
  const every = labelStep(layers, height - MARGINS.t - MARGINS.b, 14);
  const layersNamed = Array.from({ length: Math.ceil(layers / every) }, (_, place) => place * every);
  return {
    width,
    height,
    data: [
      {
        type: 'heatmap',
        z,
        zmin: 0,
        zmax: 1,
        colorscale: plotlyScale(theme.sequential),
        showscale: false,
        hoverinfo: 'none',
        ygap: rows * ROW < 560 ? GAP : 0,
      },
    ],
    layout: {
      ...baseLayout(theme, width, height, margin),
      xaxis: {
        ...baseAxis(theme),
        range: [-0.5, tokens - 0.5],
        tickvals: [...ticks],
        ticktext: ticks.map((key) => plotlyText(named[key] ?? '')),
        tickangle: 0,
      },
      yaxis: {
        ...baseAxis(theme),
        range: [rows - 0.5, -0.5],
        tickvals: layersNamed.map((layer) => layer * heads + (heads - 1) / 2),
        ticktext: layersNamed.map(layerName),
        tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
      },
      shapes: Array.from({ length: Math.max(0, layers - 1) }, (_, layer) => ({
        type: 'line',
        xref: 'paper',
        x0: 0,
        x1: 1,
        y0: (layer + 1) * heads - 0.5,
        y1: (layer + 1) * heads - 0.5,
        line: { color: css(theme.muted), width: 1 },
      })),
    },
  };
}
