import type { Token } from './trace.ts';

/**
 * The token's text with invisible characters made visible: space ·, line feed ⏎, carriage return ←, tab →, control characters as
 * their symbols, marks that change direction or have no width as ⟨U+200F⟩, bytes of an incomplete character as ⟨E4 BD⟩.
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
      if (isWithinEmoji(character, characters[index - 1])) return character;
      // A combining mark alone needs something to stand on, or it would sit on its neighbour.
      if (index === 0 && /\p{M}/u.test(character)) return `◌${character}`;
      return visibleCharacter(character);
    })
    .join('');
}

/** A text whose invisible characters, and those that affect the text around them, are made visible. Spaces stay spaces. */
export function visibleControls(text: string): string {
  const characters = Array.from(text);
  return characters
    .map((character, index) =>
      !ACTS_UNSEEN.test(character) || isWithinEmoji(character, characters[index - 1]) ? character : visibleCharacter(character),
    )
    .join('');
}

/** Bytes in hexadecimal: E4 BD A0. */
export function hexBytes(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
}

/** A text cut to `length` characters (code points), with an ellipsis in place of the rest. */
export function shortened(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length
    ? text
    : `${characters
        .slice(0, length - 1)
        .join('')
        .trimEnd()}…`;
}

/** Control and format characters, line separators, what has no glyph of its own (fillers, selectors, private use), halves of pairs. */
const ACTS_UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]/u;

/** A joiner or a variation selector inside an emoji is what makes it one: it leaves the emoji whole. */
function isWithinEmoji(character: string, before = ''): boolean {
  return /^(\u200d|\ufe0e|\ufe0f)$/u.test(character) && /\p{Extended_Pictographic}|\ufe0f|[\u{1f3fb}-\u{1f3ff}]|[#*0-9]/u.test(before);
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
  if (/\p{Zs}/u.test(character) || ACTS_UNSEEN.test(character)) return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  return character;
}

/** Whole characters and, between them, runs of bytes that form none. */
function decodeUtf8(bytes: readonly number[]): readonly (string | readonly number[])[] {
  const parts: (string | number[])[] = [];
  for (let i = 0; i < bytes.length;) {
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
