import { at, tensor, type Tensor } from '../core/tensor.ts';
import type { Explanation } from '../core/trace.ts';
import type { LanguageModel, Trace } from '../model/languageModel.ts';
import type { Progress } from './api.ts';

/** Rows unembedded at once: the logits of a chunk stay small even with a vocabulary of 256,000. */
const CHUNK_ROWS = 64;

/** What the model predicted at every position. Axes and units as in `Explanation`. */
export type Predictions = Pick<Explanation, 'logprob' | 'rank' | 'entropy' | 'topK' | 'topIds' | 'topProbs'>;

/** Ids that really follow each position; 0 after the last one, where nothing follows. */
export function nextIds(ids: Int32Array): Int32Array {
  const next = new Int32Array(ids.length);
  next.set(ids.subarray(1));
  return next;
}

/** Predictions of all positions from the last residual [T, D]. Token 0 is not predicted: NaN and rank 0. */
export async function predict(model: LanguageModel, final: Tensor, ids: Int32Array, topK: number, onProgress: (progress: Progress) => void): Promise<Predictions> {
  const count = ids.length;
  const kept = Math.min(topK, model.info.vocab);
  const targets = nextIds(ids);
  const logprob = new Float32Array(count).fill(NaN);
  const rank = new Int32Array(count);
  const entropy = new Float32Array(count).fill(NaN);
  const topIds = new Int32Array(count * kept);
  const topProbs = new Float32Array(count * kept);
  for (let start = 0; start < count; start += CHUNK_ROWS) {
    const end = Math.min(start + CHUNK_ROWS, count);
    const stats = await model.unembed(rowsBetween(final, start, end), kept, targets.slice(start, end));
    topIds.set(stats.topIds, start * kept);
    for (let i = 0; i < end - start; i++) {
      const total = at(stats.logSumExp, i);
      for (let k = 0; k < kept; k++) topProbs[(start + i) * kept + k] = Math.exp(at(stats.topLogits, i * kept + k) - total);
      const predicted = start + i + 1;
      if (predicted >= count) continue;
      logprob[predicted] = Math.min(0, at(stats.targetLogit, i) - total);
      rank[predicted] = at(stats.targetRank, i);
      entropy[predicted] = at(stats.entropyBits, i);
    }
    onProgress({ stage: 'predictions', done: end, total: count });
  }
  return { logprob, rank, entropy, topK: kept, topIds, topProbs };
}

/** [T, D] what the final norm and the unembedding read. */
export function lastResidual(trace: Trace): Tensor {
  const last = trace.resid.at(-1);
  if (last === undefined) throw new RangeError('The forward pass has no residual.');
  return last;
}

/** Rows start..end of a [T, D] tensor, in a buffer of their own. */
export function rowsBetween(rows: Tensor, start: number, end: number): Tensor {
  const dim = at(rows.dims, 1);
  return tensor([end - start, dim], rows.data.slice(start * dim, end * dim));
}
