import type { StoredTensor } from './safetensors.ts';

/** How quantised numbers are kept: integers that are multiplied by a scale, which the numbers of a group share; what is taken away then, they share too. */
export interface Quantization {
  /** That the integers take. */
  readonly bits: 4 | 8;
  /** Consecutive numbers of a row that share a scale. */
  readonly group: 16 | 32;
  readonly mins: boolean;
}

/**
 * What a runtime multiplies with: integers of 4 bits; of 8 bits; or those of 8 bits as an upper and a lower half, for a
 * runtime that is fast with 4 bits only.
 */
export type QuantizedForm = 'nibbles' | 'bytes' | 'halves';

/** That a matrix can be read as integers and scales too. */
export interface Quantized extends Quantization {
  /** Its outputs and inputs, in whichever order its numbers are stored. */
  readonly shape: readonly [out: number, width: number];
  /** The file that holds them in a form: laid out as `partsOf` says. */
  file(form: QuantizedForm): string;
}

/** A matrix [out, in] as integers and scales: bytes of a file. */
export interface QuantizedMatrix extends Pick<StoredTensor, 'name' | 'file' | 'offset' | 'length'> {
  readonly form: QuantizedForm;
  readonly group: 16 | 32;
  readonly parts: QuantizedParts;
}

/** `length` bytes from byte `from` of the matrix on. */
export interface QuantizedPart {
  readonly from: number;
  readonly length: number;
  readonly dims: readonly number[];
}

/**
 * Number i of a row is `integer * scale + offset`. Integers of 4 bits are kept plus 8, two in a byte, the first in the lower half; those of 8 bits plus 128.
 * Of halves, 16 * (upper - 8) + lower is the integer.
 */
export interface QuantizedParts {
  /** uint8 [out, groups, bytes of a group]; the upper halves. */
  readonly integers: QuantizedPart;
  /** The same shape; null where integers are whole. */
  readonly lower: QuantizedPart | null;
  /** float32 [out, groups] */
  readonly scales: QuantizedPart;
  /** float32 [out, groups]; null: none is added. */
  readonly offsets: QuantizedPart | null;
}

export function partsOf([out, width]: readonly [out: number, width: number], { group, mins }: Quantization, form: QuantizedForm): QuantizedParts {
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

/** A matrix in a form. */
export function quantizedMatrix(name: string, quantized: Quantized, form: QuantizedForm): QuantizedMatrix {
  const parts = partsOf(quantized.shape, quantized, form);
  const { from, length } = parts.offsets ?? parts.scales;
  return { name: `${name}, quantised`, file: quantized.file(form), offset: 0, length: from + length, form, group: quantized.group, parts };
}
