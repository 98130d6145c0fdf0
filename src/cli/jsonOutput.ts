import { at } from '../core/tensor.ts';
import type { ModelInfo, ReadWindow, Token } from '../core/trace.ts';
import type { Predictions } from '../analysis/predictions.ts';
import type { Output } from './output.ts';

/**
 * Writes the model and one line per token as JSON. Values of a token that has no prediction are null; numbers keep their full float32
 * precision. `top`: most candidates per token; `piece`: text of a token id; `more`: members after the model's, each after a comma.
 */
export async function writeJson(
  output: Output,
  info: ModelInfo,
  tokens: readonly Token[],
  predictions: Predictions,
  top: number,
  piece: (id: number) => string,
  more: string,
): Promise<void> {
  await output.write(`{"model":${modelJson(info)}${more},\n"tokens":[`);
  const { logprob, rank, entropy, topK, topIds, topProbs } = predictions;
  for (const token of tokens) {
    const { index, id, text, bytes, start, end, special, partial } = token;
    const candidates = Array.from({ length: Math.min(top, topK) }, (_, k) => {
      const candidate = at(topIds, index * topK + k);
      return { id: candidate, text: piece(candidate), prob: at(topProbs, index * topK + k) };
    });
    const predicted = at(rank, index) > 0;
    const line = {
      index,
      id,
      text,
      bytes,
      start,
      end,
      special,
      partial,
      logprob: predicted ? at(logprob, index) : null,
      rank: predicted ? at(rank, index) : null,
      entropy: predicted ? at(entropy, index) : null,
      top: candidates,
    };
    await output.write(`${index === 0 ? '' : ','}\n${JSON.stringify(line)}`);
  }
  await output.write('\n]}\n');
}

/**
 * What a result's JSON says of the window that was read: its number from 1, how many there are, its tokens `begin` to `end` - 1 of all,
 * and how windows lie. A member to follow another, empty without a window.
 */
export function windowMember(window: ReadWindow | null): string {
  if (window === null) return '';
  const { index, windows, tokens, length, stride } = window;
  const { begin, end } = windows[index] ?? {};
  return `,\n"window":${JSON.stringify({ number: index + 1, windows: windows.length, begin, end, tokens, length, stride })}`;
}

/** JSON description of the model, the same in every result. */
export function modelJson({ name, family, layers, heads, kvHeads, dim, vocab, weightType, runtime }: ModelInfo): string {
  return JSON.stringify({
    name,
    family,
    layers,
    heads,
    kvHeads,
    dim,
    vocab,
    weights: `${weightType} weights, float32 arithmetic`,
    runtime,
  });
}
