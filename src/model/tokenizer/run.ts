import { utf8Length } from '../../core/textSpans.ts';

/**
 * Text on its way through normalizer and pre-tokenizer, which remembers what it came from: `widths` has one entry per
 * UTF-16 unit of `text`, the number of source bytes the character beginning there stands for (0 for the second half of
 * a surrogate pair and for characters that were put in).
 */
export interface Run {
  readonly text: string;
  readonly widths: Uint8Array;
}

/** Text as it stands in the source. */
export function sourceRun(text: string): Run {
  const widths = new Uint8Array(text.length);
  for (let unit = 0; unit < text.length; ) {
    const codePoint = text.codePointAt(unit) ?? 0;
    widths[unit] = utf8Length(codePoint);
    unit += codePoint > 0xffff ? 2 : 1;
  }
  return { text, widths };
}

/** `added` put before the run; it stands for no byte of the source. */
export function prepend(run: Run, added: string): Run {
  const widths = new Uint8Array(added.length + run.widths.length);
  widths.set(run.widths, added.length);
  return { text: added + run.text, widths };
}

/** Every occurrence of a character replaced by another one of the same number of UTF-16 units, which stands for the same bytes. */
export function replaceCharacter(run: Run, from: string, to: string): Run {
  return { text: run.text.replaceAll(from, to), widths: run.widths };
}

export function sliceRun(run: Run, start: number, end: number): Run {
  return { text: run.text.slice(start, end), widths: run.widths.subarray(start, end) };
}

/** Number of source bytes between two UTF-16 units of the run. */
export function widthBetween(run: Run, start: number, end: number): number {
  let bytes = 0;
  for (let unit = start; unit < end; unit++) bytes += run.widths[unit] ?? 0;
  return bytes;
}
