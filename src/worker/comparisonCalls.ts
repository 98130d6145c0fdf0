import { divergenceBits } from '../core/comparison.ts';
import { at, row, tensor, type Tensor } from '../core/tensor.ts';
import type { ComparisonApi, OtherRows } from './api.ts';
import { checkIndex, type EngineParts } from './engineParts.ts';
import { lastResidual } from './predictions.ts';
import type { CallContext, Implementation } from './rpc.ts';

/** The engine's calls for comparing two texts, or two models. */
export function comparisonCalls({ inOrder, opened, traceOf }: EngineParts): Implementation<ComparisonApi> {
  const logitsAt = async (context: CallContext, ids: Int32Array, positions: Int32Array): Promise<Tensor> => {
    const { model } = opened();
    for (const position of positions) checkIndex('position', position, ids.length);
    return model.logits(rowsAt(lastResidual(await traceOf(model, ids, context)), positions));
  };
  return {
    vocabularyKey: inOrder(async () => {
      const { model, tokenizer } = opened();
      return vocabularyHash(model.info.vocab, tokenizer.piece);
    }),
    logits: inOrder(async (context, ids: Int32Array, positions: Int32Array) => ({ logits: (await logitsAt(context, ids, positions)).data })),
    divergence: inOrder(async (context, ids: Int32Array, positions: Int32Array, other: OtherRows) => {
      const own = await logitsAt(context, ids, positions);
      const theirs = other.kind === 'logits' ? tensor(own.dims, other.logits) : await logitsAt(context, other.ids, other.positions);
      return { bits: Float32Array.from(positions, (_, index) => divergenceBits(row(own, index), row(theirs, index))) };
    }),
  };
}

/** Rows of a [T, D] tensor at these positions, in a buffer of their own. */
export function rowsAt(rows: Tensor, positions: Int32Array): Tensor {
  const dim = at(rows.dims, 1);
  const data = new Float32Array(positions.length * dim);
  for (const [index, position] of positions.entries()) data.set(row(rows, position), index * dim);
  return tensor([positions.length, dim], data);
}

/** A hash of what every id reads as (FNV-1a, 32 bit, twice with different starts), and their number: vocabularies with the same one are the same. */
export function vocabularyHash(vocab: number, piece: (id: number) => string): string {
  let first = 0x811c9dc5;
  let second = 0x01234567;
  for (let id = 0; id < vocab; id++) {
    const text = piece(id);
    for (let i = 0; i <= text.length; i++) {
      // The end of a piece counts too, as a unit that no text holds.
      const unit = i < text.length ? text.charCodeAt(i) : 0x10000;
      first = Math.imul(first ^ unit, 0x01000193);
      second = Math.imul(second ^ unit, 0x01000193);
    }
  }
  return `${vocab}:${(first >>> 0).toString(16)}:${(second >>> 0).toString(16)}`;
}
