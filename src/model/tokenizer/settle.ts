import { UserError } from '../../core/errors.ts';
import { textSpans, utf8Length, type ByteRange, type TextSpan } from '../../core/textSpans.ts';
import { msg } from '../../core/translatable.ts';
import { TOKENIZER_FILE } from './json.ts';
import { misplaced, type Placed } from './piece.ts';

/** A token's final place in a text. */
export interface Settled extends TextSpan {
  readonly id: number;
  /** Its own bytes: those of all tokens, in order, are the text's. */
  readonly firstByte: number;
  readonly endByte: number;
}

/**
 * Places tokens in a well-formed text so that every byte has exactly one owner:
 * - what the tokenizer dropped belongs to the token before it; to the one after it where that begins with a mark put in
 *   for it (▁), or where none is before;
 * - of tokens made from one character (½ becomes 1, ⁄, 2) the first owns its bytes, and all have its span.
 * Throws UserError when nothing is left of a text, and when tokens go back.
 */
export function settle(text: string, placed: readonly Placed[]): Settled[] {
  const total = utf8Bytes(text);
  if (placed.length === 0 && total > 0) throw new UserError(msg`${TOKENIZER_FILE} drops all of this text, so there are no tokens to explain.`);
  const owned: ByteRange[] = [];
  const seen: ByteRange[] = [];
  let done = 0;
  placed.forEach((token, i) => {
    const earlier = placed[i - 1];
    const next = placed[i + 1];
    if (token.start < (earlier?.start ?? 0) || token.end < token.start || token.end > total) throw misplaced(text);
    const start = token.start > done && (i === 0 || token.marked) ? done : token.start;
    const reached = Math.max(token.end, done);
    const end = next === undefined ? total : next.start > reached && !next.marked ? next.start : reached;
    owned.push({ start: done, end });
    seen.push({ start, end: end > reached ? end : token.end });
    done = end;
  });
  const spans = textSpans(text, seen);
  return placed.map(({ id, start, end }, i) => {
    const { start: firstByte = 0, end: endByte = 0 } = owned[i] ?? {};
    const span = spans[i] ?? { start: 0, end: 0, partial: false };
    const shares = start < end && ((placed[i - 1]?.end ?? 0) > start || (placed[i + 1]?.start ?? end) < end);
    return { id, firstByte, endByte, ...span, partial: span.partial || shares };
  });
}

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += utf8Length(character.codePointAt(0) ?? 0);
  return bytes;
}
