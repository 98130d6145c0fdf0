import { shareRead, type FileScores, type TextLayout } from '../../core/fileScores.ts';
import { piecesFrom, trackedPart, trackedWithin, type KeptPiece, type TrackedRange, type TrackedText } from '../../core/textEdits.ts';

/** How far the reading of a file has come. */
export type ReadingState = 'reading' | 'done' | 'stopped';

/** What a model made of a file's text: known after the text became tokens. */
export interface Scored {
  readonly layout: TextLayout;
  readonly scores: FileScores;
  /** The text of `layout`, as it was read. */
  readonly text: string;
  /** Whether `layout` is of a beginning of the text alone, so that the first colours need not wait for the tokens of all of it. */
  readonly isBeginning: boolean;
  /** The documents that it is the text of, in its order: one, or the cells of a notebook. */
  readonly documents: readonly DocumentText[];
  /** Whether cells of the notebook were added, removed or moved since. */
  rearranged: boolean;
  /** UTF-16 units of code blocks that were left out, as the user wants. */
  readonly left: number;
  /** UTF-16 units at the end of the file that were not read. */
  readonly omitted: number;
  /** Key of the model. */
  readonly modelKey: string;
}

/** What was read of a document. Offsets are those of its own text, in UTF-16 units. */
export interface DocumentText {
  /** That of the document; one that is renamed has another. */
  uri: string;
  /** Where its text begins in the whole text. */
  readonly from: number;
  /** Where its text is in the document now. */
  tracked: TrackedText;
  /** The parts of the document that its text was put together from: of a part of it alone there are several. */
  readonly parts: readonly KeptPiece[];
  /** UTF-16 units by which the document is longer than when it was read; null: not all of it was. */
  grown: number | null;
}

/** What a model made of the text that a document has a part of. `tracked` and `parts`: of that part, in the whole text. */
export interface ScoredDocument extends Pick<Scored, 'layout' | 'scores' | 'text'> {
  readonly tracked: TrackedText;
  readonly parts: readonly KeptPiece[];
  /** The part, [from, to), of the whole text. */
  readonly from: number;
  readonly to: number;
}

/** A file that is read as a whole, from when it was asked for until it is closed. Its fields change while it is read. */
export interface FileReading {
  /** That of its document, and its name; a file that is renamed has other ones. */
  uri: string;
  label: string;
  /** Whether it is a notebook, of which all cells are read as one text; a notebook may be open as a plain text at the same time. */
  readonly isNotebook: boolean;
  state: ReadingState;
  /** Whether it was asked for itself, and not only begun with the explanation of a part of it. */
  asked: boolean;
  /** Ends the work in progress. */
  work: AbortController;
  /** Null: the text is not made into tokens yet. */
  scored: Scored | null;
  /** Whether `scored` is of an older text, which is to be made into tokens again. */
  outdated: boolean;
  /** Whether what is edited is read again by itself. */
  live: boolean;
  /** What its scores depend on besides its text: the model, and the settings about windows. */
  terms: string;
}

/** Share of a file that was read, 0 to 1. */
export function shareOf({ scores, layout, text, isBeginning }: Scored): number {
  return shareRead(scores) * (isBeginning ? layout.read / text.length : 1);
}

/** What was read of a document, as a part of the whole. */
export function scoredDocument({ layout, scores, text }: Scored, { from, tracked, parts }: DocumentText): ScoredDocument {
  return {
    layout,
    scores,
    text,
    tracked: trackedWithin(tracked, from, text.length),
    parts: piecesFrom(parts, from),
    from,
    to: from + tracked.length,
  };
}

/** Present place of a token in the document, and whether its text was edited. */
export function placeOf(scored: ScoredDocument, index: number): TrackedRange {
  const { start, end } = scored.scores.tokens;
  return placeIn(scored, start[index] ?? 0, end[index] ?? 0);
}

/** Present place of [start, end) of the whole text in the document; of what is in two parts of it, the place of its beginning. */
export function placeIn({ tracked, parts }: Pick<ScoredDocument, 'tracked' | 'parts'>, start: number, end: number): TrackedRange {
  return trackedPart(tracked, parts, start, end);
}

/** The document that holds [start, end) of the whole text, or the beginning of it; of what is between two, the second. */
export function documentAt({ documents }: Scored, start: number): DocumentText | undefined {
  return documents.find(({ from, tracked }) => from + tracked.length > start) ?? documents.findLast(({ tracked }) => tracked.length > 0);
}

/** Whether what was read of the file was edited since, or something was added to it. */
export function isEdited({ documents, rearranged }: Pick<Scored, 'documents' | 'rearranged'>): boolean {
  return rearranged || documents.some(isChanged);
}

function isChanged({ tracked, parts, grown }: DocumentText): boolean {
  const kept = tracked.pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  return kept !== tracked.length || tracked.pieces.length !== parts.length || (grown ?? 0) !== 0;
}
