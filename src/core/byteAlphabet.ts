// GPT-2's byte-level alphabet: every byte has a printable character of its own (Radford et al. 2019, encoder.py).

const PRINTABLE: readonly (readonly [number, number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
];

function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = PRINTABLE.some(([from, to]) => byte >= from && byte <= to);
    return String.fromCharCode(printable ? byte : next++);
  });
}

const CHARACTER_OF_BYTE: readonly string[] = byteCharacters();
const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(CHARACTER_OF_BYTE.map((character, byte) => [character, byte]));

/** Bytes in the byte-level alphabet: one character per byte. */
export function toByteCharacters(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += CHARACTER_OF_BYTE[byte] ?? '';
  return text;
}

/** Bytes of a token of a byte-level vocabulary; null for a token with a character outside the alphabet. */
export function fromByteCharacters(token: string): Uint8Array | null {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = BYTE_OF_CHARACTER.get(character);
    if (byte === undefined) return null;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
