import { isAtMost } from '../../src/core/atMost.ts';
import { surprisalBits } from '../../src/core/probability.ts';
import { isTold } from '../../src/core/servedBy.ts';
import { tableText, type TableCell, type TableFormat } from '../../src/core/tableText.ts';
import { at } from '../../src/core/tensor.ts';
import { hexBytes } from '../../src/core/visibleText.ts';
import { itemBitsPerByte, plainText, type TableItems } from './tokenTable.ts';

type Field = number | string | readonly number[] | null;
type Row = Readonly<Record<string, Field>>;

/**
 * Rows of the table as separated values with a heading. Texts are JSON strings, so that each row is one line and no token is a formula to a
 * spreadsheet; several ids are joined by spaces; what is not known is empty.
 */
export function itemsAsTable(items: TableItems, order: Iterable<number>, format: TableFormat): string {
  const rows = Array.from(order, (item) => rowOf(items, item));
  const cells = rows.map((row) => Object.entries(row).map(([name, value]) => cellOf(name, value)));
  return tableText(Object.keys(rows[0] ?? {}), cells, format);
}

/** Rows of the table as a JSON array, an object a row; what is not known is null. */
export function itemsAsJson(items: TableItems, order: Iterable<number>): string {
  return `${JSON.stringify(
    Array.from(order, (item) => rowOf(items, item)),
    null,
    2,
  )}\n`;
}

/**
 * A row in names and units of the exports: UTF-16 offsets, bytes in hexadecimal, natural log-probability, bits. A token that is part of a
 * character has the whole character as its text.
 */
function rowOf(items: TableItems, item: number): Row {
  const { explanation, runs, units, logprob, unit } = items;
  const [run = { first: 0, end: 0 }, one] = [runs[item], units[item]];
  const own = explanation.tokens.slice(run.first, run.end);
  // Of an engine's tokens the ids that it tells.
  const ids = own.flatMap(({ id }) => (isTold(id) ? [id] : []));
  const place = {
    index: run.first,
    ...(unit === 'token' ? { id: ids[0] ?? null } : { tokens: own.length, ids }),
    text: plainText(explanation, one),
    bytes: hexBytes(one?.bytes ?? []),
    start: one?.start ?? null,
    end: one?.end ?? null,
  };
  // What an engine's token is at most is no number of its own.
  const value = own.some(({ index }) => isAtMost(explanation, index)) ? Number.NaN : at(logprob, item);
  const scores = { logprob: known(value), probability: known(Math.exp(value)), bits: known(surprisalBits(value)) };
  return unit === 'token'
    ? { ...place, ...scores, rank: at(explanation.rank, run.first) || null, entropy: known(at(explanation.entropy, run.first)) }
    : { ...place, ...scores, bitsPerByte: Number.isNaN(value) ? null : known(itemBitsPerByte(items, item)) };
}

/** As many digits as tell one float32 number from the next; null where there is no number. */
function known(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : null;
}

function cellOf(name: string, value: Field): TableCell {
  if (name === 'text') return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? value.join(' ') : value;
}
