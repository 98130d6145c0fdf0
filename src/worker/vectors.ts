import { topIndices } from '../core/probability.ts';
import { principalComponents } from '../core/projection.ts';
import { at, dot, owned, row, tensor, type Tensor } from '../core/tensor.ts';
import { cosine, cosineMatrix, meanCosine, type LensTop, type Neighbours, type Reading, type Similarity, type TableVector, type VectorMap, type Word, type WordByLayer } from '../core/vectors.ts';
import type { LanguageModel, Trace } from '../model/languageModel.ts';
import type { TextTokenizer } from '../model/tokenizer.ts';
import { rowsBetween } from './predictions.ts';
import { piecesOf } from './views.ts';

/**
 * How a typed word can be taken: with a space before it, as inside a text, or as it is typed, whichever takes fewer tokens
 * first; then each of several tokens alone.
 */
export function readWord(tokenizer: TextTokenizer, text: string): Word {
  const cut = (written: string): number[] => tokenizer.encode(written).tokens.filter(({ special }) => !special).map(({ id }) => id);
  const whole = [cut(` ${text}`), cut(text)].filter((ids) => ids.length > 0).toSorted((a, b) => a.length - b.length);
  const [first = []] = whole;
  const all = first.length > 1 ? [...whole, ...first.map((id) => [id])] : whole;
  const distinct = new Map(all.map((ids) => [ids.join(), ids]));
  return { text, readings: [...distinct.values()].map((ids): Reading => ({ ids, pieces: ids.map(tokenizer.piece) })) };
}

/** The vector [E] that terms add up to, in float64. */
async function tableVector(model: LanguageModel, vector: TableVector): Promise<Float64Array> {
  const rows = await model.embeddingRows(idsOf(vector));
  const sum = new Float64Array(at(rows.dims, 1));
  let token = 0;
  for (const { ids, weight } of vector) {
    for (const _ of ids) {
      const own = row(rows, token++);
      for (let i = 0; i < sum.length; i++) sum[i] = at(sum, i) + (weight / ids.length) * at(own, i);
    }
  }
  return sum;
}

/** The nearest rows of the whole table. */
export async function neighbours(model: LanguageModel, vector: TableVector, count: number, piece: (id: number) => string): Promise<Neighbours> {
  const query = await tableVector(model, vector);
  const length = Math.sqrt(dot(query, query));
  const none: Neighbours = { ids: new Int32Array(0), cosines: new Float32Array(0), pieces: {}, compared: 0, length };
  // a - a has no direction, so nothing is near it.
  if (length === 0) return none;
  const cosines = await model.embeddingCosines(query);
  for (const id of idsOf(vector)) cosines[id] = -Infinity;
  const compared = cosines.reduce((sum, value) => sum + (value === -Infinity ? 0 : 1), 0);
  const ids = new Int32Array(topIndices(cosines, Math.min(count, compared)));
  return { ids, cosines: Float32Array.from(ids, (id) => at(cosines, id)), pieces: piecesOf(ids, piece), compared, length };
}

/** Principal components and cosines of vectors of the table. */
export async function vectorMap(model: LanguageModel, vectors: readonly TableVector[]): Promise<VectorMap> {
  const found: Float64Array[] = [];
  for (const vector of vectors) found.push(await tableVector(model, vector));
  const rows = tensor([found.length, found[0]?.length ?? 0], Float32Array.from(found.flatMap((vector) => [...vector])));
  return { ...principalComponents(rows, false), cosines: cosineMatrix(rows) };
}

/** The logit lens of one token, with as many candidates as asked for. */
export async function lensTop(model: LanguageModel, trace: Trace, layer: number, token: number, count: number, piece: (id: number) => string): Promise<LensTop> {
  const { topIds, topLogits, logSumExp } = await model.unembed(rowsBetween(placeOf(trace, layer), token, token + 1), count, new Int32Array(1));
  return { layer, token, ids: new Int32Array(topIds), probs: Float32Array.from(topLogits, (logit) => Math.exp(logit - at(logSumExp, 0))), pieces: piecesOf(topIds, piece) };
}

export function similarity(trace: Trace, layer: number): Similarity {
  return { layer, cosines: owned(cosineMatrix(placeOf(trace, layer))) };
}

/** The cosine of two tokens' vectors at every place of the residual stream. */
export function wordByLayer(model: LanguageModel, first: Trace, firstToken: number, second: Trace, secondToken: number): WordByLayer {
  const layers = Array.from({ length: model.info.layers + 2 }, (_, index) => index - 1);
  return {
    cosines: Float32Array.from(layers, (layer) => cosine(row(placeOf(first, layer), firstToken), row(placeOf(second, layer), secondToken))),
    typical: Float32Array.from(layers, (layer) => meanCosine(placeOf(first, layer), 1)),
  };
}

function idsOf(vector: TableVector): Int32Array {
  return Int32Array.from(vector.flatMap(({ ids }) => [...ids]));
}

/** [T, D] at a place of the residual stream; -1 is the static embedding. */
function placeOf(trace: Trace, layer: number): Tensor {
  const found = layer === -1 ? trace.embedding : trace.resid[layer];
  if (found === undefined) throw new RangeError(`There is no layer ${layer}.`);
  return found;
}
