import type { Token } from './trace.ts';

/**
 * The token's text with everything invisible made visible: space ·, line feed ⏎, carriage return ←, tab →, control characters as their
 * pictures, marks that change direction or have no width as ⟨U+200F⟩, bytes that are part of a character as ⟨E4 BD⟩.
 */
export function visibleToken(token: Pick<Token, 'text' | 'bytes' | 'special'>): string {
  if (token.special || token.bytes.length === 0) return visibleText(token.text);
  return decodeUtf8(token.bytes)
    .map((part) => (typeof part === 'string' ? visibleText(part) : `⟨${hexBytes(part)}⟩`))
    .join('');
}

/** A text with white space, control and invisible characters made visible. */
export function visibleText(text: string): string {
  const characters = Array.from(text);
  return characters
    .map((character, index) => {
      // A joiner or a variation selector inside an emoji is what makes it one: leave the emoji whole.
      if (/^(\u200d|\ufe0e|\ufe0f)$/u.test(character) && /\p{Extended_Pictographic}|\ufe0f|[\u{1f3fb}-\u{1f3ff}]|[#*0-9]/u.test(characters[index - 1] ?? '')) return character;
      // A combining mark alone needs something to stand on, or it would sit on its neighbour.
      if (index === 0 && /\p{M}/u.test(character)) return `◌${character}`;
      return visibleCharacter(character);
    })
    .join('');
}

/** Bytes in hexadecimal: E4 BD A0. */
export function hexBytes(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
}

/** Cut to so many characters (code points), with an ellipsis in place of the rest. */
export function shortened(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

function visibleCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === ' ') return '·';
  if (character === '\n') return '⏎';
  if (character === '\r') return '←'; // The picture ␍ is missing from most fonts.
  if (character === '\t') return '→';
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '␡';
  if (code === 0xa0) return '⍽';
  if (/[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/u.test(character)) return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  return character;
}

/** Characters and, between them, runs of bytes that are no whole character. */
function decodeUtf8(bytes: readonly number[]): readonly (string | readonly number[])[] {
  const parts: (string | number[])[] = [];
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] ?? 0;
    const size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    const character = size > 0 && i + size <= bytes.length ? decodeStrict(bytes.slice(i, i + size)) : undefined;
    const last = parts.at(-1);
    if (character !== undefined) {
      if (typeof last === 'string') parts[parts.length - 1] = last + character;
      else parts.push(character);
      i += size;
    } else {
      if (Array.isArray(last)) last.push(lead);
      else parts.push([lead]);
      i++;
    }
  }
  return parts;
}

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeStrict(bytes: readonly number[]): string | undefined {
  try {
    return strictDecoder.decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}
