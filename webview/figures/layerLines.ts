import { css, type Rgb } from '../colour.ts';
import { t } from '../strings.ts';
import type { Theme } from '../theme.ts';
import { ABOVE_AXIS, aboveAxis, baseAxis, baseLayout, labelled, labelStep, titledAxis, type Figure, type Margins } from './figure.ts';

const MARGINS: Margins = { l: 48, r: 16, t: ABOVE_AXIS, b: 44 };
const HEIGHT = 260;
/** Places before the first block. */
const NAMED = 2;
/** Pixels that the name of a place takes, and the number of a block. */
const NAME = 36;
const NUMBER = 24;

/**
 * Line with one value per place of the residual stream: index 0 the static embedding, 1 the input of the first block, i + 1 after the first
 * i blocks.
 */
export interface LayerLine {
  readonly name: string;
  readonly values: ArrayLike<number>;
  /** `main`: the line in question; `reference`: one to compare it with. */
  readonly kind: 'main' | 'reference';
}

/** Chart of cosines over the layers: the main line solid with points, references dashed. */
export function layerLinesFigure(lines: readonly LayerLine[], width: number, theme: Theme): Figure {
  const places = lines[0]?.values.length ?? 0;
  const values = lines.flatMap((line) => Array.from(line.values)).filter(Number.isFinite);
  const low = Math.min(0, ...values);
  const ticks = placeTicks(places, width - MARGINS.l - MARGINS.r);
  const colour = (line: LayerLine): Rgb => (line.kind === 'main' ? theme.accent : theme.muted);
  return {
    width,
    height: HEIGHT,
    data: lines.map((line) => ({
      type: 'scatter',
      mode: line.kind === 'main' ? 'lines+markers' : 'lines',
      x: Array.from({ length: places }, (_, index) => index),
      y: Array.from(line.values),
      name: line.name,
      hoverinfo: 'none',
      cliponaxis: false,
      line: { color: css(colour(line)), width: 2, dash: line.kind === 'main' ? 'solid' : 'dash' },
      marker: { size: 7, color: css(colour(line)) },
    })),
    layout: {
      ...baseLayout(theme, width, HEIGHT, MARGINS),
      xaxis: {
        ...titledAxis(baseAxis(theme), t('Layer')),
        tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
        range: [-0.4, places - 0.6],
        tickvals: ticks,
        ticktext: ticks.map(placeLabel),
        tickangle: 0,
      },
      yaxis: {
        ...baseAxis(theme),
        tickfont: { family: theme.fontFamily, size: theme.fontSize - 2, color: css(theme.muted) },
        range: [low - 0.04 * (1 - low), 1.04],
        nticks: 6,
        showgrid: true,
        gridcolor: css(theme.grid),
        zeroline: true,
        zerolinecolor: css(theme.muted),
        zerolinewidth: 1,
      },
      annotations: [aboveAxis(theme, t('Cosine'), MARGINS)],
      hovermode: 'x',
    },
  };
}

/** Places that are labelled on an axis of `width` pixels: the two with names where there is room, and blocks at even distances. */
function placeTicks(places: number, width: number): readonly number[] {
  const blocks = Math.max(0, places - NAMED);
  const named = width / Math.max(1, places) >= NAME ? [0, 1] : [0];
  const numbered = labelled(blocks, labelStep(blocks, (width * blocks) / Math.max(1, places), NUMBER), [blocks - 1]);
  return [...named.slice(0, places), ...numbered.map((block) => block + NAMED)];
}

/** Axis label of a place in the residual stream, as short as possible: a block is given by its index, from 0. */
export function placeLabel(index: number): string {
  return index === 0 ? t('static') : index === 1 ? t('input') : String(index - 2);
}
