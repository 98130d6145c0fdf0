/** The 32-bit FNV-1a hash of no units (the offset basis). */
export const FNV1A_START = 0x811c9dc5;

/** The 32-bit FNV-1a hash after one more unit, which may be more than a byte. http://www.isthe.com/chongo/tech/comp/fnv/ */
export function fnv1a(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193) >>> 0;
}
