import type { Quantized } from './quantized.ts';

/** Type, shape and location of one tensor: `length` bytes from `offset` of `file`, row-major, little-endian. */
export interface StoredTensor {
  readonly name: string;
  /** The file's name for the type: "F32", "F16", "BF16", ... */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  /** For a matrix dequantised to float32: how to read it quantised. */
  readonly quantized?: Quantized;
}
