import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';

/** The types a weight may be stored in. Arithmetic is float32. */
export type WeightType = 'F32' | 'F16' | 'BF16';

/** Bytes per number. */
export const WEIGHT_BYTES: Readonly<Record<WeightType, number>> = { F32: 4, F16: 2, BF16: 2 };

/** Whether weights may have this type. */
export function isWeightType(dtype: string): dtype is WeightType {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** The float32 numbers of little-endian bytes of a stored type; exact. Throws UserError on a big-endian machine. */
export function widen(bytes: Uint8Array, type: WeightType): Float32Array {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new UserError(msg`Weights are read on little-endian machines only.`);
  // A copy of exactly these bytes: a view may start at any offset, or (Node's Buffer) share its memory with others.
  const own = new Uint8Array(bytes).buffer;
  if (type === 'F32') return new Float32Array(own);
  const halves = new Uint16Array(own);
  const words = new Uint32Array(halves.length);
  const wide = type === 'BF16' ? bfloat16Word : float16Word;
  for (const [i, half] of halves.entries()) words[i] = wide(half);
  return new Float32Array(words.buffer);
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The float32 number equal to an IEEE 754 binary16. */
export function float16(half: number): number {
  word[0] = float16Word(half);
  return float[0] ?? 0;
}

/** bfloat16 to the bits of the equal binary32, whose upper half it is. */
function bfloat16Word(half: number): number {
  return half << 16;
}

/** IEEE 754 binary16 to the bits of the equal binary32. */
function float16Word(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: shift the leading 1 out of the fraction.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
