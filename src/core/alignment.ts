import { at } from './tensor.ts';
import type { Token } from './trace.ts';

/** Tokens of the first and of the second text that belong together: [aStart, aEnd) and [bStart, bEnd). One side may be empty. */
export interface AlignedSpan {
  readonly aStart: number;
  readonly aEnd: number;
  readonly bStart: number;
  readonly bEnd: number;
  /** Whether both sides hold the same token, or the same characters split differently. */
  readonly same: boolean;
}

/**
 * Tokens of two texts in the same vocabulary, aligned by the longest common subsequence of their ids (Wagner and Fischer 1974).
 * A token of one side only gets a span of its own, the first text's before the second's. Memory: one byte per pair of tokens
 * in the parts that differ.
 */
export function alignIds(a: ArrayLike<number>, b: ArrayLike<number>): readonly AlignedSpan[] {
  let start = 0;
  while (start < a.length && start < b.length && at(a, start) === at(b, start)) start++;
  let tail = 0;
  while (tail < a.length - start && tail < b.length - start && at(a, a.length - 1 - tail) === at(b, b.length - 1 - tail)) tail++;
  const spans: AlignedSpan[] = [];
  for (let i = 0; i < start; i++) spans.push(pair(i, i));
  let i = start;
  let j = start;
  const alone = (untilA: number, untilB: number): void => {
    for (; i < untilA; i++) spans.push({ aStart: i, aEnd: i + 1, bStart: j, bEnd: j, same: false });
    for (; j < untilB; j++) spans.push({ aStart: i, aEnd: i, bStart: j, bEnd: j + 1, same: false });
  };
  for (const [matchA, matchB] of commonPairs(a, b, start, a.length - tail, b.length - tail)) {
    alone(matchA, matchB);
    spans.push(pair(i++, j++));
  }
  alone(a.length - tail, b.length - tail);
  for (; i < a.length; i++) spans.push(pair(i, j++));
  return spans;
}

/** One text tokenized in two ways: the smallest groups of tokens that cover the same characters. Special tokens stand alone. */
export function alignCharacters(a: readonly Token[], b: readonly Token[]): readonly AlignedSpan[] {
  const spans: AlignedSpan[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const aStart = i;
    const bStart = j;
    const [one, other] = [a[i], b[j]];
    if (one === undefined || one.special || other === undefined || other.special) {
      // The side whose next token is not part of the text advances; the other stays.
      if (one !== undefined && (one.special || other === undefined)) i++;
      else j++;
      spans.push({ aStart, aEnd: i, bStart, bEnd: j, same: false });
      continue;
    }
    i++;
    j++;
    let end = Math.max(one.end, other.end);
    // Each side takes in the tokens that begin before the other's end, until both end at the same character.
    for (let before = -1; before !== end;) {
      before = end;
      while (beginsBefore(a[i], end)) end = Math.max(end, a[i++]?.end ?? end);
      while (beginsBefore(b[j], end)) end = Math.max(end, b[j++]?.end ?? end);
    }
    spans.push({ aStart, aEnd: i, bStart, bEnd: j, same: a[i - 1]?.end === b[j - 1]?.end });
  }
  return spans;
}

function beginsBefore(token: Token | undefined, end: number): boolean {
  return token !== undefined && !token.special && token.start < end;
}

/** Two tokenized texts, aligned by ids where both sides share a vocabulary, otherwise by characters. */
export function alignTokens(a: readonly Token[], b: readonly Token[], sameVocabulary: boolean): readonly AlignedSpan[] {
  return sameVocabulary
    ? alignIds(
        a.map(({ id }) => id),
        b.map(({ id }) => id),
      )
    : alignCharacters(a, b);
}

/** Whether a span is a single token on each side, and the same one. */
export function isPair({ aStart, aEnd, bStart, bEnd, same }: AlignedSpan): boolean {
  return same && aEnd - aStart === 1 && bEnd - bStart === 1;
}

function pair(i: number, j: number): AlignedSpan {
  return { aStart: i, aEnd: i + 1, bStart: j, bEnd: j + 1, same: true };
}

const DIAGONAL = 1;
const DOWN = 2;

/** Index pairs of a longest common subsequence of a[start..aEnd) and b[start..bEnd), ascending. */
function commonPairs(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  start: number,
  aEnd: number,
  bEnd: number,
): readonly (readonly [number, number])[] {
  const rows = aEnd - start;
  const columns = bEnd - start;
  if (rows === 0 || columns === 0) return [];
  // step[i, j]: the first step of a longest path from (i, j); only two rows of lengths are needed at a time.
  const step = new Uint8Array(rows * columns);
  let below = new Int32Array(columns + 1);
  for (let i = rows - 1; i >= 0; i--) {
    const lengths = new Int32Array(columns + 1);
    for (let j = columns - 1; j >= 0; j--) {
      const same = at(a, start + i) === at(b, start + j);
      const down = at(below, j);
      lengths[j] = same ? at(below, j + 1) + 1 : Math.max(down, at(lengths, j + 1));
      step[i * columns + j] = same ? DIAGONAL : down >= at(lengths, j + 1) ? DOWN : 0;
    }
    below = lengths;
  }
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < rows && j < columns;) {
    const next = at(step, i * columns + j);
    if (next === DIAGONAL) pairs.push([start + i, start + j]);
    if (next !== 0) i++;
    if (next !== DOWN) j++;
  }
  return pairs;
}
