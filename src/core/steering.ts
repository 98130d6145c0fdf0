import { UserError } from './errors.ts';
import { uniformAt } from './random.ts';
import type { Recipe, SteeredTokens, SteeringIntervention } from './run.ts';
import { at, dot } from './tensor.ts';
import { msg, type Translatable } from './translatable.ts';

/** What of a text's residual at a place is compared: that of its last token, or the mean over its tokens. */
export const STEERING_READS = ['last', 'mean'] as const;
export type SteeringRead = (typeof STEERING_READS)[number];

/** A vector for one place of the residual: the input of block `layer`, or after the last block where `layer` is their number. [D] */
export interface Direction {
  readonly layer: number;
  readonly values: Float32Array;
}

/** What a vector is made of: two sets of texts, one or two tokens of the unembedding, or vectors that are there already. */
export type SteeringSource =
  | { readonly kind: 'texts'; readonly positive: readonly string[]; readonly negative: readonly string[]; readonly read: SteeringRead }
  | { readonly kind: 'tokens'; readonly token: number; readonly rival: number | null }
  | { readonly kind: 'kept'; readonly name: string; readonly directions: readonly KeptDirection[] };

/** A direction in plain numbers, as it is kept and sent. */
export interface KeptDirection {
  readonly layer: number;
  readonly values: readonly number[];
}

/** A control vector in plain numbers. */
export type KeptVector = Omit<ControlVector, 'directions'> & { readonly directions: readonly KeptDirection[] };

/** Vectors that are added to the residual, as a control-vector file holds them. */
export interface ControlVector {
  readonly name: string;
  /** What it was made of; empty: not known. */
  readonly description: string;
  /** The kind of model that it is for, such as "llama"; empty: not known. */
  readonly family: string;
  /** By layer, at least one, all equally long lists of numbers. */
  readonly directions: readonly Direction[];
}

/** What is done with a vector: how often it is added, and to which tokens. */
export interface Steering {
  readonly strength: number;
  readonly on: SteeredTokens;
}

/** The steps of a recipe that add a vector. Its numbers are those of float32, in the fewest digits that tell them apart. */
export function steeringSteps(directions: readonly Direction[], { strength, on }: Steering): readonly SteeringIntervention[] {
  return directions.map(({ layer, values }) => ({
    kind: 'steer',
    layer,
    action: 'add',
    values: Array.from(values, shortest),
    strength,
    ...(on === 'all' ? {} : { on }),
  }));
}

/** A vector in plain numbers. */
export function keptVector({ directions, ...said }: ControlVector): KeptVector {
  return { ...said, directions: directions.map(({ layer, values }) => ({ layer, values: Array.from(values, shortest) })) };
}

/** The vector that was kept. */
export function controlVector({ directions, ...said }: KeptVector): ControlVector {
  return { ...said, directions: directions.map(({ layer, values }) => ({ layer, values: Float32Array.from(values) })) };
}

/** Throws UserError for vectors that do not fit a model's residual, which is there at the input of each layer and after the last. */
export function checkDirections(
  directions: readonly { readonly layer: number; readonly values: ArrayLike<number> }[],
  { layers, dim }: { readonly layers: number; readonly dim?: number },
  name: string | Translatable,
): void {
  const wide = directions.find(({ values }) => dim !== undefined && values.length !== dim);
  if (wide !== undefined && dim !== undefined)
    throw new UserError(msg`${name} holds vectors of ${wide.values.length} numbers, and the model's residual has ${dim}.`);
  const outside = directions.find(({ layer }) => layer > layers);
  if (outside !== undefined)
    throw new UserError(
      msg`${name} holds direction.${outside.layer - 1}, for the output of layer ${outside.layer - 1}, and the last is ${layers - 1}.`,
    );
}

/** The vectors of a recipe's steps, each times its strength; of several at one place their sum. */
export function directionsOf(recipe: Recipe): readonly Direction[] {
  const sums = new Map<number, Float64Array>();
  for (const step of recipe) {
    if (step.kind !== 'steer') continue;
    const sum = sums.get(step.layer) ?? new Float64Array(step.values.length);
    sums.set(step.layer, sum);
    for (const [i, value] of step.values.entries()) sum[i] = at(sum, i) + step.strength * value;
  }
  return [...sums].map(([layer, sum]) => ({ layer, values: Float32Array.from(sum) })).toSorted((a, b) => a.layer - b.layer);
}

/** Decimal digits that tell every float32 from its neighbours. */
const FLOAT32_DIGITS = 9;

function shortest(value: number): number {
  return Number(value.toPrecision(FLOAT32_DIGITS));
}

/** Euclidean length. */
export function lengthOf(vector: ArrayLike<number>): number {
  return Math.sqrt(dot(vector, vector));
}

/** The vector's direction at this length; a vector of length 0 stays as it is. */
export function asLong(vector: ArrayLike<number>, length: number): Float32Array {
  const own = lengthOf(vector);
  return Float32Array.from(vector, (value) => (own === 0 ? value : (value / own) * length));
}

/** The mean of some vectors less that of others, each list with at least one. */
export function meanDifference(positive: readonly ArrayLike<number>[], negative: readonly ArrayLike<number>[]): Float32Array {
  const [up, down] = [meanOf(positive), meanOf(negative)];
  return Float32Array.from(up, (value, i) => value - at(down, i));
}

/** The mean of vectors, accumulated in float64. */
export function meanOf(vectors: readonly ArrayLike<number>[]): Float64Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i] = at(sum, i) + at(vector, i);
  return sum.map((value) => value / vectors.length);
}

/** The median; of an even count the mean of the two in the middle. Throws RangeError for none. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).toSorted();
  const middle = (sorted.length - 1) / 2;
  return (at(sorted, Math.floor(middle)) + at(sorted, Math.ceil(middle))) / 2;
}

/**
 * A vector of `width` numbers in a random direction, all directions being equally likely (normal numbers by Box and Muller), of this
 * length. The same seed gives the same direction.
 */
export function randomDirection(width: number, length: number, seed: number): Float32Array {
  const normal = new Float64Array(width);
  for (let i = 0; i < width; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformAt(seed, i)));
    const angle = 2 * Math.PI * uniformAt(seed, i + 1);
    normal[i] = radius * Math.cos(angle);
    if (i + 1 < width) normal[i + 1] = radius * Math.sin(angle);
  }
  return asLong(normal, length);
}
