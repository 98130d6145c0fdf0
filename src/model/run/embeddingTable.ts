import { dot, type Tensor } from '../../core/tensor.ts';
import { readRows } from './embeddingRows.ts';
import type { DecoderSpec, Weight } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { WEIGHT_BYTES, widen, type WeightType } from '../formats/widen.ts';

/** Largest table that is kept in memory, as stored (16-bit numbers as such); a larger one is read again for each call. */
const KEPT_BYTES = 640 * 1024 * 1024;
const CHUNK_BYTES = 8 * 1024 * 1024;

/** Calls about the static embedding table: the vectors of all tokens before positions and layers. */
export interface EmbeddingCalls {
  /** Rows of the table, [N, E]. Throws RangeError for an id outside it. */
  embeddingRows(ids: Int32Array): Promise<Tensor>;
  /** [E] the mean of all rows of the table, except rows of zeros, which belong to no token. */
  embeddingMean(): Promise<Float64Array>;
  /**
   * [V] cosine of every row of the table, minus `centre` [E], with `vector` [E], from which the caller has subtracted it; null: of
   * the rows as stored. -Infinity for a row of zeros, which belongs to no token.
   */
  embeddingCosines(vector: Float32Array | Float64Array, centre: Float64Array | null): Promise<Float32Array>;
}

/** Consecutive rows of the table, as stored. */
type Rows =
  | { readonly kind: 'floats'; readonly first: number; readonly floats: Float32Array }
  | { readonly kind: 'halves'; readonly first: number; readonly halves: Uint16Array };

/** Calls about one model's table, which is read from its files on first use. */
export function openEmbeddingTable({ embedding: table }: Pick<DecoderSpec, 'embedding'>, files: ModelFiles): EmbeddingCalls {
  const [vocab = 0, dim = 0] = table.shape;
  let kept: Promise<readonly Rows[]> | null = null;
  /** Squared lengths of the rows as stored. */
  let squares: Float64Array | null = null;
  let mean: Float64Array | null = null;
  /** Products of all rows with the most recent centre, which is nearly always the mean. */
  let centred: { readonly centre: Float64Array; readonly along: Float64Array } | null = null;
  const values = halfValues(table.dtype);

  const all = async (): Promise<AsyncIterable<Rows> | readonly Rows[]> => {
    if (table.length > KEPT_BYTES) return chunks(files, table);
    kept ??= collected(chunks(files, table));
    try {
      return await kept;
    } catch (error) {
      // A failed read is not cached: the file may be there the next time.
      kept = null;
      throw error;
    }
  };
  /** [V] products of every row with `vector`; with null, of every row with itself. */
  const products = async (vector: Float64Array | null): Promise<Float64Array> => {
    const found = new Float64Array(vocab);
    const own = new Float64Array(dim);
    for await (const rows of await all()) {
      const count = (rows.kind === 'floats' ? rows.floats : rows.halves).length / dim;
      for (let index = 0; index < count; index++) {
        const start = index * dim;
        if (vector === null)
          for (let i = 0; i < dim; i++)
            own[i] = rows.kind === 'floats' ? (rows.floats[start + i] ?? 0) : (values[rows.halves[start + i] ?? 0] ?? 0);
        found[rows.first + index] =
          rows.kind === 'floats' ? floatsDot(rows.floats, start, vector ?? own) : halvesDot(rows.halves, start, values, vector ?? own);
      }
    }
    return found;
  };
  const meanRow = async (): Promise<Float64Array> => {
    const sum = new Float64Array(dim);
    let counted = 0;
    for await (const rows of await all()) {
      const stored = rows.kind === 'floats' ? rows.floats : rows.halves;
      for (let start = 0; start < stored.length; start += dim) {
        let zero = true;
        for (let i = 0; i < dim; i++) {
          const value = rows.kind === 'floats' ? (rows.floats[start + i] ?? 0) : (values[rows.halves[start + i] ?? 0] ?? 0);
          if (value === 0) continue;
          zero = false;
          sum[i] = (sum[i] ?? 0) + value;
        }
        if (!zero) counted++;
      }
    }
    return sum.map((value) => value / Math.max(1, counted));
  };
  return {
    embeddingRows: async (ids) => {
      const outside = ids.find((id) => id < 0 || id >= vocab);
      if (outside !== undefined) throw new RangeError(`Token ${outside} is outside the embedding table of ${vocab} rows.`);
      return readRows(files, table, ids);
    },
    embeddingMean: async () => (mean ??= await meanRow()),
    embeddingCosines: async (vector, centre) => {
      const stored = (squares ??= await products(null));
      const query = Float64Array.from(vector);
      const length = Math.sqrt(dot(query, query));
      // |r - m|^2 = |r|^2 - 2 r.m + |m|^2 and (r - m).q = r.q - m.q: the rows are read, never copied.
      if (centre !== null && centred?.centre !== centre) centred = { centre, along: await products(centre) };
      const along = centre === null ? null : (centred?.along ?? null);
      const own = centre === null ? 0 : dot(centre, centre);
      const shift = centre === null ? 0 : dot(centre, query);
      return Float32Array.from(await products(query), (product, id) => {
        const square = stored[id] ?? Number.NaN;
        const left = square - (along === null ? 0 : 2 * (along[id] ?? Number.NaN) - own);
        return square === 0 || left <= 0 ? -Infinity : Math.max(-1, Math.min(1, (product - shift) / (Math.sqrt(left) * length)));
      });
    },
  };
}

async function collected(chunked: AsyncIterable<Rows>): Promise<readonly Rows[]> {
  const found: Rows[] = [];
  for await (const rows of chunked) found.push(rows);
  return found;
}

async function* chunks(files: ModelFiles, table: Weight): AsyncIterable<Rows> {
  const [vocab = 0, dim = 0] = table.shape;
  const rowBytes = dim * WEIGHT_BYTES[table.dtype];
  const rows = Math.max(1, Math.floor(CHUNK_BYTES / rowBytes));
  for (let first = 0; first < vocab; first += rows) {
    const count = Math.min(rows, vocab - first);
    const bytes = await files.read(table.file, table.offset + first * rowBytes, count * rowBytes);
    yield table.dtype === 'F32'
      ? { kind: 'floats', first, floats: widen(bytes, 'F32') }
      : { kind: 'halves', first, halves: new Uint16Array(new Uint8Array(bytes).buffer) };
  }
}

/** The float32 value of each of the 65,536 numbers of a 16-bit type; empty for float32. */
function halfValues(type: WeightType): Float32Array {
  return type === 'F32' ? new Float32Array(0) : widen(new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, half) => half).buffer), type);
}

// The two loops that every number of the table passes: four sums at a time, so that no addition waits for the one before.

function floatsDot(rows: Float32Array, start: number, vector: Float64Array): number {
  const length = vector.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += (rows[start + i] ?? 0) * (vector[i] ?? 0);
    s1 += (rows[start + i + 1] ?? 0) * (vector[i + 1] ?? 0);
    s2 += (rows[start + i + 2] ?? 0) * (vector[i + 2] ?? 0);
    s3 += (rows[start + i + 3] ?? 0) * (vector[i + 3] ?? 0);
  }
  for (; i < length; i++) s0 += (rows[start + i] ?? 0) * (vector[i] ?? 0);
  return s0 + s1 + (s2 + s3);
}

function halvesDot(rows: Uint16Array, start: number, values: Float32Array, vector: Float64Array): number {
  const length = vector.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += (values[rows[start + i] ?? 0] ?? 0) * (vector[i] ?? 0);
    s1 += (values[rows[start + i + 1] ?? 0] ?? 0) * (vector[i + 1] ?? 0);
    s2 += (values[rows[start + i + 2] ?? 0] ?? 0) * (vector[i + 2] ?? 0);
    s3 += (values[rows[start + i + 3] ?? 0] ?? 0) * (vector[i + 3] ?? 0);
  }
  for (; i < length; i++) s0 += (values[rows[start + i] ?? 0] ?? 0) * (vector[i] ?? 0);
  return s0 + s1 + (s2 + s3);
}
