import type { Linear, Weight } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { WEIGHT_BYTES, widen } from '../formats/widen.ts';

/** Weights and bias of one output of a matrix. */
export interface LinearRow {
  readonly linear: Linear;
  /** Index of the output. */
  readonly row: number;
}

/** Bytes of a matrix read at a time while a column is gathered from it. */
const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * Reads the weights of one output, exactly as stored or times their factor, and its bias; where they are contiguous, without the rest of
 * the matrix.
 */
export async function readLinearRow(
  files: ModelFiles,
  { linear, row }: LinearRow,
): Promise<{ readonly weights: Float32Array; readonly bias: number | null }> {
  const { weight, layout, bias } = linear;
  const [first = 0, second = 0] = weight.shape;
  const size = WEIGHT_BYTES[weight.dtype];
  const [added] = bias === null ? [null] : await readNumbers(files, bias, row, 1);
  if (layout === 'out-in') return { weights: await readNumbers(files, weight, row * second, second), bias: added ?? null };
  const column = new Uint8Array(first * size);
  const rowBytes = second * size;
  const rowsAtOnce = Math.max(1, Math.floor(BLOCK_BYTES / rowBytes));
  for (let from = 0; from < first; from += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, first - from);
    const block = await files.read(weight.file, weight.offset + from * rowBytes, rows * rowBytes);
    for (let i = 0; i < rows; i++)
      column.set(block.subarray(i * rowBytes + row * size, i * rowBytes + (row + 1) * size), (from + i) * size);
  }
  return { weights: scaled(widen(column, weight.dtype), weight), bias: added ?? null };
}

/** `count` numbers of a stored tensor, times its factor, from number `from` on. */
export async function readNumbers(files: ModelFiles, weight: Weight, from: number, count: number): Promise<Float32Array> {
  const size = WEIGHT_BYTES[weight.dtype];
  return scaled(widen(await files.read(weight.file, weight.offset + from * size, count * size), weight.dtype), weight);
}

function scaled(numbers: Float32Array, { factor = 1 }: Weight): Float32Array {
  return factor === 1 ? numbers : numbers.map((number) => number * factor);
}
