import { divergenceBits } from '../core/comparison.ts';
import { moved } from '../core/ownedArrays.ts';
import { row, tensor, type Tensor } from '../core/tensor.ts';
import { FNV1A_START, fnv1a } from '../core/fnv1a.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkIndex, traceOf, type Answers, type OpenModel } from './answering.ts';
import { lastResidual, rowsAt } from './traceRows.ts';

/** Answers to questions about two texts, or two models. */
export const comparisonAnswers: Pick<Answers, 'vocabularyKey' | 'logits' | 'divergence'> = {
  vocabularyKey: async ({ open }) => vocabularyKey(open),
  logits: async (context, run, { positions }) =>
    moved({ logits: (await logitsAt(context.open.model, await traceOf(context, run), positions)).data }),
  divergence: async (context, run, { positions, other }) => {
    const { model } = context.open;
    const own = await logitsAt(model, await traceOf(context, run), positions);
    const theirs =
      other.kind === 'logits' ? tensor(own.dims, other.logits) : await logitsAt(model, await traceOf(context, other.run), other.positions);
    return { bits: rowsDivergence(own, theirs) };
  },
};

/** Logits [N, vocab] after `positions` of a trace. Throws RangeError for a position outside it. */
export async function logitsAt(model: LanguageModel, trace: Trace, positions: Int32Array): Promise<Tensor> {
  for (const position of positions) checkIndex('position', position, trace.run.ids.length);
  return model.logits(rowsAt(lastResidual(trace), positions));
}

/** KL(own || theirs) in bits, [N], of the distributions whose logits are the rows of the two tensors [N, vocab]. */
export function rowsDivergence(own: Tensor, theirs: Tensor): Float32Array {
  const [count = 0] = own.dims;
  return Float32Array.from({ length: count }, (_, index) => divergenceBits(row(own, index), row(theirs, index)));
}

/** A key that is equal for models whose token ids stand for the same text. */
export function vocabularyKey({ model, tokenizer }: Pick<OpenModel, 'model' | 'tokenizer'>): string {
  return vocabularyHash(model.info.vocab, tokenizer.piece);
}

/**
 * The number of ids and a hash of the text of each (FNV-1a, 32 bits, computed twice from different starts). Equal hashes are taken to
 * mean equal vocabularies.
 */
function vocabularyHash(vocab: number, piece: (id: number) => string): string {
  let first = FNV1A_START;
  let second = 0x01234567;
  for (let id = 0; id < vocab; id++) {
    const text = piece(id);
    for (let i = 0; i <= text.length; i++) {
      // The end of a piece is hashed too, as a unit that no text contains.
      const unit = i < text.length ? text.charCodeAt(i) : 0x10000;
      first = fnv1a(first, unit);
      second = fnv1a(second, unit);
    }
  }
  return `${vocab}:${first.toString(16)}:${second.toString(16)}`;
}
