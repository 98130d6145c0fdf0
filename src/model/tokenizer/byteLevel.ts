import { utf8Length } from '../../core/textSpans.ts';
import { checkGrowth, ownsBytes, type SourcedText } from './sourcedText.ts';

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
function toByteCharacters(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += CHARACTER_OF_BYTE[byte] ?? '';
  return text;
}

const encoder = new TextEncoder();

/**
 * A run in the byte-level alphabet. Each of a character's bytes stands for one of its source bytes where the numbers agree, else for
 * all of them.
 */
export function toBytes(run: SourcedText): SourcedText {
  const bytes = encoder.encode(run.text);
  checkGrowth(run, bytes.length);
  const starts = new Uint32Array(bytes.length);
  const ends = new Uint32Array(bytes.length);
  let at = 0;
  for (let unit = 0; unit < run.text.length;) {
    const codePoint = run.text.codePointAt(unit) ?? 0;
    const width = utf8Length(codePoint);
    const start = run.starts[unit] ?? 0;
    const end = run.ends[unit] ?? 0;
    const next = unit + (codePoint > 0xffff ? 2 : 1);
    const shared = ownsBytes(run, unit, next, width);
    for (let i = 0; i < width; i++) {
      starts[at] = shared ? start + i : start;
      ends[at] = shared ? start + i + 1 : end;
      at++;
    }
    unit = next;
  }
  return { text: toByteCharacters(bytes), source: run.source, starts, ends };
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
