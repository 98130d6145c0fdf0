import { partsOf, type Quantized, type QuantizedForm } from '../quantized.ts';
import { unpack, quantizationOf } from './dequantize.ts';
import type { BlockRows, Source } from '../source.ts';
import type { Quants } from './blocks.ts';

/** Numbers unpacked at a time. */
const NUMBERS_AT_ONCE = 1024 * 1024;

/** Bytes of all rows in a quantised form, in the layout of `partsOf`. */
export async function packedRows(source: BlockRows, form: QuantizedForm): Promise<Uint8Array> {
  const {
    type,
    shape: [out, width],
  } = source;
  const quantization = quantizationOf(type);
  const parts = partsOf([out, width], quantization, form);
  const last = parts.offsets ?? parts.scales;
  const packed = new Uint8Array(last.from + last.length);
  const floats = ({ from, length }: { readonly from: number; readonly length: number }): Float32Array =>
    new Float32Array(packed.buffer, from, length / 4);
  const scales = floats(parts.scales);
  const offsets = parts.offsets === null ? null : floats(parts.offsets);
  const { group, middle } = quantization;
  const rowsAtOnce = Math.max(1, Math.floor(NUMBERS_AT_ONCE / width));
  for (let first = 0; first < out; first += rowsAtOnce) {
    const read = unpack(await source.rows(first, Math.min(rowsAtOnce, out - first)), type);
    const quants = source.columnOf === undefined ? read : reordered(read, width / group, group, source.columnOf);
    const number = first * width;
    // Non-negative integers are centred around 0, so that sums stay small until the offset is added.
    if (form === 'bytes') writeBytes(quants.integers, 128 - middle, packed, parts.integers.from + number);
    else if (form === 'nibbles') writeNibbles(quants.integers, 8 - middle, 0, packed, parts.integers.from + number / 2);
    else {
      writeNibbles(quants.integers, 128 - middle, 4, packed, parts.integers.from + number / 2);
      writeNibbles(quants.integers, 128 - middle, 0, packed, (parts.lower?.from ?? 0) + number / 2);
    }
    scales.set(quants.scales, number / group);
    if (offsets !== null)
      for (const [g, scale] of quants.scales.entries()) offsets[number / group + g] = middle * scale - (quants.mins?.[g] ?? 0);
  }
  return packed;
}

/** Rows of `groups` groups whose columns stand in another order. */
function reordered(quants: Quants, groups: number, group: number, columnOf: (column: number) => number): Quants {
  const { integers, scales, mins } = quants;
  const out = { integers: new Int8Array(integers.length), scales: new Float32Array(scales.length), mins: mins?.slice() ?? null };
  for (let g = 0; g < scales.length; g++) {
    const from = g - (g % groups) + columnOf((g % groups) * group) / group;
    out.integers.set(integers.subarray(from * group, (from + 1) * group), g * group);
    out.scales[g] = scales[from] ?? 0;
    if (out.mins !== null) out.mins[g] = mins?.[from] ?? 0;
  }
  return out;
}

const FORMS: readonly QuantizedForm[] = ['nibbles', 'bytes', 'halves'];

/** How a matrix is read in quantised form, and the files of its forms; null where it is not held so. `made`: the name of the matrix. */
export function quantizedOf(
  { blocks, shape }: Source,
  made: string,
): { readonly stored: Quantized; readonly files: readonly (readonly [name: string, read: () => Promise<Uint8Array>])[] } | null {
  if (blocks === null || shape.length !== 2) return null;
  const { bits, group, mins } = quantizationOf(blocks.type);
  const fileOf = (form: QuantizedForm): string => `${made}, ${form}`;
  return {
    stored: { bits, group, mins, shape: blocks.shape, file: fileOf },
    files: FORMS.map((form) => [fileOf(form), () => packedRows(blocks, form)]),
  };
}

function writeBytes(integers: Int8Array, added: number, out: Uint8Array, at: number): void {
  for (let i = 0; i < integers.length; i++) out[at + i] = (integers[i] ?? 0) + added;
}

/** Four bits of each integer plus `added`, from bit `shift` on. */
function writeNibbles(integers: Int8Array, added: number, shift: number, out: Uint8Array, at: number): void {
  for (let i = 0; i < integers.length; i += 2) {
    const low = (((integers[i] ?? 0) + added) >> shift) & 15;
    const high = (((integers[i + 1] ?? 0) + added) >> shift) & 15;
    out[at + i / 2] = low | (high << 4);
  }
}
