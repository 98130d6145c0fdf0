import type { KeptPiece } from './textEdits.ts';

/** The opening of a fenced code block (CommonMark 0.31, section 4.5): up to three spaces, a fence, and no backtick behind backticks. */
const OPENING = /^ {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$/;

/**
 * What is left of a Markdown text without its fenced code blocks, fences included: pieces of whole lines, each with its place in what is
 * left (`from`, `to`) and in the text (`at`), in UTF-16 units. A block that is not closed goes on to the end. Blocks inside of lists and
 * quotes, which are indented further or begin with `>`, and indented code are not told from prose.
 */
export function prosePieces(text: string): readonly KeptPiece[] {
  const pieces: KeptPiece[] = [];
  let fence: string | null = null;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at) + 1 || text.length;
    const line = text.slice(at, end).trimEnd();
    const opened = openingOf(line);
    if (fence === null && opened === null) {
      const last = pieces.at(-1);
      const from = last?.to ?? 0;
      if (last && last.at + last.to - last.from === at) pieces[pieces.length - 1] = { ...last, to: from + end - at };
      else pieces.push({ from, to: from + end - at, at });
    } else if (fence === null) fence = opened;
    else if (isClosing(line, fence)) fence = null;
    at = end;
  }
  return pieces;
}

/** The fence of a line that opens a block; null: it opens none. */
function openingOf(line: string): string | null {
  const [, ticks, tildes] = OPENING.exec(line) ?? [];
  return ticks ?? tildes ?? null;
}

/** Whether a line closes a block: a fence of the same character, at least as long, and nothing else. */
function isClosing(line: string, fence: string): boolean {
  const own = line.trimStart();
  return line.length - own.length <= 3 && own.length >= fence.length && own === (fence[0] ?? '').repeat(own.length);
}
