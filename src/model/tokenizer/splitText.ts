import type { Pattern } from './regex/matcher.ts';
import { sliceRun, type SourcedText } from './sourcedText.ts';

/** How the matches at which a run is split are treated. */
export type SplitBehavior = 'Isolated' | 'Removed' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

/** Whether a name is that of a behaviour. */
export function isSplitBehavior(value: string): value is SplitBehavior {
  return (
    value === 'Isolated' || value === 'Removed' || value === 'MergedWithPrevious' || value === 'MergedWithNext' || value === 'Contiguous'
  );
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly match: boolean;
}

/**
 * Splits a run at the pattern's matches; with `invert`, the text between matches counts as the match.
 * As `NormalizedString::split` of the `tokenizers` library.
 */
export function split(pattern: Pattern, behavior: SplitBehavior, invert: boolean): (run: SourcedText) => SourcedText[] {
  // All parts are kept as they are, those of matches and the others.
  if (behavior === 'Isolated') return (run) => apart(run, pattern);
  return (run) => {
    const parts = matches(run.text, pattern).map((part) => (invert ? { ...part, match: !part.match } : part));
    return arranged(parts, behavior).flatMap(({ start, end }) => (start < end ? [sliceRun(run, start, end)] : []));
  };
}

/** The matches in a run and the runs between them, in order. */
function apart(run: SourcedText, pattern: Pattern): SourcedText[] {
  const parts: SourcedText[] = [];
  let done = 0;
  for (const found of pattern[Symbol.matchAll](run.text)) {
    const end = found.index + found[0].length;
    if (done < found.index) parts.push(sliceRun(run, done, found.index));
    if (found.index < end) parts.push(sliceRun(run, found.index, end));
    done = end;
  }
  if (done < run.text.length) parts.push(sliceRun(run, done, run.text.length));
  return parts;
}

/** Matches and the text between them, in order. */
function matches(text: string, pattern: Pattern): Part[] {
  const parts: Part[] = [];
  let done = 0;
  for (const found of pattern[Symbol.matchAll](text)) {
    const end = found.index + found[0].length;
    if (done < found.index) parts.push({ start: done, end: found.index, match: false });
    parts.push({ start: found.index, end, match: true });
    done = end;
  }
  if (done < text.length) parts.push({ start: done, end: text.length, match: false });
  return parts;
}

function arranged(parts: readonly Part[], behavior: Exclude<SplitBehavior, 'Isolated'>): readonly Part[] {
  switch (behavior) {
    case 'Removed':
      return parts.filter((part) => !part.match);
    case 'Contiguous':
      return merged(parts, (part, previous) => part.match === previous);
    case 'MergedWithPrevious':
      return merged(parts, (part, previous) => part.match && !previous);
    case 'MergedWithNext':
      break;
  }
  // As with MergedWithPrevious, from the end.
  return merged(parts.toReversed(), (part, previous) => part.match && !previous).reverse();
}

/** Parts joined to the one before where `joins` says so. `previous`: whether the part before was a match (at first: no). */
function merged(parts: readonly Part[], joins: (part: Part, previous: boolean) => boolean): Part[] {
  const joined: Part[] = [];
  let previous = false;
  for (const part of parts) {
    const last = joined.at(-1);
    if (last !== undefined && joins(part, previous))
      joined[joined.length - 1] = { start: Math.min(last.start, part.start), end: Math.max(last.end, part.end), match: false };
    else joined.push(part);
    previous = part.match;
  }
  return joined;
}
