import { HEAD_METRICS } from '../src/core/headMetrics.ts';
import type { Run } from '../src/core/run.ts';
import type { ModelInfo } from '../src/core/trace.ts';
import type { Remote, WorkerApi } from '../src/worker/workerApi.ts';

/** Asks for the numbers and pictures of all heads as the panel does: for as many layers at once as are answered. Returns them. */
export async function askAllHeads(
  remote: Pick<Remote<WorkerApi>, 'ask'>,
  run: Run,
  { layers, heads }: Pick<ModelInfo, 'layers' | 'heads'>,
): Promise<{ readonly metrics: readonly number[]; readonly thumbnails: readonly number[] }> {
  const [metrics, thumbnails]: [number[], number[]] = [[], []];
  while (metrics.length < layers * heads * HEAD_METRICS.length) {
    const answer = await remote.ask(run, 'heads', { layer: metrics.length / (heads * HEAD_METRICS.length) });
    // One by one: as arguments of a call, those of a whole model would not fit on the stack.
    for (const metric of answer.metrics) metrics.push(metric);
    for (const pixel of answer.thumbnails) thumbnails.push(pixel);
  }
  return { metrics, thumbnails };
}
