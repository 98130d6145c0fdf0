import { runOf, UNCHANGED } from '../../../src/core/run.ts';
import type { Explanation, ModelInfo, Token } from '../../../src/core/trace.ts';

/** Description of a made-up model. */
export const MODEL: ModelInfo = {
  name: 'tiny',
  family: 'llama',
  layers: 1,
  heads: 1,
  kvHeads: 1,
  headDim: 2,
  dim: 2,
  vocab: 16,
  contextLength: 8,
  parameters: 100,
  weightType: 'F32',
  positions: 'rotary',
  norm: 'RMSNorm',
  runtime: 'wasm',
  threads: 1,
};

/** One token of a made-up explanation: its text, and the probability that the model gave it (null: not predicted). */
export interface Piece {
  readonly text: string;
  readonly probability: number | null;
  readonly rank?: number;
  readonly special?: boolean;
}

/** An explanation of the pieces' text. The candidates at every position are the piece that follows, then `others`. */
export function explanationOf(pieces: readonly Piece[], others: readonly (readonly [string, number])[] = [['other', 0.1]]): Explanation {
  let offset = 0;
  const tokens = pieces.map((piece, index): Token => {
    const start = offset;
    if (!piece.special) offset += piece.text.length;
    return {
      index,
      id: index,
      text: piece.text,
      bytes: piece.special ? [] : [...new TextEncoder().encode(piece.text)],
      start,
      end: offset,
      special: piece.special ?? false,
      partial: false,
    };
  });
  const topK = 1 + others.length;
  const candidates = pieces.map((_, index) => [...(pieces[index + 1] ? [index + 1] : [99]), ...others.map((_other, i) => 100 + i)]);
  const probs = pieces.map((_, index) => [pieces[index + 1]?.probability ?? 0, ...others.map(([, probability]) => probability)]);
  return {
    model: MODEL,
    run: runOf(
      tokens.map(({ id }) => id),
      UNCHANGED,
    ),
    text: pieces.map((piece) => (piece.special ? '' : piece.text)).join(''),
    omitted: 0,
    tokens,
    logprob: Float32Array.from(pieces, ({ probability }) => (probability === null ? Number.NaN : Math.log(probability))),
    rank: Int32Array.from(pieces, ({ rank, probability }) => (probability === null ? 0 : (rank ?? 1))),
    entropy: Float32Array.from(pieces, ({ probability }) => (probability === null ? Number.NaN : 2.5)),
    topK,
    topIds: Int32Array.from(candidates.flat()),
    topProbs: Float32Array.from(probs.flat()),
    pieces: Object.fromEntries([
      ...pieces.map((piece, index) => [index, piece.text]),
      ...others.map(([text], i) => [100 + i, text]),
      [99, ''],
    ]),
    forwardMs: 1,
  };
}
