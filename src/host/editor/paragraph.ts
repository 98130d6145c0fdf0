/** The part of a document that is needed to find a paragraph. */
export interface Lines {
  readonly count: number;
  isBlank(line: number): boolean;
}

/** Most lines searched in each direction: in a document without blank lines a paragraph would have no end. */
const REACH = 400;

/**
 * First and last line of the paragraph around line `cursor`: adjacent lines that are not blank. On a blank line, those of the nearest
 * paragraph below, else above. Null if there is no text within `REACH` lines.
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
