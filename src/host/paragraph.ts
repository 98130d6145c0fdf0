/** The lines of a document, as far as finding a paragraph needs them. */
export interface Lines {
  readonly count: number;
  isBlank(line: number): boolean;
}

/** Lines looked at in each direction: a document without blank lines has no end to its paragraphs. */
const REACH = 400;

/**
 * First and last line of the paragraph around line `cursor`: neighbouring lines that are not blank. From a blank line
 * the nearest paragraph below, else above. Null where there is no text within reach.
 */
export function paragraphAround(lines: Lines, cursor: number): readonly [number, number] | null {
  const inside = nearestText(lines, cursor);
  if (inside === null) return null;
  let first = inside;
  let last = inside;
  while (first > 0 && inside - first < REACH && !lines.isBlank(first - 1)) first--;
  while (last + 1 < lines.count && last - inside < REACH && !lines.isBlank(last + 1)) last++;
  return [first, last];
}

function nearestText(lines: Lines, cursor: number): number | null {
  for (let line = cursor; line < Math.min(lines.count, cursor + REACH); line++) if (!lines.isBlank(line)) return line;
  for (let line = cursor - 1; line >= Math.max(0, cursor - REACH); line--) if (!lines.isBlank(line)) return line;
  return null;
}

/** `end` moved back by one where it would cut a surrogate pair of `text` in two. */
export function wholeCharacters(text: string, end: number): number {
  const last = text.charCodeAt(end - 1);
  const next = text.charCodeAt(end);
  return last >= 0xd800 && last < 0xdc00 && next >= 0xdc00 && next < 0xe000 ? end - 1 : end;
}
