import { at } from '../../src/core/tensor.ts';
import { HEAD_METRICS, HEAD_METRIC_SCALES, metricSamples, type HeadMetric, type HeadScale } from '../../src/core/headMetrics.ts';
import {
  REPEATED_SCALES,
  REPEATED_SCORES,
  REPEATED_SEQUENCES,
  repeatedSamples,
  type RepeatedHeads,
  type RepeatedScore,
} from '../../src/core/repeatedTokens.ts';
import type { Explanation, HeadSummaries, ModelInfo } from '../../src/core/trace.ts';

/** One head and its score. */
export interface RankedHead {
  readonly layer: number;
  readonly head: number;
  readonly value: number;
}

/** A score of a head: on the explained text, or on repeated random tokens. */
export type HeadScore = HeadMetric | RepeatedScore;

/** Scale of each score: its unit, range, and which end is the best. */
export const HEAD_SCALES: Readonly<Record<HeadScore, HeadScale>> = { ...REPEATED_SCALES, ...HEAD_METRIC_SCALES };

/** Means of fewer samples than this say little about a head, and are marked as such. */
export const FEW_SAMPLES = 5;

/** Scores and thumbnails of all heads, measured on the explained text or on repeated random tokens. */
export interface HeadNumbers {
  readonly layers: number;
  readonly heads: number;
  /** Number of layers measured so far: the first ones. */
  readonly known: number;
  /** Layers without attention weights, which have no numbers. */
  readonly without: ReadonlySet<number>;
  /** Names of the scores along the last axis of `values`. */
  readonly scores: readonly HeadScore[];
  /** [known, heads, scores]; NaN where the text does not define the score. */
  readonly values: Float32Array;
  /** Number of queries that each score is the mean of. */
  readonly samples: Readonly<Partial<Record<HeadScore, number>>>;
  /** Number of tokens in the input measured on. */
  readonly tokens: number;
  readonly thumbnailSize: number;
  /** [known, heads, S, S] */
  readonly thumbnails: Uint8Array;
}

/** What is known so far of the heads in a text. */
export interface MeasuredHeads extends Omit<HeadSummaries, 'layer'> {
  /** The first so many layers are measured. */
  readonly layers: number;
  /** The others cannot be. */
  readonly failed: boolean;
}

/** `before` with the layers of `part`, which go on from there; null: there will be no more. */
export function withLayers(before: MeasuredHeads | null, { heads }: Pick<ModelInfo, 'heads'>, part: HeadSummaries | null): MeasuredHeads {
  const { layers, metrics, thumbnails } = before ?? { layers: 0, metrics: new Float32Array(0), thumbnails: new Uint8Array(0) };
  if (part === null) return { layers, metrics, thumbnails, thumbnailSize: before?.thumbnailSize ?? 1, failed: true };
  const [allMetrics, allThumbnails] = [
    new Float32Array(metrics.length + part.metrics.length),
    new Uint8Array(thumbnails.length + part.thumbnails.length),
  ];
  allMetrics.set(metrics);
  allMetrics.set(part.metrics, metrics.length);
  allThumbnails.set(thumbnails);
  allThumbnails.set(part.thumbnails, thumbnails.length);
  return {
    layers: allMetrics.length / (heads * HEAD_METRICS.length),
    metrics: allMetrics,
    thumbnailSize: part.thumbnailSize,
    thumbnails: allThumbnails,
    failed: false,
  };
}

function layersWithout({ traits }: ModelInfo): ReadonlySet<number> {
  return new Set((traits?.layers ?? []).flatMap(({ recurrence }, layer) => (recurrence === undefined ? [] : [layer])));
}

/** The heads as they are in this text, as far as they are known. */
export function headsOfText({ model, tokens }: Explanation, measured: MeasuredHeads | null): HeadNumbers {
  const { layers, heads } = model;
  return {
    without: layersWithout(model),
    layers,
    heads,
    known: measured?.layers ?? 0,
    scores: HEAD_METRICS,
    values: measured?.metrics ?? new Float32Array(0),
    samples: metricSamples(tokens.map(({ id }) => id)),
    tokens: tokens.length,
    thumbnailSize: measured?.thumbnailSize ?? 1,
    thumbnails: measured?.thumbnails ?? new Uint8Array(0),
  };
}

/** Scores of the heads on repeated random tokens. */
export function headsOfRepeated({ model }: Pick<Explanation, 'model'>, repeated: RepeatedHeads): HeadNumbers {
  const { layers, heads } = model;
  const { scores, thumbnailSize, thumbnails, tokens, begins } = repeated;
  return {
    without: layersWithout(model),
    layers,
    heads,
    known: layers,
    scores: REPEATED_SCORES,
    values: scores,
    samples: repeatedSamples(repeated, REPEATED_SEQUENCES),
    tokens: 2 * tokens + Number(begins),
    thumbnailSize,
    thumbnails,
  };
}

/** A head's number; NaN where it is not defined, or not known yet. */
export function headNumber({ heads, known, scores, values }: HeadNumbers, layer: number, head: number, score: HeadScore): number {
  return layer >= known ? Number.NaN : at(values, (layer * heads + head) * scores.length + scores.indexOf(score));
}

/** Whether a score is the mean of too few samples to say much. */
export function isFew({ samples }: Pick<HeadNumbers, 'samples'>, score: HeadScore): boolean {
  return (samples[score] ?? 0) < FEW_SAMPLES;
}

/** The head at the best end of a score's scale; undefined if no head has the score. */
export function bestHead(numbers: HeadNumbers, score: HeadScore): RankedHead | undefined {
  const sign = HEAD_SCALES[score].best === 'smallest' ? -1 : 1;
  let best: RankedHead | undefined;
  for (let layer = 0; layer < numbers.layers; layer++) {
    for (let head = 0; head < numbers.heads; head++) {
      const value = headNumber(numbers, layer, head, score);
      if (Number.isFinite(value) && (best === undefined || sign * value > sign * best.value)) best = { layer, head, value };
    }
  }
  return best;
}

/** Length of a score's bar, 0..1, for an input of `tokens` tokens. */
export function metricShare(value: number, score: HeadScore, tokens: number): number {
  if (!Number.isFinite(value)) return 0;
  return Math.min(1, value / Math.max(1, HEAD_SCALES[score].full(tokens)));
}

/** Geometry of the overview in pixels: square cells, rows of layers, columns of heads. */
export interface OverviewGrid {
  readonly left: number;
  readonly top: number;
  readonly cell: number;
  readonly gap: number;
  /** Height of the score under each cell; 0 where cells are too small for it. */
  readonly caption: number;
  readonly width: number;
  readonly height: number;
}

const SMALLEST_CELL = 14;
const LARGEST_CELL = 80;

/** Width of the chosen head's frame, which lies around its square, in pixels. */
const FRAME = 2;

/** Overview with cells as large as `available` pixels of width allow. */
export function overviewGrid(layers: number, heads: number, available: number): OverviewGrid {
  const left = 28;
  const top = 20;
  const gap = heads > 16 ? 2 : 4;
  const inner = available - left - FRAME - gap * (heads - 1);
  const cell = Math.max(SMALLEST_CELL, Math.min(LARGEST_CELL, Math.floor(inner / heads)));
  const caption = cell >= 34 ? 16 : 4;
  const width = left + heads * (cell + gap) - gap + FRAME;
  return { left, top, cell, gap, caption, width, height: top + layers * (cell + caption + gap) - gap + FRAME };
}

/** The head at a point of the overview; undefined beside the cells. */
export function headAt(
  grid: OverviewGrid,
  x: number,
  y: number,
  layers: number,
  heads: number,
): { readonly layer: number; readonly head: number } | undefined {
  const head = Math.floor((x - grid.left) / (grid.cell + grid.gap));
  const layer = Math.floor((y - grid.top) / (grid.cell + grid.caption + grid.gap));
  return head >= 0 && head < heads && layer >= 0 && layer < layers ? { layer, head } : undefined;
}
