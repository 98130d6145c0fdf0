/** A cell of a table: what is not known is null. */
export type TableCell = string | number | null;

/** How the cells of a row are told apart: comma-separated values, or tab-separated ones. */
export type TableFormat = 'csv' | 'tsv';

const SEPARATORS: Readonly<Record<TableFormat, string>> = { csv: ',', tsv: '\t' };

/**
 * Rows as text, the names of the columns first, each line ended by CR LF (RFC 4180). A text that a spreadsheet would run as a formula, as
 * it begins with = + - @, a tab or a line end, has an apostrophe before it; numbers have as many digits as tell one float32 from the next.
 */
export function tableText(columns: readonly string[], rows: Iterable<readonly TableCell[]>, format: TableFormat): string {
  const lines = [columns, ...rows].map((row) => row.map((value) => tableCell(value, format)).join(SEPARATORS[format]));
  return `${lines.join('\r\n')}\r\n`;
}

/** One cell as text. */
export function tableCell(value: TableCell, format: TableFormat): string {
  if (value === null) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(Number(value.toPrecision(9))) : '';
  const inert = inertCell(value);
  return inert.includes(SEPARATORS[format]) || /["\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/** A text that no spreadsheet runs. */
export function inertCell(text: string): string {
  return /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
}
