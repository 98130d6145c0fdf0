import type { FileScores, TextLayout } from '../../core/fileScores.ts';
import { isWhole, trackedRange, type TrackedRange, type TrackedText } from '../../core/textEdits.ts';

/** How far the reading of a file has come. */
export type ReadingState = 'reading' | 'done' | 'stopped';

/** What a model made of a file's text: known after the text became tokens. */
export interface Scored {
  readonly layout: TextLayout;
  readonly scores: FileScores;
  /** The text of `layout`, as it was read, and where it is now. */
  readonly text: string;
  tracked: TrackedText;
  /** UTF-16 units of the file that were not read. */
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
export function placeOf({ tracked, scores: { tokens } }: Pick<Scored, 'tracked' | 'scores'>, index: number): TrackedRange {
  return trackedRange(tracked, tokens.start[index] ?? 0, tokens.end[index] ?? 0);
}

/** Whether the file was edited since it was read. */
export function isEdited({ tracked }: Pick<Scored, 'tracked'>): boolean {
  return !isWhole(tracked);
}
