/** The place of a token in the text. */
export interface TextSpan {
  /** UTF-16 offsets of the smallest run of whole characters (code points) that holds the token's bytes. */
  readonly start: number;
  readonly end: number;
  /** Whether the token begins or ends inside a character. */
  readonly partial: boolean;
}

/** Bytes of one code point in UTF-8. */
export function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

/** Bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  // Not by the string's iterator, which takes many times as long.
  for (let unit = 0; unit < text.length; unit++) {
    const codePoint = text.codePointAt(unit) ?? 0;
    bytes += utf8Length(codePoint);
    if (codePoint > 0xffff) unit++;
  }
  return bytes;
}

/** The same text with every lone surrogate replaced by U+FFFD, as UTF-8 encoders do; UTF-16 offsets do not change. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** `units` UTF-16 units of a text, or one less where the last of them is the first half of a surrogate pair. */
export function wholeCharacters(text: string, units: number): number {
  return (text.codePointAt(units - 1) ?? 0) > 0xffff ? units - 1 : units;
}

/** A range of the text's UTF-8 bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Places ranges of bytes in a well-formed text; an empty range has an empty span. Throws RangeError outside of the text. */
export function textSpans(text: string, ranges: readonly ByteRange[]): TextSpan[] {
  const spanOf = spansIn(text);
  return ranges.map(({ start, end }) => spanOf(start, end));
}

/** Places one range of bytes after another; see `textSpans`. */
export function spansIn(text: string): (start: number, end: number) => TextSpan {
  const unitOf = unitsOfBytes(text);
  const total = unitOf.length - 1;
  const inside = (byte: number): boolean => byte > 0 && unitOf[byte] === unitOf[byte - 1];
  const next = (byte: number): number => {
    let whole = byte;
    while (inside(whole)) whole++;
    return whole;
  };
  return (start, end) => {
    if (start < 0 || end < start || end > total) throw new RangeError('A range of bytes lies outside of the text.');
    const first = unitOf[start] ?? 0;
    if (start === end) return { start: first, end: first, partial: false };
    return { start: first, end: unitOf[next(end)] ?? 0, partial: inside(start) || inside(end) };
  };
}

/** For every UTF-8 byte of the text, and for its end, the offset of the UTF-16 unit where its character begins. */
function unitsOfBytes(text: string): Uint32Array {
  const units = new Uint32Array(utf8Bytes(text) + 1).fill(text.length);
  let byte = 0;
  for (let unit = 0; unit < text.length;) {
    const codePoint = text.codePointAt(unit) ?? 0;
    for (const end = byte + utf8Length(codePoint); byte < end; byte++) units[byte] = unit;
    unit += codePoint > 0xffff ? 2 : 1;
  }
  return units;
}
