import { HEAD_METRICS, headMetrics, metricReading } from '../core/headMetrics.ts';
import { thumbnails, type HeadReading } from '../core/headReading.ts';
import { hasAttention } from '../core/recurrence.ts';
import type { HeadSummaries } from '../core/trace.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';
import { thumbnailSide } from './headAnswers.ts';

/** Layers are answered together for so long: what else is asked meanwhile waits no longer than this and one layer. */
const TOGETHER_MS = 100;

/** The heads of one layer. Axes and units as in `HeadSummaries`. */
type LayerSummaries = Pick<HeadSummaries, 'metrics' | 'thumbnails'>;

/** What is read off a text's heads, and the summaries of the layers read so far. */
interface Measured {
  readonly reading: HeadReading;
  readonly layers: Map<number, LayerSummaries>;
}

/** Summaries of a trace by layer, cached for as long as the trace is, and by the very object, so that they are no other run's. */
const measured = new WeakMap<Trace, Measured>();

/** Numbers and pictures of all heads of some layers. */
export const headSummaryAnswers: Pick<Answers, 'heads'> = {
  heads: async (context, run, { layer }) => {
    const { info } = context.open.model;
    checkIndex('layer', layer, info.layers);
    const trace = await traceOf(context, run);
    const size = thumbnailSide(info, run.ids.length);
    const known = measured.get(trace) ?? { reading: metricReading(run.ids, size), layers: new Map<number, LayerSummaries>() };
    measured.set(trace, known);
    const end = performance.now() + TOGETHER_MS;
    const parts = [await headsOf(context, trace, layer, known)];
    while (layer + parts.length < info.layers && performance.now() < end)
      parts.push(await headsOf(context, trace, layer + parts.length, known));
    return {
      layer,
      metrics: Float32Array.from(parts.flatMap(({ metrics }) => [...metrics])),
      thumbnailSize: size,
      thumbnails: joined(parts.map(({ thumbnails: pictures }) => pictures)),
    };
  },
};

async function headsOf(
  { open, checkpoint }: AnswerContext,
  trace: Trace,
  layer: number,
  { reading, layers }: Measured,
): Promise<LayerSummaries> {
  const known = layers.get(layer);
  if (known !== undefined) return known;
  await checkpoint();
  const { info } = open.model;
  if (!hasAttention(info, layer)) return withoutNumbers(info.heads, reading.side);
  const read = await open.model.readHeads(trace, layer, reading, checkpoint);
  const found = { metrics: headMetrics(reading, read), thumbnails: thumbnails(read) };
  layers.set(layer, found);
  return found;
}

/** Of a layer without attention weights: no numbers, and empty pictures. */
function withoutNumbers(heads: number, side: number): LayerSummaries {
  return { metrics: new Float32Array(heads * HEAD_METRICS.length).fill(Number.NaN), thumbnails: new Uint8Array(heads * side * side) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let next = 0;
  for (const part of parts) {
    all.set(part, next);
    next += part.length;
  }
  return all;
}
