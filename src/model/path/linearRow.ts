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

/** Reads the weights of one output, exactly as stored, and its bias; where they are contiguous, without the rest of the matrix. */
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
  return { weights: widen(column, weight.dtype), bias: added ?? null };
}

/** `count` numbers of a stored tensor from number `from` on. */
export async function readNumbers(files: ModelFiles, weight: Weight, from: number, count: number): Promise<Float32Array> {
  const size = WEIGHT_BYTES[weight.dtype];
  return widen(await files.read(weight.file, weight.offset + from * size, count * size), weight.dtype);
}
