import type { ModelFiles } from './modelFiles.ts';
import type { StoredTensor } from './storedTensor.ts';
import { WEIGHT_BYTES, isWeightType, widen, type WeightType } from './widen.ts';

/**
 * A tensor in Hugging Face's form, computed on demand from stored ones. It is read by rows along the last axis; in a vector
 * each number is a row, so that numbers can be reordered like the rows of a matrix.
 */
export interface Source {
  readonly dtype: WeightType;
  readonly shape: readonly number[];
  /** Bytes of `count` rows from row `first`. */
  rows(first: number, count: number): Promise<Uint8Array>;
  /** Location of exactly these numbers in a file; null where they are computed. */
  readonly place: Pick<StoredTensor, 'file' | 'offset' | 'length'> | null;
  /** The rows in quantised form; null where the file does not hold them so. */
  readonly blocks: BlockRows | null;
}

/** Rows as stored in a file, in blocks of a quantised type. */
export interface BlockRows {
  readonly type: string;
  /** Number of rows and row length: a matrix's outputs and inputs, even where it is read transposed. */
  readonly shape: readonly [out: number, width: number];
  /** Bytes of the blocks of `count` rows from row `first`. */
  rows(first: number, count: number): Promise<Uint8Array>;
  /** The column in these rows that is a column of the matrix, where they stand in another order: whole groups of them do. */
  readonly columnOf?: (column: number) => number;
}

/** Length of a row. */
export function rowLength(shape: readonly number[]): number {
  return shape.length > 1 ? (shape.at(-1) ?? 1) : 1;
}

/** Number of rows. */
export function rowCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1) / rowLength(shape);
}

function rowBytes({ shape, dtype }: Pick<Source, 'shape' | 'dtype'>): number {
  return rowLength(shape) * WEIGHT_BYTES[dtype];
}

/** A tensor that is stored as it is read. Throws an Error for one of another type. */
export function plainSource(files: ModelFiles, { name, dtype, shape, file, offset, length }: StoredTensor): Source {
  if (!isWeightType(dtype)) throw new Error(`${name} is not stored as floating-point numbers.`);
  const bytes = rowBytes({ shape, dtype });
  return {
    dtype,
    shape,
    rows: (first, count) => files.read(file, offset + first * bytes, count * bytes),
    place: { file, offset, length },
    blocks: null,
  };
}

/** The same numbers in another shape with rows of the same length, or between a vector and a matrix of one row. */
export function reshaped(source: Source, shape: readonly number[]): Source {
  if (rowLength(shape) === rowLength(source.shape)) return { ...source, shape };
  // A matrix of one row read as a vector, or a vector as a matrix of one row: a number is there what a row is here.
  const numbers = WEIGHT_BYTES[source.dtype];
  const own = rowBytes(source);
  const wanted = rowLength(shape) * numbers;
  return {
    ...source,
    shape,
    blocks: null,
    rows: async (first, count) => {
      const from = Math.floor((first * wanted) / own);
      const to = Math.ceil(((first + count) * wanted) / own);
      const bytes = await source.rows(from, to - from);
      return bytes.slice(first * wanted - from * own, (first + count) * wanted - from * own);
    },
  };
}

/** The rows from row `first` that fill `shape`. */
export function sliced(source: Source, first: number, shape: readonly number[]): Source {
  const bytes = rowBytes(source);
  const { place, blocks } = source;
  return {
    dtype: source.dtype,
    shape,
    blocks:
      blocks === null
        ? null
        : { ...blocks, shape: [rowCount(shape), rowLength(shape)], rows: (from, count) => blocks.rows(first + from, count) },
    rows: (from, count) => source.rows(first + from, count),
    place: place === null ? null : { file: place.file, offset: place.offset + first * bytes, length: rowCount(shape) * bytes },
  };
}

/** Reordered rows: row r is the source's row `rowOf(r)`. Rows in between are read too. */
export function gathered(source: Source, rowOf: (row: number) => number): Source {
  const { blocks } = source;
  const gather =
    (rows: Source['rows']): Source['rows'] =>
    async (first, count) => {
      const wanted = Array.from({ length: count }, (_, i) => rowOf(first + i));
      const from = wanted.reduce((least, row) => Math.min(least, row), Infinity);
      const to = wanted.reduce((most, row) => Math.max(most, row), 0);
      const all = await rows(from, to - from + 1);
      const bytes = all.length / (to - from + 1);
      const out = new Uint8Array(count * bytes);
      for (const [i, row] of wanted.entries()) out.set(all.subarray((row - from) * bytes, (row - from + 1) * bytes), i * bytes);
      return out;
    };
  return { ...source, place: null, rows: gather(source.rows), blocks: blocks === null ? null : { ...blocks, rows: gather(blocks.rows) } };
}

/** What `change` makes of each number, as float32. */
export function changed(source: Source, change: (value: number) => number): Source {
  return computed(source, async (first, count) => widen(await source.rows(first, count), source.dtype).map(change));
}

/** Each number plus `offset`, as float32. */
export function shifted(source: Source, offset: number): Source {
  return changed(source, (value) => value + offset);
}

/** A transposed matrix: any row requires reading all of it. */
export function transposed(source: Source): Source {
  const [rows = 0, width = 0] = source.shape;
  const size = WEIGHT_BYTES[source.dtype];
  return {
    dtype: source.dtype,
    shape: [width, rows],
    place: null,
    blocks: source.blocks,
    rows: async (first, count) => {
      const all = await source.rows(0, rows);
      const out = new Uint8Array(count * rows * size);
      const [from, to] =
        size === 4
          ? [new Uint32Array(all.slice().buffer), new Uint32Array(out.buffer)]
          : [new Uint16Array(all.slice().buffer), new Uint16Array(out.buffer)];
      for (let row = 0; row < count; row++) for (let i = 0; i < rows; i++) to[row * rows + i] = from[i * width + first + row] ?? 0;
      return out;
    },
  };
}

/** Concatenated rows of several sources, in the widest of their types. */
export function stacked(sources: readonly Source[]): Source {
  const [first] = sources;
  if (first === undefined) throw new Error('Nothing to stack.');
  const dtype = sources.every((source) => source.dtype === first.dtype) ? first.dtype : 'F32';
  const counts = sources.map(({ shape }) => rowCount(shape));
  const shape = [counts.reduce((sum, count) => sum + count, 0), ...first.shape.slice(-1)];
  return {
    dtype,
    shape,
    place: null,
    blocks: null,
    rows: async (from, count) => {
      const parts: Uint8Array[] = [];
      let start = 0;
      for (const [i, source] of sources.entries()) {
        const end = start + (counts[i] ?? 0);
        const [low, high] = [Math.max(from, start), Math.min(from + count, end)];
        if (high > low) {
          const bytes = await source.rows(low - start, high - low);
          parts.push(source.dtype === dtype ? bytes : bytesOf(widen(bytes, source.dtype)));
        }
        start = end;
      }
      return joined(parts);
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The bytes of float32 numbers, not copied. */
export function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}

/** `length` bytes from byte `offset` on. */
export async function readBytes(source: Source, offset: number, length: number): Promise<Uint8Array> {
  const bytes = rowBytes(source);
  const first = Math.floor(offset / bytes);
  const rows = await source.rows(first, Math.ceil((offset + length) / bytes) - first);
  return rows.slice(offset - first * bytes, offset - first * bytes + length);
}

/** Numbers of a shape, whose rows are computed as float32. */
export function computed({ shape }: Pick<Source, 'shape'>, rows: (first: number, count: number) => Promise<Float32Array>): Source {
  return { dtype: 'F32', shape, place: null, blocks: null, rows: async (first, count) => bytesOf(await rows(first, count)) };
}

/** All numbers of a stored tensor, as float32. Throws an Error for one that is not of floating-point numbers. */
export async function floatsOf(files: ModelFiles, { name, dtype, file, offset, length }: StoredTensor): Promise<Float32Array> {
  if (!isWeightType(dtype)) throw new Error(`${name} is not stored as floating-point numbers.`);
  return widen(await files.read(file, offset, length), dtype);
}

/** A value that is read once, when it is first asked for. */
export function once<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined;
  return () => (value ??= read());
}
