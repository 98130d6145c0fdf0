import { UserError } from '../../core/errors.ts';
import { utf8Length } from '../../core/textSpans.ts';
import { TOKENIZER_FILE } from './json.ts';
import { misplaced, type Placed } from './piece.ts';

/** A token's final place in a text. */
export interface Settled {
  readonly id: number;
  /** Its own bytes: those of all tokens, in order, are the text's. */
  readonly firstByte: number;
  readonly endByte: number;
  /** UTF-16 offsets of the smallest run of whole characters that holds what it stands for. */
  readonly start: number;
  readonly end: number;
  /** It begins or ends inside a character, or shares one with a neighbour. */
  readonly partial: boolean;
}

/**
 * Places tokens in a well-formed text so that every byte has exactly one owner:
 * - what the tokenizer dropped belongs to the token before it; to the one after it where that begins with a mark put in
 *   for it (▁), or where none is before;
 * - of tokens made from one character (½ becomes 1, ⁄, 2) the first owns its bytes, and all have its span.
 * Throws UserError when nothing is left of a text, and when tokens go back.
 */
export function settle(text: string, placed: readonly Placed[]): Settled[] {
  const unitOf = unitsOfBytes(text);
  const total = unitOf.length - 1;
  if (placed.length === 0 && total > 0) throw new UserError(`${TOKENIZER_FILE} drops all of this text, so there are no tokens to explain.`);
  const inside = (byte: number): boolean => byte > 0 && unitOf[byte] === unitOf[byte - 1];
  const endUnit = (byte: number): number => {
    let whole = byte;
    while (inside(whole)) whole++;
    return unitOf[whole] ?? text.length;
  };
  const settled: Settled[] = [];
  let owned = 0;
  let earlier = 0;
  placed.forEach((token, i) => {
    if (token.start < earlier || token.end < token.start || token.end > total) throw misplaced(text);
    earlier = token.start;
    const takesGap = token.start > owned && (i === 0 || token.marked);
    const next = placed[i + 1];
    const start = takesGap ? owned : token.start;
    const own = Math.max(token.end, owned);
    const end = next === undefined ? total : next.start > own && !next.marked ? next.start : own;
    const visibleEnd = end > own ? end : token.end;
    const overlaps = (next !== undefined && next.start < token.end) || token.start < (placed[i - 1]?.end ?? 0);
    settled.push({
      id: token.id,
      firstByte: owned,
      endByte: end,
      start: unitOf[start] ?? text.length,
      end: endUnit(visibleEnd),
      partial: (overlaps && token.end > token.start) || inside(start) || inside(visibleEnd),
    });
    owned = end;
  });
  return settled;
}

/** For every byte of the text's UTF-8, and for its end, the UTF-16 unit at which its character begins. */
function unitsOfBytes(text: string): Uint32Array {
  const units: number[] = [];
  for (let unit = 0; unit < text.length; ) {
    const codePoint = text.codePointAt(unit) ?? 0;
    for (let i = utf8Length(codePoint); i > 0; i--) units.push(unit);
    unit += codePoint > 0xffff ? 2 : 1;
  }
  units.push(text.length);
  return Uint32Array.from(units);
}
