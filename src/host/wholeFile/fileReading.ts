import type { FileScores, TextLayout } from '../../core/fileScores.ts';
import { trackedRange, type KeptPiece, type TrackedRange, type TrackedText } from '../../core/textEdits.ts';

/** How far the reading of a file has come. */
export type ReadingState = 'reading' | 'done' | 'stopped';

/** What a model made of a file's text: known after the text became tokens. */
export interface Scored {
  readonly layout: TextLayout;
  readonly scores: FileScores;
  /** The text of `layout`, as it was read, and where it is now. */
  readonly text: string;
  tracked: TrackedText;
  /** The parts of the document that the text was put together from: of a part of it alone there are several. */
  readonly parts: readonly KeptPiece[];
  /** UTF-16 units of code blocks that were left out, as the user wants. */
  readonly left: number;
  /** UTF-16 units at the end of the file that were not read. */
  readonly omitted: number;
  /** Key of the model. */
  readonly modelKey: string;
}

/** A file that is read as a whole, from when it was asked for until it is closed. Its fields change while it is read. */
export interface FileReading {
  /** That of its document, and its name; a file that is renamed has other ones. */
  uri: string;
  label: string;
  state: ReadingState;
  /** Ends the work in progress. */
  work: AbortController;
  /** Null: the text is not made into tokens yet. */
  scored: Scored | null;
  /** Whether `scored` is of an older text, which is to be made into tokens again. */
  outdated: boolean;
  /** Whether what is edited is read again by itself. */
  live: boolean;
}

/** Present place of a token in the document, and whether its text was edited. */
export function placeOf(scored: Pick<Scored, 'tracked' | 'parts' | 'scores'>, index: number): TrackedRange {
  const { start, end } = scored.scores.tokens;
  return placeIn(scored, start[index] ?? 0, end[index] ?? 0);
}

/** Present place of [start, end) of the text; of what is in two parts of the document, the place of its beginning. */
export function placeIn({ tracked, parts }: Pick<Scored, 'tracked' | 'parts'>, start: number, end: number): TrackedRange {
  const seam = parts.length < 2 ? undefined : parts.find(({ to }) => to > start)?.to;
  return trackedRange(tracked, start, Math.min(end, seam ?? end));
}

/** Whether what was read of the file was edited since. */
export function isEdited({ tracked, parts }: Pick<Scored, 'tracked' | 'parts'>): boolean {
  const kept = tracked.pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  return kept !== tracked.length || tracked.pieces.length !== parts.length;
}
