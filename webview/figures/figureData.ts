import { npyBytes } from '../../src/core/npy.ts';
import type { Token } from '../../src/core/trace.ts';
import { tableText, type TableCell, type TableFormat } from '../../src/core/tableText.ts';

/** One axis of a grid: what it counts, such as `query`, and the text of each place. */
export interface GridAxis {
  readonly name: string;
  readonly labels: readonly string[];
}

/** The numbers behind a figure, exact, to be saved: a grid of them, or a table with a row an item. */
export type FigureData =
  | {
      readonly kind: 'grid';
      /** What the numbers are, such as `weight`. */
      readonly value: string;
      readonly rows: GridAxis;
      readonly columns: GridAxis;
      /** [rows, columns]; NaN: none. */
      readonly values: Float32Array;
    }
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly rows: readonly (readonly TableCell[])[] };

/** An axis of a grid that counts a text's tokens. */
export function tokenAxis(name: string, tokens: readonly Pick<Token, 'text'>[]): GridAxis {
  return { name, labels: tokens.map(({ text }) => text) };
}

/**
 * The numbers as a table. Of a grid a line a cell that has a number: the index and the text of its row and of its column, and the number.
 */
export function figureTable(data: FigureData, format: TableFormat): string {
  return data.kind === 'table' ? tableText(data.columns, data.rows, format) : tableText(gridColumns(data), gridRows(data), format);
}

type Grid = Extract<FigureData, { readonly kind: 'grid' }>;

function gridColumns({ rows, columns, value }: Grid): readonly string[] {
  return [rows.name, `${rows.name}_text`, columns.name, `${columns.name}_text`, value];
}

function* gridRows({ rows, columns, values }: Grid): Generator<readonly TableCell[]> {
  for (const [row, rowText] of rows.labels.entries())
    for (const [column, columnText] of columns.labels.entries()) {
      const value = values[row * columns.labels.length + column] ?? NaN;
      if (!Number.isNaN(value)) yield [row, rowText, column, columnText, value];
    }
}

/** The numbers as JSON: of a grid its axes and a list a row, of a table an object a row. What is not known is null. */
export function figureJson(data: FigureData): string {
  if (data.kind === 'table')
    return `${JSON.stringify(
      data.rows.map((row) => Object.fromEntries(data.columns.map((name, i) => [name, jsonCell(row[i] ?? null)]))),
      null,
      1,
    )}\n`;
  const { value, rows, columns, values } = data;
  const side = columns.labels.length;
  const lines = rows.labels.map((_, row) => JSON.stringify(Array.from(values.subarray(row * side, (row + 1) * side), jsonCell)));
  return `{"value":${JSON.stringify(value)},\n"axes":${JSON.stringify([rows, columns])},\n"values":[\n${lines.join(',\n')}\n]}\n`;
}

function jsonCell(value: TableCell): TableCell {
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) ? Number(value.toPrecision(9)) : null;
}

/** The numbers of a grid as NumPy's own file, [rows, columns]. */
export function figureNpy({ rows, columns, values }: Grid): Uint8Array<ArrayBuffer> {
  return npyBytes(values, [rows.labels.length, columns.labels.length]);
}
