import type { Explanation } from '../../src/core/trace.ts';
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
 * The lens as comma-separated values, a line a cell: layer 0 is the input of the first block, i comes after block i - 1; where a block's
 * steps are apart, the block and its step in place of that. Texts are JSON strings, so that each line is one line and no token is a formula
 * to a spreadsheet. Empty where nothing follows. Throws RangeError for a grid that has not been read whole.
 */
export function lensTable(grid: LensGrid, { tokens }: Pick<Explanation, 'tokens'>): string {
  const [, , ...columns] = HEADER;
  const steps = ['block', 'after', 'position'];
  const header = { blocks: HEADER, steps: [...steps, ...columns], added: ['block', 'step', 'position', ...ADDED_HEADER] }[grid.rows];
  const lines = [header.join()];
  for (let layer = 0; layer < grid.layers; layer++) {
    const { block, after } = lensPlace(grid.rows, layer);
    const place = grid.rows === 'blocks' ? [layer] : [block < 0 ? '' : block, after];
    for (const { index, text } of tokens) {
      const fields = fieldsAt(grid, layer, index, tokens[index + 1]?.text);
      if (fields === undefined) throw new RangeError(`Layer ${layer} at position ${index} has not been read.`);
      lines.push([...place, index, quoted(text), ...fields].join());
    }
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** What a cell has, `next` being the text of the token that follows; undefined: it has not been read. */
function fieldsAt(grid: LensGrid, layer: number, index: number, next: string | undefined): readonly (string | number)[] | undefined {
  const added = grid.added(layer, index);
  if (added !== undefined)
    return [
      added.raisedId,
      quoted(added.piece),
      float32(added.raised),
      quoted(added.loweredPiece),
      float32(added.lowered),
      ...(next === undefined ? ['', '', ''] : [quoted(next), added.nextRank, float32(added.next)]),
    ];
  const cell = grid.cell(layer, index);
  if (cell === undefined) return undefined;
  return [
    cell.topId,
    quoted(cell.piece),
    float32(cell.topProb),
    ...(next === undefined ? ['', '', ''] : [quoted(next), cell.nextRank, float32(cell.nextProb)]),
    float32(cell.entropy),
    float32(cell.kl),
  ];
}

/** As JSON writes it, and that as a field: quotes doubled. */
function quoted(text: string): string {
  return `"${JSON.stringify(text).replaceAll('"', '""')}"`;
}

/** As many digits as tell one float32 number from the next. */
function float32(value: number): string {
  return String(Number(value.toPrecision(9)));
}
