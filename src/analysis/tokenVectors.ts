import { UserError } from '../core/errors.ts';
import { topIndices } from '../core/probability.ts';
import { principalComponents } from '../core/projection.ts';
import { at, dot, row, tensor } from '../core/tensor.ts';
import { uniformAt } from '../core/random.ts';
import { msg } from '../core/translatable.ts';
import {
  cosine,
  cosineMatrix,
  lessCentre,
  typicalOf,
  type Neighbours,
  type Reading,
  type TableVector,
  type TypicalPair,
  type VectorFrame,
  type VectorMap,
  type Word,
} from '../core/vectors.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { TextTokenizer } from '../model/tokenizer/textTokenizer.ts';
import type { Answers } from './answering.ts';
import { piecesOf } from './traceRows.ts';

/** Answers about typed words and vectors of the static embedding table, which need no explained text. */
export const tableAnswers: Pick<Answers, 'readText' | 'words' | 'neighbours' | 'vectorMap'> = {
  readText: async ({ open: { tokenizer }, room }, _, { text }) => {
    if (text === '') throw new UserError(msg`There is no text to read.`);
    const { tokenized, length } = tokenizer.encodeFirst(text, (await room()).tokens);
    return { tokens: tokenized.tokens, length };
  },
  words: async ({ open }, _, { texts }) => ({ words: texts.map((text) => readWord(open.tokenizer, text)) }),
  neighbours: async ({ open: { model, tokenizer } }, _, { vector, frame, count }) =>
    neighbours(model, vector, frame, count, tokenizer.piece),
  vectorMap: async ({ open }, _, { vectors, frame }) => vectorMap(open.model, vectors, frame),
};

/**
 * The ways to tokenize a typed word: with a space before it, as inside a text, and exactly as typed, the one with fewer tokens first;
 * then, if the first has several tokens, each of them alone.
 */
export function readWord(tokenizer: TextTokenizer, text: string): Word {
  const cut = (written: string): number[] =>
    tokenizer
      .encode(written)
      .tokens.filter(({ special }) => !special)
      .map(({ id }) => id);
  const whole = [cut(` ${text}`), cut(text)].filter((ids) => ids.length > 0).toSorted((a, b) => a.length - b.length);
  const [first = []] = whole;
  const all = first.length > 1 ? [...whole, ...first.map((id) => [id])] : whole;
  const distinct = new Map(all.map((ids) => [ids.join(), ids]));
  return { text, readings: [...distinct.values()].map((ids): Reading => ({ ids, pieces: ids.map(tokenizer.piece) })) };
}

/** Number of random pairs of rows, whose cosines are the baseline that other cosines are compared with. */
const TYPICAL_PAIRS = 2000;
const TYPICAL_SEED = 0;

/** The mean that is subtracted from each row of the table before a comparison; null: none. */
async function centreOf(model: LanguageModel, frame: VectorFrame): Promise<Float64Array | null> {
  return frame === 'stored' ? null : model.embeddingMean();
}

/** The weighted sum [E] of the terms' vectors, in float64, with `centre` subtracted from every row. */
async function tableVector(model: LanguageModel, vector: TableVector, centre: Float64Array | null): Promise<Float64Array> {
  const rows = await model.embeddingRows(idsOf(vector));
  const weights = vector.reduce((total, { weight }) => total + weight, 0);
  const sum = new Float64Array(at(rows.dims, 1));
  let token = 0;
  for (const { ids, weight } of vector) {
    for (const _ of ids) {
      const own = row(rows, token++);
      for (let i = 0; i < sum.length; i++) sum[i] = at(sum, i) + (weight / ids.length) * at(own, i);
    }
  }
  return centre === null ? sum : sum.map((value, i) => value - weights * at(centre, i));
}

const typicalPairs = new WeakMap<LanguageModel, Map<VectorFrame, Promise<TypicalPair>>>();

/** Cosines of random pairs of different rows of the table, always the same pairs; rows of zeros are left out. */
function typicalPair(model: LanguageModel, frame: VectorFrame): Promise<TypicalPair> {
  const known = typicalPairs.get(model) ?? new Map<VectorFrame, Promise<TypicalPair>>();
  typicalPairs.set(model, known);
  const found = known.get(frame) ?? measurePairs(model, frame);
  known.set(frame, found);
  // A failed read is not cached: the next attempt may succeed.
  found.catch(() => known.delete(frame));
  return found;
}

async function measurePairs(model: LanguageModel, frame: VectorFrame): Promise<TypicalPair> {
  const { vocab } = model.info;
  const ids = Int32Array.from({ length: 2 * TYPICAL_PAIRS }, (_, draw) => Math.floor(uniformAt(TYPICAL_SEED, draw) * vocab));
  const rows = await model.embeddingRows(ids);
  const centre = await centreOf(model, frame);
  const compared = centre === null ? rows : lessCentre(rows, centre);
  const cosines: number[] = [];
  for (let draw = 0; draw < ids.length; draw += 2) {
    const zero = [draw, draw + 1].some((one) => row(rows, one).every((value) => value === 0));
    if (ids[draw] !== ids[draw + 1] && !zero) cosines.push(cosine(row(compared, draw), row(compared, draw + 1)));
  }
  return typicalOf(cosines);
}

/** The `count` rows of the whole table with the highest cosine to `vector`, its own tokens left out. */
export async function neighbours(
  model: LanguageModel,
  vector: TableVector,
  frame: VectorFrame,
  count: number,
  piece: (id: number) => string,
): Promise<Neighbours> {
  const centre = await centreOf(model, frame);
  const query = await tableVector(model, vector, centre);
  const typical = await typicalPair(model, frame);
  const length = Math.sqrt(dot(query, query));
  const none: Neighbours = { ids: new Int32Array(0), cosines: new Float32Array(0), pieces: {}, compared: 0, length, typical };
  // The zero vector (a - a) has no direction, so it has no neighbours.
  if (length === 0) return none;
  const cosines = await model.embeddingCosines(query, centre);
  for (const id of idsOf(vector)) cosines[id] = -Infinity;
  const compared = cosines.reduce((sum, value) => sum + (value === -Infinity ? 0 : 1), 0);
  const ids = new Int32Array(topIndices(cosines, Math.min(count, compared)));
  return { ids, cosines: Float32Array.from(ids, (id) => at(cosines, id)), pieces: piecesOf(ids, piece), compared, length, typical };
}

/** Principal components and pairwise cosines of vectors of the table. */
export async function vectorMap(model: LanguageModel, vectors: readonly TableVector[], frame: VectorFrame): Promise<VectorMap> {
  const centre = await centreOf(model, frame);
  const found: Float64Array[] = [];
  for (const vector of vectors) found.push(await tableVector(model, vector, centre));
  const rows = tensor([found.length, found[0]?.length ?? 0], Float32Array.from(found.flatMap((vector) => [...vector])));
  return { ...principalComponents(rows, false), cosines: cosineMatrix(rows), typical: await typicalPair(model, frame) };
}

function idsOf(vector: TableVector): Int32Array {
  return Int32Array.from(vector.flatMap(({ ids }) => [...ids]));
}
