import { joinRuns, rewrite, sliceRun, type Change, type SourcedText } from './sourcedText.ts';
import { UNNORMALIZED } from './unicode.ts';

/** Name of a Unicode normal form. */
export type NormalForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/** A character that does not combine with the one before, and the characters after it that may combine with it. */
const SEGMENT = /[\s\S][\p{M}\u1160-\u1175\u11a8-\u11c2\u3131-\u318e\uff9e\uff9f\uffa0-\uffdc]*/gu;

/**
 * Unicode normalisation that keeps every character's source. Alignment is as in the `tokenizers` library (crate
 * unicode-normalization-alignments): a decomposed character's parts all stand for it, a composed character for all its parts, and
 * reordered marks keep the sources of their places, not their own.
 */
export function normalForm(form: NormalForm): (run: SourcedText) => SourcedText {
  const unchanged = (text: string): boolean => text.normalize(form) === text && !UNNORMALIZED.test(text);
  return (run) => {
    if (unchanged(run.text)) return run;
    const parts: SourcedText[] = [];
    let done = 0;
    for (const { 0: segment, index } of run.text.matchAll(SEGMENT)) {
      if (unchanged(segment)) continue;
      if (done < index) parts.push(sliceRun(run, done, index));
      done = index + segment.length;
      const apart = decompose(segment, form === 'NFC' || form === 'NFD' ? 'NFD' : 'NFKD');
      parts.push(rewrite(sliceRun(run, index, done), form === 'NFC' || form === 'NFKC' ? compose(apart) : apart));
    }
    if (done < run.text.length) parts.push(sliceRun(run, done, run.text.length));
    return joinRuns(run, parts);
  };
}

function decompose(segment: string, form: 'NFD' | 'NFKD'): Change[] {
  const parts: Change[] = [];
  for (const character of segment) {
    let change = 0;
    for (const part of UNNORMALIZED.test(character) ? character : character.normalize(form)) {
      parts.push({ character: part, change });
      change = 1;
    }
  }
  const ordered: Change[] = [];
  let marks: Change[] = [];
  for (const part of parts) {
    if (!isStarter(part.character)) {
      marks.push(part);
      continue;
    }
    for (const mark of inOrder(marks)) ordered.push(mark);
    ordered.push(part);
    marks = [];
  }
  for (const mark of inOrder(marks)) ordered.push(mark);
  return ordered;
}

/** Canonical composition: each mark joins the last starter unless one of its own class stands between. */
function compose(parts: readonly Change[]): Change[] {
  const composed: Change[] = [];
  let starter: Change | null = null;
  let marks: Change[] = [];
  for (const part of parts) {
    const starts = isStarter(part.character);
    if (starter === null) {
      if (starts) starter = part;
      else composed.push(part);
      continue;
    }
    const last = marks.at(-1);
    const blocked = last !== undefined && (starts || sameClass(last.character, part.character));
    const joined = blocked ? null : pair(starter.character, part.character);
    if (joined !== null) {
      starter = { character: joined, change: starter.change + part.change - 1 };
    } else if (starts) {
      composed.push(starter, ...marks);
      marks = [];
      starter = part;
    } else {
      marks.push(part);
    }
  }
  if (starter !== null) composed.push(starter);
  for (const mark of marks) composed.push(mark);
  return composed;
}

function pair(first: string, second: string): string | null {
  if (UNNORMALIZED.test(first) || UNNORMALIZED.test(second)) return null;
  const joined = (first + second).normalize('NFC');
  const whole = String.fromCodePoint(joined.codePointAt(0) ?? 0);
  return whole === joined && !UNNORMALIZED.test(joined) ? joined : null;
}

// JavaScript does not expose combining classes, but its normal form swaps two marks exactly when the first has the higher one.

function swaps(first: string, second: string): boolean {
  return (first + second).normalize('NFD') !== first + second;
}

const LOWEST_CLASS = '\u0334';
const HIGHEST_CLASS = '\u0345';
const starters = new Map<string, boolean>();

/** Whether a character has combining class 0. */
function isStarter(character: string): boolean {
  const known = starters.get(character);
  if (known !== undefined) return known;
  const starts = UNNORMALIZED.test(character) || !(swaps(HIGHEST_CLASS, character) || swaps(character, LOWEST_CLASS));
  starters.set(character, starts);
  return starts;
}

function sameClass(first: string, second: string): boolean {
  return first === second || !(swaps(first, second) || swaps(second, first));
}

function inOrder(marks: Change[]): Change[] {
  return marks.sort((a, b) =>
    a.character === b.character ? 0 : swaps(a.character, b.character) ? 1 : swaps(b.character, a.character) ? -1 : 0,
  );
}
