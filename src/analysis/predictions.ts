import { at, type Tensor } from '../core/tensor.ts';
import type { Explanation } from '../core/trace.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Progress } from '../core/progress.ts';
import { nextIds, rowsBetween, targetLogprob } from './traceRows.ts';

/** Rows unembedded at once, so that their logits stay small even with a vocabulary of 256,000. */
const CHUNK_ROWS = 64;

/** The model's predictions at every position. Axes and units as in `Explanation`. */
export type Predictions = Pick<Explanation, 'logprob' | 'rank' | 'entropy' | 'topK' | 'topIds' | 'topProbs'>;

/** Predictions of a text that begins with the same `tokens` tokens. */
export interface KnownPredictions {
  readonly predictions: Predictions;
  readonly tokens: number;
}

/**
 * Predictions at all positions from the last residual `final` [T, D]. Token 0 is not predicted: NaN and rank 0. Those at the start that
 * `known` holds, with as many candidates, are copied.
 */
export async function predict(
  model: LanguageModel,
  final: Tensor,
  ids: Int32Array,
  topK: number,
  onProgress: (progress: Progress) => unknown,
  known: KnownPredictions | null = null,
): Promise<Predictions> {
  const count = ids.length;
  const kept = Math.min(topK, model.info.vocab);
  const targets = nextIds(ids);
  const logprob = new Float32Array(count).fill(NaN);
  const rank = new Int32Array(count);
  const entropy = new Float32Array(count).fill(NaN);
  const topIds = new Int32Array(count * kept);
  const topProbs = new Float32Array(count * kept);
  // After the last shared token another one may follow: its distribution is the same, what it gave the token that came is not.
  const first = known === null || known.predictions.topK !== kept ? 0 : Math.max(0, known.tokens - 1);
  if (known !== null && first > 0) {
    const { predictions } = known;
    for (const [own, theirs] of [
      [logprob, predictions.logprob],
      [rank, predictions.rank],
      [entropy, predictions.entropy],
    ] as const)
      own.set(theirs.subarray(0, first + 1));
    topIds.set(predictions.topIds.subarray(0, first * kept));
    topProbs.set(predictions.topProbs.subarray(0, first * kept));
  }
  for (let start = first; start < count; start += CHUNK_ROWS) {
    const end = Math.min(start + CHUNK_ROWS, count);
    const stats = await model.unembed(rowsBetween(final, start, end), kept, targets.slice(start, end));
    topIds.set(stats.topIds, start * kept);
    for (let i = 0; i < end - start; i++) {
      const total = at(stats.logSumExp, i);
      for (let k = 0; k < kept; k++) topProbs[(start + i) * kept + k] = Math.exp(at(stats.topLogits, i * kept + k) - total);
      const predicted = start + i + 1;
      if (predicted >= count) continue;
      logprob[predicted] = targetLogprob(stats, i);
      rank[predicted] = at(stats.targetRank, i);
      entropy[predicted] = at(stats.entropyBits, i);
    }
    await onProgress({ stage: 'predictions', done: end - first, total: count - first });
  }
  return { logprob, rank, entropy, topK: kept, topIds, topProbs };
}
