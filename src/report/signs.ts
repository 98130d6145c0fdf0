// Bytes as signs of ASCII that are inert in a page: 13 bits in two of 91 signs (91² is 8,281, 2¹³ is 8,192), the most significant first, so
// that 13 bytes take 16 signs, of base64 they would take 17.3. Up to 6 bits that are left over take one sign.

/** Signs that can be printed, without those by which an element could end, a name be put in place of a sign, or a string be escaped. */
const SIGNS = Uint8Array.from({ length: 94 }, (_, index) => 33 + index).filter((sign) => !'&<\\'.includes(String.fromCharCode(sign)));
const BASE = SIGNS.length;
const PAIR_BITS = 13;
const LAST_BITS = 6;

/** Bytes as signs. */
export function toSigns(bytes: Uint8Array): string {
  const signs = new Uint8Array(2 * Math.ceil((8 * bytes.length) / PAIR_BITS));
  let [at, bits, held] = [0, 0, 0];
  const put = (digit: number): void => {
    signs[at++] = SIGNS[digit] ?? 0;
  };
  const putPair = (value: number): void => {
    put(Math.floor(value / BASE));
    put(value % BASE);
  };
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    held += 8;
    if (held < PAIR_BITS) continue;
    held -= PAIR_BITS;
    putPair(bits >> held);
    bits &= (1 << held) - 1;
  }
  if (held > LAST_BITS) putPair(bits << (PAIR_BITS - held));
  else if (held > 0) put(bits << (LAST_BITS - held));
  return new TextDecoder().decode(signs.subarray(0, at));
}

/** The bytes that `toSigns` wrote. Throws RangeError for other text. */
export function fromSigns(text: string): Uint8Array<ArrayBuffer> {
  const digits = new Int16Array(128).fill(-1);
  for (const [digit, sign] of SIGNS.entries()) digits[sign] = digit;
  const digitAt = (index: number): number => {
    const digit = digits[text.charCodeAt(index)] ?? -1;
    if (digit < 0) throw new RangeError('A sign means nothing.');
    return digit;
  };
  const pairs = Math.floor(text.length / 2);
  const last = text.length % 2;
  const bytes = new Uint8Array((PAIR_BITS * pairs + LAST_BITS * last) >> 3);
  let [at, bits, held] = [0, 0, 0];
  const take = (value: number, more: number): void => {
    if (value >= 1 << more) throw new RangeError('Signs mean nothing.');
    bits = (bits << more) | value;
    for (held += more; held >= 8;) {
      held -= 8;
      bytes[at++] = bits >> held;
      bits &= (1 << held) - 1;
    }
  };
  for (let pair = 0; pair < pairs; pair++) take(BASE * digitAt(2 * pair) + digitAt(2 * pair + 1), PAIR_BITS);
  if (last > 0) take(digitAt(text.length - 1), LAST_BITS);
  return bytes;
}
