import { surprisalBits } from '../../src/core/probability.ts';
import { at } from '../../src/core/tensor.ts';
import { sumsOf, unitsOf, type TokenRun } from '../../src/core/textUnits.ts';
import type { Explanation, Token } from '../../src/core/trace.ts';
import { visibleToken } from '../../src/core/visibleText.ts';
import { unitTokens } from './unitTokens.ts';

/** What a row of the table stands for. */
export const TABLE_UNITS = ['token', 'word'] as const;
/** What a row of the table stands for. */
export type TableUnit = (typeof TABLE_UNITS)[number];
/** Columns of the table, of tokens and of words. `count`: tokens of a word. */
export const TABLE_COLUMNS = ['index', 'text', 'bytes', 'id', 'count', 'probability', 'rank', 'bits', 'entropy', 'bitsPerByte'] as const;
/** Column of the table. */
export type TableColumn = (typeof TABLE_COLUMNS)[number];

const COLUMNS: Readonly<Record<TableUnit, readonly TableColumn[]>> = {
  token: ['index', 'text', 'bytes', 'id', 'probability', 'rank', 'bits', 'entropy'],
  word: ['index', 'text', 'bytes', 'count', 'probability', 'bits', 'bitsPerByte'],
};

/** The columns of a unit, in their order. A word of several tokens has no one id, rank or entropy. */
export function columnsOf(unit: TableUnit): readonly TableColumn[] {
  return COLUMNS[unit];
}

/** The items that rows stand for, in the order of the text. A word's log-probability is the sum of its tokens', so its bits are too. */
export interface TableItems {
  readonly unit: TableUnit;
  readonly explanation: Explanation;
  /** [items] the tokens of each. */
  readonly runs: readonly TokenRun[];
  /** [items] each as one token, with the text and bytes of all its tokens. */
  readonly units: readonly Token[];
  /** [items] text as shown. */
  readonly visible: readonly string[];
  /** [items] natural logarithm; NaN where a token of it was not predicted. */
  readonly logprob: Float32Array;
  /** [T] the item of each token. */
  readonly itemOf: Int32Array;
}

/** The items of a text, by tokens or by words. */
export function tableItems(explanation: Explanation, unit: TableUnit): TableItems {
  const { tokens, text } = explanation;
  const runs = unitsOf(tokens, text, unit);
  const units = unit === 'token' ? tokens : unitTokens(tokens, runs);
  const itemOf = new Int32Array(tokens.length);
  for (const [item, { first, end }] of runs.entries()) itemOf.fill(item, first, end);
  const logprob = unit === 'token' ? explanation.logprob : sumsOf(explanation.logprob, runs);
  return { unit, explanation, runs, units, visible: units.map(visibleToken), logprob, itemOf };
}

/** An item's bits for each of its bytes; NaN where it has none, or was not predicted. */
export function itemBitsPerByte({ units, logprob }: TableItems, item: number): number {
  const bytes = units[item]?.bytes.length ?? 0;
  return bytes === 0 ? Number.NaN : surprisalBits(at(logprob, item)) / bytes;
}

/** Which rows are shown, and in which order. */
export interface TableChoice {
  readonly sort: { readonly column: TableColumn; readonly descending: boolean };
  /** Only items whose text holds this one, in any case, as it is or as it is shown; empty: all. */
  readonly text: string;
  /** Only items with a token of this id; null: all. */
  readonly id: number | null;
  /** Only items of at least so many bits; 0: all. */
  readonly bits: number;
}

/**
 * The items that a choice leaves, in its order: equal ones as in the text, those without a number last. A column that the unit does not
 * have sorts as the text. `language` has the rules by which texts are sorted (BCP 47).
 */
export function chosenItems(items: TableItems, choice: TableChoice, language: string): Int32Array {
  const { runs } = items;
  const isLeft = filterOf(items, choice);
  const order = Int32Array.from(runs.keys()).filter(isLeft);
  const { column, descending } = choice.sort;
  if (!columnsOf(items.unit).includes(column)) return order;
  const sign = descending ? -1 : 1;
  if (column === 'text') {
    const compare = textComparison(items, language);
    return order.sort((a, b) => sign * compare(a, b) || a - b);
  }
  const keys = Float64Array.from(runs.keys(), (item) => measure(items, item, column));
  return order.sort((a, b) => compareNumbers(at(keys, a), at(keys, b), sign) || a - b);
}

function filterOf(items: TableItems, { text, id, bits }: TableChoice): (item: number) => boolean {
  const { runs, units, visible, logprob, explanation } = items;
  const wanted = text.toLowerCase();
  const holds = (item: number): boolean =>
    (visible[item] ?? '').toLowerCase().includes(wanted) || plainText(explanation, units[item]).toLowerCase().includes(wanted);
  const hasId = (item: number): boolean => {
    const run = runs[item];
    return run !== undefined && explanation.tokens.slice(run.first, run.end).some((token) => token.id === id);
  };
  return (item) =>
    (bits === 0 || surprisalBits(at(logprob, item)) >= bits) && (id === null || hasId(item)) && (wanted === '' || holds(item));
}

/** The characters that an item covers; of an added token its name. */
export function plainText({ text }: Pick<Explanation, 'text'>, unit: Token | undefined): string {
  return unit === undefined ? '' : unit.special ? unit.text : text.slice(unit.start, unit.end);
}

function measure(items: TableItems, item: number, column: Exclude<TableColumn, 'text'>): number {
  const { units, runs, logprob, explanation } = items;
  const first = runs[item]?.first ?? 0;
  switch (column) {
    case 'index':
      return first;
    case 'bytes':
      return units[item]?.bytes.length ?? 0;
    case 'id':
      return units[item]?.id ?? 0;
    case 'count':
      return (runs[item]?.end ?? 0) - first;
    case 'probability':
      return at(logprob, item);
    case 'rank':
      return at(explanation.rank, first) || Number.NaN;
    case 'bits':
      return -at(logprob, item);
    case 'entropy':
      return at(explanation.entropy, first);
    case 'bitsPerByte':
      return itemBitsPerByte(items, item);
  }
}

/** By their words first: a space before a word does not part it from the same word without one. */
function textComparison({ visible, units, explanation }: TableItems, language: string): (a: number, b: number) => number {
  const { compare } = new Intl.Collator(language);
  const trimmed = units.map((unit) => plainText(explanation, unit).trim());
  return (a, b) => compare(trimmed[a] ?? '', trimmed[b] ?? '') || compare(visible[a] ?? '', visible[b] ?? '');
}

function compareNumbers(a: number, b: number, sign: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return sign * (a - b);
}
