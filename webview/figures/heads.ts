import { at } from '../../src/core/tensor.ts';
import { HEAD_METRICS, type AttentionRow, type Explanation, type HeadMetric } from '../../src/core/trace.ts';

/** One head and its number. */
export interface RankedHead {
  readonly layer: number;
  readonly head: number;
  readonly value: number;
}

/** A head's metric; NaN where the text does not define it. */
export function headMetric(explanation: Explanation, layer: number, head: number, metric: HeadMetric): number {
  return at(explanation.headMetrics, (layer * explanation.model.heads + head) * HEAD_METRICS.length + HEAD_METRICS.indexOf(metric));
}

/** The head with the largest value (for entropy the smallest: the sharpest), or undefined where none is defined. */
export function bestHead(explanation: Explanation, metric: HeadMetric): RankedHead | undefined {
  const sign = metric === 'entropy' ? -1 : 1;
  let best: RankedHead | undefined;
  for (let layer = 0; layer < explanation.model.layers; layer++) {
    for (let head = 0; head < explanation.model.heads; head++) {
      const value = headMetric(explanation, layer, head, metric);
      if (Number.isFinite(value) && (best === undefined || sign * value > sign * best.value)) best = { layer, head, value };
    }
  }
  return best;
}

/** Length 0..1 of a metric's bar: shares as they are, entropy against that of an even spread over T tokens. */
export function metricShare(value: number, metric: HeadMetric, tokens: number): number {
  if (!Number.isFinite(value)) return 0;
  return Math.min(1, metric === 'entropy' ? value / Math.max(1, Math.log2(tokens)) : value);
}

/** The key a query attends to most; with `hideFirst` the first token does not count, where there is another. */
export function strongestKey({ query, weights }: Pick<AttentionRow, 'query' | 'weights'>, hideFirst: boolean): number {
  let best = hideFirst && query > 0 ? 1 : 0;
  for (let key = best + 1; key <= query; key++) {
    if (at(weights, key) > at(weights, best)) best = key;
  }
  return best;
}

/** Pixel geometry of the overview: cells of one size in rows of layers and columns of heads. */
export interface OverviewGrid {
  readonly left: number;
  readonly top: number;
  readonly cell: number;
  readonly gap: number;
  /** Room under each cell for its number, 0 where cells are too small. */
  readonly caption: number;
  readonly width: number;
  readonly height: number;
}

const SMALLEST_CELL = 14;
const LARGEST_CELL = 80;

/** Cells as large as `available` pixels allow. */
export function overviewGrid(layers: number, heads: number, available: number): OverviewGrid {
  const left = 28;
  const top = 20;
  const gap = heads > 16 ? 2 : 4;
  const cell = Math.max(SMALLEST_CELL, Math.min(LARGEST_CELL, Math.floor((available - left - gap * (heads - 1)) / heads)));
  const caption = cell >= 34 ? 16 : 4;
  return { left, top, cell, gap, caption, width: left + heads * (cell + gap) - gap, height: top + layers * (cell + caption + gap) - gap };
}

/** The head at a point of the overview, or undefined beside the cells. */
export function headAt(grid: OverviewGrid, x: number, y: number, layers: number, heads: number): { readonly layer: number; readonly head: number } | undefined {
  const head = Math.floor((x - grid.left) / (grid.cell + grid.gap));
  const layer = Math.floor((y - grid.top) / (grid.cell + grid.caption + grid.gap));
  return head >= 0 && head < heads && layer >= 0 && layer < layers ? { layer, head } : undefined;
}
