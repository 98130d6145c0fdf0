import { changed, computed, rowCount, rowLength, type Source } from './source.ts';
import { widen } from './widen.ts';

/** Numbers that are there already, as float32. */
export function given(numbers: readonly number[], shape: readonly number[]): Source {
  const all = Float32Array.from(numbers);
  return computed({ shape }, async (first, count) => all.subarray(first * rowLength(shape), (first + count) * rowLength(shape)));
}

/**
 * Reordered columns, as float32: column c is the source's column `columnOf(c)`. `keepsGroups`: whether those that share a scale stay
 * together, so that the matrix can also be read in quantised form.
 */
export function gatheredColumns(source: Source, columnOf: (column: number) => number, keepsGroups: boolean): Source {
  const width = rowLength(source.shape);
  const columns = Array.from({ length: width }, (_, column) => columnOf(column));
  const { blocks } = source;
  const made = computed(source, async (first, count) => {
    const stored = widen(await source.rows(first, count), source.dtype);
    const out = new Float32Array(count * width);
    for (let row = 0; row < count; row++)
      for (const [column, from] of columns.entries()) out[row * width + column] = stored[row * width + from] ?? 0;
    return out;
  });
  return blocks === null || !keepsGroups ? made : { ...made, blocks: { ...blocks, columnOf } };
}

/** Rows of sources of one shape in turns: of two, row 2 r is row r of the first, row 2 r + 1 row r of the second. */
export function woven(sources: readonly [Source, ...Source[]]): Source {
  const [first] = sources;
  const turns = sources.length;
  const shape = [rowCount(first.shape) * turns, ...(first.shape.length > 1 ? [rowLength(first.shape)] : [])];
  const all = sources.every(({ dtype }) => dtype === first.dtype) ? sources : sources.map((source) => changed(source, (value) => value));
  const weave =
    (parts: readonly Source['rows'][]): Source['rows'] =>
    async (from, count) => {
      const low = Math.floor(from / turns);
      const rows = Math.ceil((from + count) / turns) - low;
      const read = await Promise.all(parts.map((part) => part(low, rows)));
      const bytes = (read[0]?.length ?? 0) / rows;
      const out = new Uint8Array(count * bytes);
      for (let i = 0; i < count; i++) {
        const start = (Math.floor((from + i) / turns) - low) * bytes;
        out.set(read[(from + i) % turns]?.subarray(start, start + bytes) ?? [], i * bytes);
      }
      return out;
    };
  const blocks = all.flatMap((source) =>
    source.blocks !== null && source.blocks.type === first.blocks?.type && source.blocks.columnOf === undefined ? [source.blocks] : [],
  );
  return {
    dtype: all[0]?.dtype ?? first.dtype,
    shape,
    place: null,
    rows: weave(all.map((source) => source.rows)),
    blocks:
      first.blocks !== null && blocks.length === turns
        ? { type: first.blocks.type, shape: [rowCount(shape), rowLength(shape)], rows: weave(blocks.map((block) => block.rows)) }
        : null,
  };
}
