import { HEAD_METRICS } from '../src/core/headMetrics.ts';
import type { Run } from '../src/core/run.ts';
import type { HeadSummaries, ModelInfo } from '../src/core/trace.ts';
import type { Remote, WorkerApi } from '../src/worker/workerApi.ts';

/** Asks for the numbers and pictures of all heads as the panel does: for as many layers at once as are answered. Returns them. */
export async function askAllHeads(
  remote: Pick<Remote<WorkerApi>, 'ask'>,
  run: Run,
  { layers, heads }: Pick<ModelInfo, 'layers' | 'heads'>,
): Promise<Pick<HeadSummaries, 'metrics' | 'thumbnails'>> {
  const ofLayer = heads * HEAD_METRICS.length;
  const metrics = new Float32Array(layers * ofLayer);
  const pictures: Uint8Array[] = [];
  for (let layer = 0; layer < layers;) {
    const answer = await remote.ask(run, 'heads', { layer });
    metrics.set(answer.metrics, layer * ofLayer);
    pictures.push(answer.thumbnails);
    layer += answer.metrics.length / ofLayer;
  }
  return { metrics, thumbnails: Uint8Array.from(Buffer.concat(pictures)) };
}
