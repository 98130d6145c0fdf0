import { toByteCharacters } from '../../core/byteAlphabet.ts';
import { utf8Length } from '../../core/textSpans.ts';
import { checkGrowth, ownsBytes, type SourcedText } from './sourcedText.ts';

const encoder = new TextEncoder();

/**
 * A run in the byte-level alphabet. Each of a character's bytes stands for one of its source bytes where the numbers agree, else for
 * all of them.
 */
export function toBytes(run: SourcedText): SourcedText {
  const bytes = encoder.encode(run.text);
  checkGrowth(run, bytes.length);
  const starts = new Uint32Array(bytes.length);
  const ends = new Uint32Array(bytes.length);
  let at = 0;
  for (let unit = 0; unit < run.text.length;) {
    const codePoint = run.text.codePointAt(unit) ?? 0;
    const width = utf8Length(codePoint);
    const start = run.starts[unit] ?? 0;
    const end = run.ends[unit] ?? 0;
    const next = unit + (codePoint > 0xffff ? 2 : 1);
    const shared = ownsBytes(run, unit, next, width);
    for (let i = 0; i < width; i++) {
      starts[at] = shared ? start + i : start;
      ends[at] = shared ? start + i + 1 : end;
      at++;
    }
    unit = next;
  }
  return { text: toByteCharacters(bytes), source: run.source, starts, ends };
}
