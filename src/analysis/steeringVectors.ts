import { UserError } from '../core/errors.ts';
import type { CallContext } from '../core/progress.ts';
import { runOf, UNCHANGED } from '../core/run.ts';
import { lengthOf, meanDifference, meanOf, median, type SteeringRead } from '../core/steering.ts';
import { at, row, type Tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';

/** A vector at each place of the residual, and how long the residual is there: both by place, 0 to the number of layers. */
export interface SteeringVectors {
  /** [D] each, at the length that they have. */
  readonly vectors: readonly Float32Array[];
  /** The median length of the residual of all tokens of the texts. */
  readonly lengths: readonly number[];
}

/** Two sets of texts by their ids, at least one text each. */
export interface SteeringTexts {
  readonly positive: readonly Int32Array[];
  readonly negative: readonly Int32Array[];
}

/** What is taken of one text, by place: the vector [D] that is compared, and the length of each token's residual. */
interface ReadText {
  readonly rows: readonly ArrayLike<number>[];
  readonly lengths: readonly Float64Array[];
}

/**
 * The mean over the positive texts of the residual at the last token, or of its mean over the tokens, less the same of the negative texts
 * (difference of means: Rimsky et al. 2024, "Steering Llama 2 via Contrastive Activation Addition").
 */
export async function steeringVectors(
  model: LanguageModel,
  { positive, negative }: SteeringTexts,
  read: SteeringRead,
  { progress }: CallContext,
): Promise<SteeringVectors> {
  const total = positive.length + negative.length;
  let done = 0;
  const readTexts = async (texts: readonly Int32Array[]): Promise<readonly ReadText[]> => {
    const found: ReadText[] = [];
    for (const ids of texts) {
      await progress({ stage: 'changed', done: done++, total });
      const { resid } = await model.run(runOf(ids, UNCHANGED));
      found.push({ rows: resid.map((rows) => readOf(rows, read)), lengths: resid.map(lengthsOf) });
    }
    return found;
  };
  const [up, down] = [await readTexts(positive), await readTexts(negative)];
  const places = Array.from({ length: model.info.layers + 1 }, (_, place) => place);
  const rowsAt = (texts: readonly ReadText[], place: number): ArrayLike<number>[] => texts.map(({ rows }) => rows[place] ?? []);
  return {
    vectors: places.map((place) => meanDifference(rowsAt(up, place), rowsAt(down, place))),
    lengths: places.map((place) => median([...up, ...down].flatMap(({ lengths }) => [...(lengths[place] ?? [])]))),
  };
}

/**
 * The unembedding's row of a token, less that of a rival (null: of the token alone). [D]. Throws UserError for a model whose unembedding
 * reads the residual through more than a norm.
 */
export async function tokenDirection(model: LanguageModel, token: number, rival: number | null): Promise<Float32Array> {
  if (model.recipeScope.vocab === 0)
    throw new UserError(msg`The model has more than a norm between its residual and the unembedding, so a token is no direction of it.`);
  const up = await model.unembeddingRow(token);
  const down = rival === null ? null : await model.unembeddingRow(rival);
  return Float32Array.from(up, (value, i) => value - (down === null ? 0 : at(down, i)));
}

/** That vector at every place; lengths are those of the residual of `ids`. Throws UserError as `tokenDirection` does. */
export async function tokenVectors(model: LanguageModel, token: number, rival: number | null, ids: Int32Array): Promise<SteeringVectors> {
  const vector = await tokenDirection(model, token, rival);
  const { resid } = await model.run(runOf(ids, UNCHANGED));
  return { vectors: resid.map(() => vector), lengths: resid.map((rows) => median(lengthsOf(rows))) };
}

/** The median length of the rows of [T, D]. */
export function medianLength(rows: Tensor): number {
  return median(lengthsOf(rows));
}

function lengthsOf(rows: Tensor): Float64Array {
  return Float64Array.from({ length: at(rows.dims, 0) }, (_, token) => lengthOf(row(rows, token)));
}

function readOf(rows: Tensor, read: SteeringRead): ArrayLike<number> {
  const tokens = at(rows.dims, 0);
  if (read === 'last') return row(rows, tokens - 1).slice();
  return meanOf(Array.from({ length: tokens }, (_, token) => row(rows, token)));
}
