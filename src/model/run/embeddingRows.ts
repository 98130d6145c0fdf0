import { tensor, type Tensor } from '../../core/tensor.ts';
import type { Weight } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { WEIGHT_BYTES, widen } from '../formats/widen.ts';

/** Rows at most this far apart in the file are read at once. */
const NEAR_ROWS = 16;

/** Rows `ids` of a stored table [rows, D], read from its file without the rest: [ids, D]. Every id must be inside the table. */
export async function readRows(files: ModelFiles, table: Weight, ids: Int32Array): Promise<Tensor> {
  const [, dim = 0] = table.shape;
  const out = new Float32Array(ids.length * dim);
  const positions = new Map<number, number[]>();
  for (const [position, id] of ids.entries()) positions.set(id, [...(positions.get(id) ?? []), position]);
  const rowBytes = dim * WEIGHT_BYTES[table.dtype];
  await Promise.all(
    runs([...positions.keys()]).map(async ({ first, last }) => {
      const bytes = await files.read(table.file, table.offset + first * rowBytes, (last - first + 1) * rowBytes);
      const rows = widen(bytes, table.dtype);
      for (let id = first; id <= last; id++) {
        for (const position of positions.get(id) ?? []) out.set(rows.subarray((id - first) * dim, (id - first + 1) * dim), position * dim);
      }
    }),
  );
  return tensor([ids.length, dim], out);
}

/** Ascending runs that cover the ids, with gaps of less than NEAR_ROWS inside a run. */
function runs(ids: readonly number[]): { first: number; last: number }[] {
  const found: { first: number; last: number }[] = [];
  for (const id of ids.toSorted((a, b) => a - b)) {
    const open = found.at(-1);
    if (open !== undefined && id - open.last < NEAR_ROWS) open.last = id;
    else found.push({ first: id, last: id });
  }
  return found;
}
