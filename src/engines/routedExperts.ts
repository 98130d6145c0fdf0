import { UserError } from '../core/errors.ts';
import { integersOf, npyIntegers } from '../core/npy.ts';
import type { ServedRouting } from '../core/servedBy.ts';
import type { ExpertRouting } from '../core/trace.ts';
import { msg, type Translatable } from '../core/translatable.ts';
import type { AnswerPart } from './engineAnswer.ts';

/** The experts that an engine says a prompt's tokens were routed to. */
export interface RoutedExperts {
  readonly told: ServedRouting;
  /** [tokens, chosen] numbers of experts, by the layer. */
  readonly ids: ReadonlyMap<number, Int32Array>;
}

/** Called with what an engine told of experts, or with why that cannot be used. */
export type OnExperts = (told: RoutedExperts | UserError) => void;

/** No model has more experts in a layer: what is beyond is a mark for "none", or another kind of numbers. */
const MOST_EXPERTS = 4096;
/** No model routes a token to more experts of a layer. */
const MOST_CHOSEN = 64;
/** How many experts a token is routed to is told from its numbers alone where they would look so by chance this rarely. */
const RARELY = 1e-6;

/** Calls `onExperts` with what `read` makes of an answer, which stays usable where that fails. */
export function tellExperts(onExperts: OnExperts, read: () => RoutedExperts): void {
  try {
    onExperts(read());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    onExperts(error);
  }
}

/** What vLLM tells: a file of NumPy's, [tokens, layers, chosen], in base64. Layers without experts are zeros. Throws UserError. */
export function npyExperts(answer: AnswerPart, host: string, tokens: number): RoutedExperts {
  const read = npyIntegers(answer.bytes());
  if (read === null) throw unusable(host, msg`they are no whole array of whole numbers, as NumPy writes it`);
  const [rows, layers = 0, chosen = 0] = read.dims;
  if (read.dims.length !== 3 || rows !== tokens || layers === 0 || chosen === 0)
    throw unusable(host, msg`an array of ${read.dims.join(' × ')} is none of ${tokens} tokens, layers and experts`);
  checkNumbers(host, read.values);
  return routedOf(host, read.values, { tokens, layers, chosen });
}

/** Types in which SGLang writes numbers; unnamed: the first. */
const TYPES = ['int32', 'uint16', 'uint8'] as const;

/**
 * What SGLang tells: the numbers of an array [tokens, layers, chosen] in base64, without its shape. `type`: where the answer names the type
 * of the numbers. Throws UserError, for a text too short to tell the shape too.
 */
export function plainExperts(answer: AnswerPart, type: AnswerPart, host: string, tokens: number): RoutedExperts {
  const name = type.isThere ? type.text() : TYPES[0];
  const known = TYPES.find((one) => one === name);
  if (known === undefined) throw unusable(host, msg`numbers of the type ${name} are not known`);
  const bytes = answer.bytes();
  const values = integersOf(bytes, known);
  const width = (values?.length ?? 0) / tokens;
  if (values === null || width === 0 || !Number.isInteger(width))
    throw unusable(host, msg`${bytes.length} bytes are none of ${tokens} tokens`);
  checkNumbers(host, values);
  const chosen = chosenOf(values, tokens, width);
  if (chosen === null)
    throw unusable(
      host,
      msg`how many experts a token is routed to is not told, and cannot be told from the numbers of ${tokens} tokens: a longer text may do`,
    );
  return routedOf(host, values, { tokens, layers: width / chosen, chosen });
}

/** The experts of a layer, as views ask for them. Throws RangeError for a layer of which none are told. */
export function routingOf({ told, ids }: RoutedExperts, layer: number): ExpertRouting {
  const own = ids.get(layer);
  if (own === undefined) throw new RangeError(`Layer ${layer} has no experts.`);
  return { layer, count: told.least, chosen: told.chosen, ids: own, weights: null };
}

function checkNumbers(host: string, values: Int32Array): void {
  const wrong = values.find((id) => id < 0 || id >= MOST_EXPERTS);
  if (wrong !== undefined) throw unusable(host, msg`${wrong} is no number of an expert`);
  if (values.every((id) => id === 0)) throw unusable(host, msg`all of its numbers are 0`);
}

interface Shape {
  readonly tokens: number;
  readonly layers: number;
  readonly chosen: number;
}

/** The layers in which tokens are routed, each token to as many different experts. Throws UserError where that is not so. */
function routedOf(host: string, values: Int32Array, { tokens, layers, chosen }: Shape): RoutedExperts {
  const ids = new Map<number, Int32Array>();
  let largest = 0;
  for (let layer = 0; layer < layers; layer++) {
    const own = new Int32Array(tokens * chosen);
    for (let token = 0; token < tokens; token++) {
      const start = (token * layers + layer) * chosen;
      own.set(values.subarray(start, start + chosen), token * chosen);
    }
    if (own.every((id) => id === 0)) continue;
    for (let token = 0; token < tokens; token++)
      if (!areDistinct(own, token * chosen, chosen))
        throw unusable(host, msg`of layer ${layer} it names an expert twice for token ${token}`);
    largest = own.reduce((most, id) => Math.max(most, id), largest);
    ids.set(layer, own);
  }
  return { told: { layers: [...ids.keys()], chosen, least: largest + 1 }, ids };
}

/**
 * How many experts each token is routed to in a layer, from the numbers [tokens, width] of all layers one after another: the most that
 * names no expert twice for a token in a layer. Null: fewer would look the same by chance.
 */
function chosenOf(values: Int32Array, tokens: number, width: number): number | null {
  const possible = Array.from({ length: Math.min(width, MOST_CHOSEN) }, (_, index) => index + 1).filter(
    (chosen) => width % chosen === 0 && splits(values, chosen, width),
  );
  const chosen = possible.at(-1);
  if (chosen === undefined) return null;
  const experts = values.reduce((most, id) => Math.max(most, id), 0) + 1;
  // If each token were routed to a part of `chosen`, layers would lie together that never name the same expert.
  const part = Array.from({ length: chosen }, (_, index) => index + 1).findLast((one) => one < chosen && chosen % one === 0);
  if (part === undefined) return chosen;
  if (hasEmptyColumn(values, chosen, width)) return null;
  let apart = 1;
  for (let index = 0; index < part; index++) apart *= Math.max(0, experts - part - index) / (experts - index);
  const routed = groupsOf(values, chosen, width).filter((isEmpty) => !isEmpty).length;
  return apart ** (routed * tokens) < RARELY ? chosen : null;
}

/** Whether groups of so many numbers name no expert twice, in all layers but those that are zeros throughout. */
function splits(values: Int32Array, chosen: number, width: number): boolean {
  const isEmpty = groupsOf(values, chosen, width);
  for (let start = 0; start < values.length; start += chosen)
    if (isEmpty[(start % width) / chosen] !== true && !areDistinct(values, start, chosen)) return false;
  return true;
}

/** Whether each group of numbers in a row is zeros for all tokens. */
function groupsOf(values: Int32Array, size: number, width: number): readonly boolean[] {
  const isEmpty = Array.from({ length: width / size }, () => true);
  for (const [index, value] of values.entries()) if (value !== 0) isEmpty[Math.floor((index % width) / size)] = false;
  return isEmpty;
}

/** Whether a layer has a column of zeros beside one of numbers: a layer of its own, without experts, looks the same. */
function hasEmptyColumn(values: Int32Array, chosen: number, width: number): boolean {
  const layers = groupsOf(values, chosen, width);
  return groupsOf(values, 1, width).some((isEmpty, column) => isEmpty && layers[Math.floor(column / chosen)] !== true);
}

function areDistinct(ids: Int32Array, start: number, count: number): boolean {
  for (let i = start + 1; i < start + count; i++) for (let j = start; j < i; j++) if (ids[i] === ids[j]) return false;
  return true;
}

function unusable(host: string, reason: Translatable): UserError {
  return new UserError(msg`What ${host} tells of the experts of tokens cannot be used: ${reason}.`);
}
