import type { Explanation } from '../../src/core/trace.ts';
import type { LensGrid } from './lensGrid.ts';

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

/**
 * The logit lens as comma-separated values, a line a cell: layer 0 is the input of the first block, i comes after block i - 1. Texts
 * are JSON strings, so that each line is one line and no token is a formula to a spreadsheet. Empty where nothing follows. Throws
 * RangeError for a grid that has not been read whole.
 */
export function lensTable(grid: LensGrid, { tokens }: Pick<Explanation, 'tokens'>): string {
  const lines = [HEADER.join()];
  for (let layer = 0; layer < grid.layers; layer++)
    for (const { index, text } of tokens) {
      const cell = grid.cell(layer, index);
      if (cell === undefined) throw new RangeError(`Layer ${layer} at position ${index} has not been read.`);
      const next = tokens[index + 1];
      lines.push(
        [
          layer,
          index,
          quoted(text),
          cell.topId,
          quoted(cell.piece),
          float32(cell.topProb),
          ...(next === undefined ? ['', '', ''] : [quoted(next.text), cell.nextRank, float32(cell.nextProb)]),
          float32(cell.entropy),
          float32(cell.kl),
        ].join(),
      );
    }
  return `${lines.join('\r\n')}\r\n`;
}

/** As JSON writes it, and that as a field: quotes doubled. */
function quoted(text: string): string {
  return `"${JSON.stringify(text).replaceAll('"', '""')}"`;
}

/** As many digits as tell one float32 number from the next. */
function float32(value: number): string {
  return String(Number(value.toPrecision(9)));
}
