import { at, row, tensor, type Tensor } from '../core/tensor.ts';
import type { UnembedStats } from '../model/languageModel.ts';
import { carriedIn, type Trace } from '../model/run/forwardTrace.ts';

/** The tensor of one layer. Throws RangeError for a layer that does not exist. */
export function layerOf(tensors: readonly Tensor[], layer: number): Tensor {
  const found = tensors[layer];
  if (found === undefined) throw new RangeError(`There is no layer ${layer}.`);
  return found;
}

/** The vectors [T, D] at a place of the residual stream: -1 is the static embedding, i the residual after i blocks. */
export function placeOf(trace: Trace, layer: number): Tensor {
  return layer === -1 ? trace.embedding : layerOf(trace.resid, layer);
}

/** What the unembedding reads of a trace: the residual [T, D] after the last block, or of several streams all. */
export function lastResidual(trace: Trace): Tensor {
  const last = carriedIn(trace).at(-1);
  if (last === undefined) throw new RangeError('The forward pass has no residual.');
  return last;
}

/** A copy of rows `start` to `end` (exclusive) of a [T, D] tensor. */
export function rowsBetween(rows: Tensor, start: number, end: number): Tensor {
  const dim = at(rows.dims, 1);
  return tensor([end - start, dim], rows.data.slice(start * dim, end * dim));
}

/** A copy of the rows of a [T, D] tensor at these positions. */
export function rowsAt(rows: Tensor, positions: Int32Array): Tensor {
  const dim = at(rows.dims, 1);
  const data = new Float32Array(positions.length * dim);
  for (const [index, position] of positions.entries()) data.set(row(rows, position), index * dim);
  return tensor([positions.length, dim], data);
}

/** The natural log of the probability of row `i`'s target; never above 0, which rounding could pass. */
export function targetLogprob({ targetLogit, logSumExp }: Pick<UnembedStats, 'targetLogit' | 'logSumExp'>, i: number): number {
  return Math.min(0, at(targetLogit, i) - at(logSumExp, i));
}

/** The id that follows each position in the text; 0 for the last position, which nothing follows. */
export function nextIds(ids: Int32Array): Int32Array {
  const next = new Int32Array(ids.length);
  next.set(ids.subarray(1));
  return next;
}

/** The text of every id in `ids`, by id. */
export function piecesOf(ids: Int32Array, piece: (id: number) => string): Record<number, string> {
  const pieces: Record<number, string> = {};
  for (const id of ids) pieces[id] ??= piece(id);
  return pieces;
}
