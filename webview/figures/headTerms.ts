import type { DirectParts } from '../../src/core/directParts.ts';
import { hasAttention } from '../../src/core/recurrence.ts';
import { at } from '../../src/core/tensor.ts';
import { t } from '../strings.ts';
import type { ModelInfo } from '../../src/core/trace.ts';
import { css } from '../colour.ts';
import type { Theme } from '../theme.ts';
import { largestSize } from './directWaterfall.ts';
import {
  ABOVE_AXIS,
  aboveAxis,
  baseAxis,
  baseLayout,
  cellFrame,
  labelled,
  labelStep,
  signedHeatmap,
  titledAxis,
  type Figure,
  type Margins,
} from './figure.ts';

const MARGINS: Margins = { l: 40, r: 8, t: ABOVE_AXIS, b: 40 };
/** Height of a layer's row in pixels: bounds, and the room of all rows together. */
const ROW = { least: 8, most: 28, room: 420 };

/** How the grid is drawn: the chosen head, and the width in pixels. */
export interface HeadTermsView {
  readonly layer: number;
  readonly head: number;
  readonly width: number;
}

/** The heads' parts, [layer][head]; null where the layer has no head with attention weights. */
export type HeadTermRows = readonly (readonly (number | null)[])[];

/** The heads' parts as rows. Plotly skips its work for the same array: keep it between redraws. */
export function headTermRows({ heads, mlp }: DirectParts, model: Pick<ModelInfo, 'traits'>): HeadTermRows {
  const perLayer = heads.length / mlp.length;
  return Array.from(mlp, (_, layer) =>
    Array.from({ length: perLayer }, (__, head) => (hasAttention(model, layer) ? at(heads, layer * perLayer + head) : null)),
  );
}

/** All parts there are. */
export function termsThere(z: HeadTermRows): readonly number[] {
  return z.flat().filter((value) => value !== null);
}

/** Heatmap of what each head adds to a logit: row = layer, column = head, colour = sign and size; a dash where a layer has none. */
export function headTermsFigure(z: HeadTermRows, { layer, head, width }: HeadTermsView, theme: Theme): Figure {
  const layers = z.length;
  const heads = z[0]?.length ?? 0;
  const rowHeight = Math.max(ROW.least, Math.min(ROW.most, Math.floor(ROW.room / layers)));
  const height = layers * rowHeight + MARGINS.t + MARGINS.b;
  const most = largestSize(termsThere(z));
  const rows = labelled(layers, labelStep(layers, layers * rowHeight, 14), [layer]);
  const columns = labelled(heads, labelStep(heads, width - MARGINS.l - MARGINS.r, 24), [head]);
  const gap = rowHeight >= 10 && width / heads >= 10 ? 1 : 0;
  const axis = baseAxis(theme);
  return {
    width,
    height,
    data: [signedHeatmap(z, most, gap, theme)],
    layout: {
      ...baseLayout(theme, width, height, MARGINS),
      annotations: [
        aboveAxis(theme, t('Layer'), MARGINS),
        ...z.flatMap((row, y) =>
          row.every((value) => value === null)
            ? [{ text: '–', x: 0, y, showarrow: false, font: { size: theme.fontSize - 2, color: css(theme.muted) } }]
            : [],
        ),
      ],
      xaxis: {
        ...titledAxis(axis, t('Head')),
        range: [-0.5, heads - 0.5],
        tickvals: columns,
        ticktext: columns.map(String),
        tickangle: 0,
      },
      yaxis: { ...axis, range: [layers - 0.5, -0.5], tickvals: rows, ticktext: rows.map(String) },
      shapes: [cellFrame(head, layer, theme)],
    },
  };
}
