import { UserError } from '../../core/errors.ts';
import { spansIn, utf8Bytes, type TextSpan } from '../../core/textSpans.ts';
import { msg } from '../../core/translatable.ts';
import { TOKENIZER_FILE } from './tokenizerJson.ts';
import { misplaced, type Placed } from './piece.ts';

/** A token's final place in a text. */
export interface Settled extends TextSpan {
  readonly id: number;
  /** Range of bytes that the token owns: in order, the ranges of all tokens cover the text. */
  readonly firstByte: number;
  readonly endByte: number;
}

/**
 * Places tokens in a well-formed text so that every byte has exactly one owner:
 * - characters that the tokenizer dropped belong to the token before them; to the one after where that begins with a mark inserted
 *   for them (▁), or where there is none before;
 * - of tokens made from one character (½ becomes 1, ⁄, 2) the first owns its bytes, and all have its span.
 * Throws UserError when nothing is left of a text, and when tokens are out of order.
 */
export function settle(text: string, placed: readonly Placed[]): Settled[] {
  const settled: Settled[] = [];
  settleEach(text, placed, (token) => settled.push(token));
  return settled;
}

/** Gives tokens their places one by one, so that no more of them is kept than `take` keeps; see `settle`. */
export function settleEach(text: string, placed: readonly Placed[], take: (token: Settled) => void): void {
  const total = utf8Bytes(text);
  if (placed.length === 0 && total > 0)
    throw new UserError(msg`${TOKENIZER_FILE} drops all of this text, so there are no tokens to explain.`);
  const spanOf = spansIn(text);
  let done = 0;
  placed.forEach((token, i) => {
    const earlier = placed[i - 1];
    const next = placed[i + 1];
    if (token.start < (earlier?.start ?? 0) || token.end < token.start || token.end > total) throw misplaced(text);
    const start = token.start > done && (i === 0 || token.marked) ? done : token.start;
    const reached = Math.max(token.end, done);
    const end = next === undefined ? total : next.start > reached && !next.marked ? next.start : reached;
    const shares = token.start < token.end && ((earlier?.end ?? 0) > token.start || (next?.start ?? token.end) < token.end);
    const span = spanOf(start, end > reached ? end : token.end);
    take({ id: token.id, firstByte: done, endByte: end, start: span.start, end: span.end, partial: span.partial || shares });
    done = end;
  });
}

/** The first tokens of a text, at most `most`, that end with a whole character, and where; null: the first character takes more. */
export function wholeTokens(text: string, placed: Placed[], most: number): { readonly placed: Placed[]; readonly length: number } | null {
  const spans = settle(text, placed);
  for (let count = most; count > 0; count--) {
    const length = spans[count - 1]?.end ?? 0;
    if (length > 0 && (spans[count]?.start ?? length) >= length) return { placed: placed.slice(0, count), length };
  }
  return null;
}
