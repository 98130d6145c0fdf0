import type { PackedTokens } from './packedTokens.ts';

/** Tokens left free at the end of a part: where a text is cut, its last tokens may be others. */
const MARGIN = 8;

/** What two texts begin and end with alike, in UTF-16 units. The ends do not reach into the beginnings. */
export interface Shared {
  readonly prefix: number;
  readonly suffix: number;
}

/** The common beginning and end of two texts, of whole characters. */
export function sharedEnds(a: string, b: string): Shared {
  const shorter = Math.min(a.length, b.length);
  let prefix = 0;
  while (prefix < shorter && a.charCodeAt(prefix) === b.charCodeAt(prefix)) prefix++;
  if (isHalf(a, prefix) || isHalf(b, prefix)) prefix--;
  let suffix = 0;
  while (suffix < shorter - prefix && a.charCodeAt(a.length - 1 - suffix) === b.charCodeAt(b.length - 1 - suffix)) suffix++;
  if (isHalf(a, a.length - suffix) || isHalf(b, b.length - suffix)) suffix--;
  return { prefix, suffix };
}

/** Whether a place in a text is between the halves of a surrogate pair. */
function isHalf(text: string, at: number): boolean {
  return at > 0 && (text.codePointAt(at - 1) ?? 0) > 0xffff;
}

/** The part of a text that is read, [start, end) in UTF-16 units. */
export interface TextPart {
  readonly start: number;
  readonly end: number;
}

/**
 * The parts of two texts, before and after a change, that a model can read at once: all of them where `most` tokens hold them, else those
 * around the change that begins at `prefix`. Both begin at one place, that of a line if one begins there.
 */
export function partsAround(
  [a, b]: readonly [string, string],
  [tokensA, tokensB]: readonly [PackedTokens, PackedTokens],
  prefix: number,
  most: number,
): readonly [TextPart, TextPart] {
  if (Math.max(tokensA.ids.length, tokensB.ids.length) <= most) {
    return [
      { start: 0, end: a.length },
      { start: 0, end: b.length },
    ];
  }
  const place = ({ start }: PackedTokens, index: number, length: number): number => start[index] ?? length;
  // The texts are alike before the change, and so are their tokens.
  const changed = tokensA.end.findIndex((end) => end > prefix);
  const first = Math.max(0, (changed === -1 ? tokensA.ids.length : changed) - Math.floor(most / 2));
  const start = first === 0 ? 0 : lineFrom(a, place(tokensA, first, a.length), prefix);
  const begin = tokensA.start.findIndex((own) => own >= start);
  const stop = (begin === -1 ? tokensA.ids.length : begin) + Math.max(1, most - MARGIN);
  return [
    { start, end: place(tokensA, stop, a.length) },
    { start, end: place(tokensB, stop, b.length) },
  ];
}

/** Where the first line begins from `place` on, if that is before `end`; else `place`. */
function lineFrom(text: string, place: number, end: number): number {
  const line = text.indexOf('\n', place - 1) + 1;
  return line > 0 && line <= end ? line : place;
}
