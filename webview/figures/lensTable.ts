import { tableText, type TableCell, type TableFormat } from '../../src/core/tableText.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { figureJson } from './figureData.ts';
import { lensPlace, type LensGrid } from './lensGrid.ts';

const HEADER = [
  'layer',
  'position',
  'token',
  'top_id',
  'top_token',
  'top_probability',
  'next_token',
  'next_rank',
  'next_probability',
  'entropy_bits',
  'kl_bits',
];

/** Columns of texts. */
const TEXTS: ReadonlySet<string> = new Set(['token', 'top_token', 'raised_token', 'lowered_token', 'next_token']);

const ADDED_HEADER = [
  'token',
  'raised_id',
  'raised_token',
  'raised_logits',
  'lowered_token',
  'lowered_logits',
  'next_token',
  'next_rank',
  'next_logits',
];

/**
 * The lens as a table, a row a cell: layer 0 is the input of the first block, i comes after block i - 1; where a block's steps are apart,
 * the block and its step in place of that. In separated values texts are JSON strings, so that each row is one line and no token is a
 * formula to a spreadsheet. Null where nothing follows. Throws RangeError for a grid that has not been read whole.
 */
export function lensTable(grid: LensGrid, { tokens }: Pick<Explanation, 'tokens'>, format: TableFormat | 'json'): string {
  const [, , ...shared] = HEADER;
  const steps = ['block', 'after', 'position'];
  const columns = { blocks: HEADER, steps: [...steps, ...shared], added: ['block', 'step', 'position', ...ADDED_HEADER] }[grid.rows];
  const texts = new Set(columns.flatMap((name, index) => (TEXTS.has(name) ? [index] : [])));
  const rows: (readonly TableCell[])[] = [];
  for (let layer = 0; layer < grid.layers; layer++) {
    const { block, after } = lensPlace(grid.rows, layer);
    const place = grid.rows === 'blocks' ? [layer] : [block < 0 ? null : block, after];
    for (const { index, text } of tokens) {
      const fields = fieldsAt(grid, layer, index, tokens[index + 1]?.text);
      if (fields === undefined) throw new RangeError(`Layer ${layer} at position ${index} has not been read.`);
      rows.push([...place, index, text, ...fields]);
    }
  }
  if (format === 'json') return figureJson({ kind: 'table', columns, rows });
  const written = rows.map((row) => row.map((value, index) => (value !== null && texts.has(index) ? JSON.stringify(value) : value)));
  return tableText(columns, written, format);
}

/** What a cell has, `next` being the text of the token that follows; undefined: it has not been read. */
function fieldsAt(grid: LensGrid, layer: number, index: number, next: string | undefined): readonly TableCell[] | undefined {
  const added = grid.added(layer, index);
  if (added !== undefined)
    return [
      added.raisedId,
      added.piece,
      added.raised,
      added.loweredPiece,
      added.lowered,
      ...(next === undefined ? [null, null, null] : [next, added.nextRank, added.next]),
    ];
  const cell = grid.cell(layer, index);
  if (cell === undefined) return undefined;
  return [
    cell.topId,
    cell.piece,
    cell.topProb,
    ...(next === undefined ? [null, null, null] : [next, cell.nextRank, cell.nextProb]),
    cell.entropy,
    cell.kl,
  ];
}
