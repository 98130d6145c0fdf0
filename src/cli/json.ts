import { at } from '../core/tensor.ts';
import type { ModelInfo, Token } from '../core/trace.ts';
import type { Predictions } from '../worker/predictions.ts';
import type { Output } from './output.ts';

/** Writes the model and one line per token. What is not predicted is null; numbers have their full float32 value. */
export async function writeJson(output: Output, info: ModelInfo, tokens: readonly Token[], predictions: Predictions, top: number, piece: (id: number) => string): Promise<void> {
  await output.write(`{"model":${modelJson(info)},\n"tokens":[`);
  const { logprob, rank, entropy, topK, topIds, topProbs } = predictions;
  for (const token of tokens) {
    const { index, id, text, bytes, start, end, special, partial } = token;
    const candidates = Array.from({ length: Math.min(top, topK) }, (_, k) => {
      const candidate = at(topIds, index * topK + k);
      return { id: candidate, text: piece(candidate), prob: at(topProbs, index * topK + k) };
    });
    const predicted = at(rank, index) > 0;
    const line = {
      index, id, text, bytes, start, end, special, partial,
      logprob: predicted ? at(logprob, index) : null,
      rank: predicted ? at(rank, index) : null,
      entropy: predicted ? at(entropy, index) : null,
      top: candidates,
    };
    await output.write(`${index === 0 ? '' : ','}\n${JSON.stringify(line)}`);
  }
  await output.write('\n]}\n');
}

/** The model as every result names it. */
export function modelJson({ name, family, layers, heads, kvHeads, dim, vocab, weightType, runtime }: ModelInfo): string {
  return JSON.stringify({ name, family, layers, heads, kvHeads, dim, vocab, weights: `${weightType} weights, float32 arithmetic`, runtime });
}
