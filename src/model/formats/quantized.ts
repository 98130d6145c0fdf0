/**
 * Form of quantised numbers: integers times a scale, minus an optional minimum; the numbers of a group share both.
 */
export interface Quantization {
  /** Bits per integer. */
  readonly bits: 4 | 8;
  /** Consecutive numbers of a row that share a scale. */
  readonly group: 16 | 32;
  readonly mins: boolean;
}

/**
 * Packing that a runtime multiplies with: `nibbles`, 4-bit integers; `bytes`, 8-bit integers; or `halves`, 8-bit integers as an upper
 * and a lower nibble, for a runtime that is fast with 4 bits only.
 */
export type QuantizedForm = 'nibbles' | 'bytes' | 'halves';

/** A matrix that can also be read as integers and scales. */
export interface Quantized extends Quantization {
  /** Number of outputs and inputs, whatever the storage order. */
  readonly shape: readonly [out: number, width: number];
  /** Name of the file that holds the matrix in a form, in the layout of `partsOf`. */
  file(form: QuantizedForm): string;
}

/** A matrix [out, in] as integers and scales: `length` bytes from `offset` of `file`. */
export interface QuantizedMatrix {
  readonly name: string;
  readonly file: string;
  readonly offset: number;
  readonly length: number;
  readonly form: QuantizedForm;
  readonly group: 16 | 32;
  readonly parts: QuantizedParts;
}

/** A part of a matrix: `length` bytes from its byte `from`. */
export interface QuantizedPart {
  readonly from: number;
  readonly length: number;
  readonly dims: readonly number[];
}

/**
 * Parts of a quantised matrix. Number i of a row is `integer * scale + offset`. 4-bit integers are stored plus 8, two per byte, the first
 * in the lower nibble; 8-bit integers are stored plus 128. With halves, the integer is 16 * (upper - 8) + lower.
 */
export interface QuantizedParts {
  /** uint8 [out, groups, bytes of a group]; the upper halves. */
  readonly integers: QuantizedPart;
  /** The lower halves, same shape; null where integers are not split. */
  readonly lower: QuantizedPart | null;
  /** float32 [out, groups] */
  readonly scales: QuantizedPart;
  /** float32 [out, groups]; null: none is added. */
  readonly offsets: QuantizedPart | null;
}

/** The layout of a matrix in a form: where each part begins and how long it is. */
export function partsOf(
  [out, width]: readonly [out: number, width: number],
  { group, mins }: Quantization,
  form: QuantizedForm,
): QuantizedParts {
  const groups = width / group;
  let from = 0;
  const next = (dims: readonly number[], bytes: number): QuantizedPart => {
    const part = { from, length: dims.reduce((product, dim) => product * dim, bytes), dims };
    from += part.length;
    return part;
  };
  const integers = [out, groups, form === 'bytes' ? group : group / 2];
  const upper = next(integers, 1);
  const lower = form === 'halves' ? next(integers, 1) : null;
  return { integers: upper, lower, scales: next([out, groups], 4), offsets: mins ? next([out, groups], 4) : null };
}

/** A quantised matrix in a form. */
export function quantizedMatrix(name: string, quantized: Quantized, form: QuantizedForm): QuantizedMatrix {
  const parts = partsOf(quantized.shape, quantized, form);
  const { from, length } = parts.offsets ?? parts.scales;
  return { name: `${name}, quantised`, file: quantized.file(form), offset: 0, length: from + length, form, group: quantized.group, parts };
}
