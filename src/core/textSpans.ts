/** Where a token lies in the text. */
export interface TextSpan {
  /** UTF-16 offsets of the smallest run of whole characters (code points) that holds the token's bytes. */
  readonly start: number;
  readonly end: number;
  /** The token begins or ends inside a character. */
  readonly partial: boolean;
}

/** Bytes of one code point in UTF-8. */
export function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

/** The same text with every lone surrogate replaced by U+FFFD, as UTF-8 encoders do; UTF-16 offsets do not change. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

/**
 * Places consecutive tokens, given by their number of UTF-8 bytes, in a well-formed text. A token of no bytes gets an
 * empty span before the character that comes next. Throws RangeError when the bytes are not exactly those of the text.
 */
export function textSpans(text: string, byteLengths: ArrayLike<number>): TextSpan[] {
  const spans: TextSpan[] = [];
  let unit = 0;
  // Bytes of the character at `unit` that earlier tokens took.
  let taken = 0;
  for (let i = 0; i < byteLengths.length; i++) {
    const start = unit;
    let missing = byteLengths[i] ?? 0;
    if (missing === 0) {
      spans.push({ start, end: start, partial: false });
      continue;
    }
    let partial = taken > 0;
    let end = unit;
    while (missing > 0) {
      const codePoint = text.codePointAt(unit);
      if (codePoint === undefined) throw new RangeError('The tokens hold more bytes than the text.');
      const units = codePoint > 0xffff ? 2 : 1;
      const rest = utf8Length(codePoint) - taken;
      end = unit + units;
      if (missing < rest) {
        taken += missing;
        missing = 0;
        partial = true;
      } else {
        missing -= rest;
        taken = 0;
        unit += units;
      }
    }
    spans.push({ start, end, partial });
  }
  if (unit < text.length) throw new RangeError('The tokens hold fewer bytes than the text.');
  return spans;
}
