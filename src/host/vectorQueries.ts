// Questions of the page about vectors: data from outside, believed only after it was looked at.
import type { TableVector, VectorTerm } from '../core/vectors.ts';
import type { Query, QueryPlace } from '../protocol/messages.ts';

/** What the page asks about at once stays small enough to answer at once. */
const MAX_WORDS = 64;
const MAX_WORD_UNITS = 200;
const MAX_TEXT_UNITS = 20_000;
const MAX_TERMS = 16;
const MAX_IDS = 256;
const MAX_COUNT = 200;
/** Tokens of a text that the panel names by its ids. */
const MAX_TEXT_IDS = 131_072;

type Fields = Readonly<Record<string, unknown>>;

/** `value` as a question about vectors, or undefined where it is none. */
export function parseVectorQuery({ name, text, texts, vector, vectors, layer, token, count, first, second }: Fields): Query | undefined {
  switch (name) {
    case 'readText':
      return isText(text, MAX_TEXT_UNITS) ? { name, text } : undefined;
    case 'words':
      return isList(texts, MAX_WORDS, (item): item is string => isText(item, MAX_WORD_UNITS)) ? { name, texts } : undefined;
    case 'neighbours':
      return isVector(vector) && isWanted(count) ? { name, vector, count } : undefined;
    case 'vectorMap':
      return isList(vectors, MAX_WORDS, isVector) ? { name, vectors } : undefined;
    case 'lensTop':
      return isCount(layer) && isCount(token) && isWanted(count) ? { name, layer, token, count } : undefined;
    case 'similarity':
      return isCount(layer) || layer === -1 ? { name, layer } : undefined;
    case 'wordByLayer':
      return isPlace(first) && isPlace(second) ? { name, first: { ids: first.ids, token: first.token }, second: { ids: second.ids, token: second.token } } : undefined;
    default:
      return undefined;
  }
}

function isVector(value: unknown): value is TableVector {
  return isList(value, MAX_TERMS, isTerm);
}

function isTerm(value: unknown): value is VectorTerm {
  return isFields(value) && isList(value['ids'], MAX_IDS, isCount) && typeof value['weight'] === 'number' && Math.abs(value['weight']) <= 1000;
}

function isPlace(value: unknown): value is QueryPlace {
  return isFields(value) && isCount(value['token']) && (value['ids'] === null || isList(value['ids'], MAX_TEXT_IDS, isCount));
}

function isList<Item>(value: unknown, most: number, isItem: (item: unknown) => item is Item): value is readonly Item[] {
  return Array.isArray(value) && value.length > 0 && value.length <= most && value.every(isItem);
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most;
}

function isWanted(value: unknown): value is number {
  return isCount(value) && value > 0 && value <= MAX_COUNT;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
