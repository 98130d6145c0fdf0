import { utf8Length } from '../../core/textSpans.ts';
import type { Placed } from './piece.ts';
import { ownsBytes, type SourcedText } from './sourcedText.ts';

/** Longest word that is kept, in UTF-16 units. Of a longer one JavaScript's engine would keep the whole text that it is a part of. */
const MOST_UNITS = 12;
/** Most words kept, as in the `tokenizers` library; then all are forgotten, as another text may have other words. */
const MOST_WORDS = 10_000;

/**
 * Keeps the tokens of words, which a text repeats. `encode` appends the tokens of a word, which depend on nothing but its letters and what
 * each of them stands for, save at the start of the text. Kept are words whose letters are those of the source.
 */
export function knownWords(encode: (word: SourcedText, placed: Placed[]) => void): (word: SourcedText, placed: Placed[]) => void {
  const known = new Map<string, readonly Placed[]>();
  return (word, placed) => {
    const { text } = word;
    const from = word.starts[0] ?? 0;
    if (from === 0 || text.length > MOST_UNITS || !isVerbatim(word)) return encode(word, placed);
    const tokens = known.get(text);
    if (tokens !== undefined) {
      for (const { id, start, end, marked } of tokens) placed.push({ id, start: start + from, end: end + from, marked });
      return;
    }
    const first = placed.length;
    encode(word, placed);
    if (known.size === MOST_WORDS) known.clear();
    known.set(
      text,
      placed.slice(first).map(({ id, start, end, marked }) => ({ id, start: start - from, end: end - from, marked })),
    );
  };
}

/** Whether the characters of a run are those of its source, with nothing left out between them. */
function isVerbatim(run: SourcedText): boolean {
  const { text, starts } = run;
  let byte = starts[0];
  if (byte === undefined) return false;
  for (let unit = 0; unit < text.length;) {
    const codePoint = text.codePointAt(unit) ?? 0;
    const next = unit + (codePoint > 0xffff ? 2 : 1);
    const width = utf8Length(codePoint);
    if (starts[unit] !== byte || !ownsBytes(run, unit, next, width)) return false;
    byte += width;
    unit = next;
  }
  return true;
}
