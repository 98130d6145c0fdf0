import { row, type Tensor } from '../core/tensor.ts';
import { moved } from '../core/ownedArrays.ts';
import { runOf, withoutPositions, type Run } from '../core/run.ts';
import { cosine, lessCentre, meanCosine, meanRow, similarityOf, type VectorFrame } from '../core/vectors.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkIndex, traceOf, type Answers } from './answering.ts';
import { placeOf } from './traceRows.ts';

/** Answers about the similarity of contextual token vectors. */
export const similarityAnswers: Pick<Answers, 'similarity' | 'wordByLayer'> = {
  similarity: async (context, run, { layer, frame }) => {
    const { model } = context.open;
    checkIndex('layer', layer, model.info.layers + 1, -1);
    const trace = await traceOf(context, run);
    return moved(similarityOf(comparedAt(trace, layer, await centreAt(model, [trace], layer, frame)), layer));
  },
  /**
   * The cosine of two tokens' vectors at every place of the residual stream. Unless vectors are compared as stored, the mean over both
   * texts is subtracted from each.
   */
  wordByLayer: async (context, run, { first, second, frame }) => {
    const { model } = context.open;
    // Another text is read by the same model under the same interventions, without those on tokens of this text.
    const runOfText = (ids: readonly number[] | null): Run => (ids === null ? run : runOf(ids, withoutPositions(run.recipe)));
    const [a, b] = [runOfText(first.ids), runOfText(second.ids)];
    checkIndex('token', first.token, a.ids.length);
    checkIndex('token', second.token, b.ids.length);
    const [one, other] = [await traceOf(context, a), await traceOf(context, b)];
    const cosines: number[] = [];
    const typical: number[] = [];
    for (let layer = -1; layer <= model.info.layers; layer++) {
      const centre = await centreAt(model, [one, other], layer, frame);
      const [ones, others] = [comparedAt(one, layer, centre), comparedAt(other, layer, centre)];
      cosines.push(cosine(row(ones, first.token), row(others, second.token)));
      typical.push(meanCosine(ones, 1));
    }
    return { cosines: Float32Array.from(cosines), typical: Float32Array.from(typical) };
  },
};

/**
 * The mean that is subtracted from the vectors at a place of the residual stream: that of the embedding table for the static
 * embedding (-1), that of the texts' tokens for later places; null for vectors compared as stored.
 */
async function centreAt(model: LanguageModel, traces: readonly Trace[], layer: number, frame: VectorFrame): Promise<Float64Array | null> {
  if (frame === 'stored') return null;
  return layer === -1 ? model.embeddingMean() : meanRow(traces.map((trace) => placeOf(trace, layer)));
}

/** The vectors [T, D] at a place, less `centre` where there is one. */
function comparedAt(trace: Trace, layer: number, centre: Float64Array | null): Tensor {
  const rows = placeOf(trace, layer);
  return centre === null ? rows : lessCentre(rows, centre);
}
