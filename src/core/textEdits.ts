// Tracks an explained text while its document is edited. The text is represented by its unchanged pieces; everything
// between two pieces was edited. Offsets are UTF-16 units.

/** One replacement in the document: `inserted` units in place of the `removed` units at `offset`. */
export interface TextEdit {
  readonly offset: number;
  readonly removed: number;
  readonly inserted: number;
}

/** A part of the original text, [from, to), that stands unchanged at `at` in the document. */
export interface KeptPiece {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/** An original text of `length` units, now at [start, end) of the document; `pieces` in order, none empty. */
export interface TrackedText {
  readonly length: number;
  readonly start: number;
  readonly end: number;
  readonly pieces: readonly KeptPiece[];
}

/** Where a part of the original text is now; `stale` when any of it was changed, removed or cut into. */
export interface TrackedRange {
  readonly start: number;
  readonly end: number;
  readonly stale: boolean;
}

/** Reads [start, end) of the document as it is now. */
export type ReadText = (start: number, end: number) => string;

/** A text of `length` units found unchanged at `start`. */
export function trackText(start: number, length: number): TrackedText {
  return { length, start, end: start + length, pieces: length > 0 ? [{ from: 0, to: length, at: start }] : [] };
}

/** A text of which no piece is known to be left; [start, end) is what stands in its place. */
export function lostText(start: number, end: number, length: number): TrackedText {
  return { length, start, end, pieces: [] };
}

/**
 * The tracked text after one edit of the document. An insertion at an end of the text is outside of it, unless that end
 * was edited before: then the insertion may restore it.
 */
export function applyEdit(tracked: TrackedText, edit: TextEdit): TrackedText {
  const { offset, inserted } = edit;
  const editEnd = offset + edit.removed;
  const shift = inserted - edit.removed;
  const insertion = edit.removed === 0;
  const startIsWhole = tracked.pieces[0]?.from === 0;
  const endIsWhole = tracked.pieces.at(-1)?.to === tracked.length;
  if (offset > tracked.end || (offset === tracked.end && (endIsWhole || !insertion))) return tracked;
  if (editEnd < tracked.start || (editEnd === tracked.start && (startIsWhole || !insertion))) {
    return {
      ...tracked,
      start: tracked.start + shift,
      end: tracked.end + shift,
      pieces: tracked.pieces.map((piece) => moved(piece, shift)),
    };
  }
  const pieces: KeptPiece[] = [];
  for (const piece of tracked.pieces) {
    const pieceEnd = piece.at + piece.to - piece.from;
    if (pieceEnd <= offset) {
      append(pieces, piece);
    } else if (piece.at >= editEnd) {
      append(pieces, moved(piece, shift));
    } else {
      append(pieces, { from: piece.from, to: piece.from + offset - piece.at, at: piece.at });
      append(pieces, { from: piece.from + editEnd - piece.at, to: piece.to, at: offset + inserted });
    }
  }
  const start = Math.min(tracked.start, offset);
  const end = tracked.end > editEnd ? tracked.end + shift : offset + inserted;
  return { length: tracked.length, start, end, pieces };
}

/**
 * The tracked text after edits that are applied one after another. Many at once, as from a replacement everywhere, come from the end to the
 * start, none over another: these take time that grows with their number and that of the pieces, and not with the product.
 */
export function applyEdits(tracked: TrackedText, edits: readonly TextEdit[]): TrackedText {
  const inOrder = edits.every((edit, index) => index === 0 || edit.offset + edit.removed <= (edits[index - 1]?.offset ?? 0));
  if (!inOrder) return edits.reduce(applyEdit, tracked);
  const { start, end } = tracked;
  const isInside = ({ offset, removed }: TextEdit): boolean => offset > start && offset + removed < end;
  const isBefore = ({ offset, removed }: TextEdit): boolean => offset + removed < start;
  const inside = edits.filter(isInside);
  const across = edits.filter((edit) => !isInside(edit) && !isBefore(edit));
  const after = across.filter(({ offset }) => offset > start).reduce(applyEdit, tracked);
  const within = across.filter(({ offset }) => offset <= start).reduce(applyEdit, editedInside(after, inside));
  // Edits before the text move all pieces alike.
  const [first, ...rest] = within.pieces;
  const before = edits.filter(isBefore).reduce(applyEdit, { ...within, pieces: first ? [first] : [] });
  const shift = first ? (before.pieces[0]?.at ?? first.at) - first.at : 0;
  return { ...before, pieces: [...before.pieces, ...rest.map((piece) => moved(piece, shift))] };
}

/** After edits inside the text that do not touch its ends, the last of the text first, none over another. */
function editedInside(tracked: TrackedText, edits: readonly TextEdit[]): TrackedText {
  const pieces: KeptPiece[] = [];
  let [shift, index] = [0, 0];
  let left = tracked.pieces[index];
  for (const { offset, removed, inserted } of edits.toReversed()) {
    const stop = offset + removed;
    while (left && left.at + left.to - left.from <= offset) {
      append(pieces, moved(left, shift));
      left = tracked.pieces[++index];
    }
    if (left && left.at < offset) {
      append(pieces, { from: left.from, to: left.from + offset - left.at, at: left.at + shift });
      left = { from: left.from + offset - left.at, to: left.to, at: offset };
    }
    while (left && left.at + left.to - left.from <= stop) left = tracked.pieces[++index];
    if (left && left.at < stop) left = { from: left.from + stop - left.at, to: left.to, at: stop };
    shift += inserted - removed;
  }
  for (; left; left = tracked.pieces[++index]) append(pieces, moved(left, shift));
  return { ...tracked, end: tracked.end + shift, pieces };
}

/**
 * Finds pieces of `original` that undoing or retyping restored: the whole text first, then the beginnings and ends of the
 * edited gaps. A piece is claimed only where the document holds exactly its text.
 */
export function heal(tracked: TrackedText, original: string, read: ReadText): TrackedText {
  if (tracked.pieces[0]?.to === tracked.length && tracked.pieces[0].from === 0) return tracked;
  if (tracked.end - tracked.start >= tracked.length && tracked.length > 0) {
    const found = read(tracked.start, tracked.end).indexOf(original);
    if (found >= 0) return trackText(tracked.start + found, tracked.length);
  }
  const pieces: KeptPiece[] = [];
  let from = 0;
  let at = tracked.start;
  for (const next of [...tracked.pieces, { from: tracked.length, to: tracked.length, at: tracked.end }]) {
    const wanted = original.slice(from, next.from);
    const present = next.at > at ? read(at, next.at) : '';
    const shorter = Math.min(wanted.length, present.length);
    let prefix = 0;
    while (prefix < shorter && wanted.charCodeAt(prefix) === present.charCodeAt(prefix)) prefix++;
    let suffix = 0;
    while (suffix < shorter - prefix && wanted.charCodeAt(wanted.length - 1 - suffix) === present.charCodeAt(present.length - 1 - suffix))
      suffix++;
    append(pieces, { from, to: from + prefix, at });
    append(pieces, { from: next.from - suffix, to: next.from, at: next.at - suffix });
    append(pieces, next);
    from = next.to;
    at = next.at + next.to - next.from;
  }
  const first = pieces[0];
  const last = pieces.at(-1);
  return {
    length: tracked.length,
    start: first?.from === 0 ? first.at : tracked.start,
    end: last?.to === tracked.length ? last.at + last.to - last.from : tracked.end,
    pieces,
  };
}

/** Finds `original` again in a document whose edits were missed: at its old place, or its nearest occurrence. */
export function relocate(tracked: TrackedText, original: string, document: string): TrackedText {
  if (document.startsWith(original, tracked.start)) return trackText(tracked.start, original.length);
  const after = document.indexOf(original, tracked.start);
  const before = document.lastIndexOf(original, tracked.start);
  const nearest = after < 0 || (before >= 0 && tracked.start - before < after - tracked.start) ? before : after;
  if (nearest >= 0) return trackText(nearest, original.length);
  const end = Math.min(tracked.end, document.length);
  return lostText(Math.min(tracked.start, end), end, original.length);
}

/** Where [start, end) of the original text is now. Where it was edited, the range spans what replaced it. */
export function trackedRange(tracked: TrackedText, start: number, end: number): TrackedRange {
  const { pieces } = tracked;
  const after = pieces[firstIndex(pieces, (piece) => piece.to >= end)];
  if (after && after.from <= start) return { start: after.at + start - after.from, end: after.at + end - after.from, stale: false };
  const before = pieces[firstIndex(pieces, (piece) => piece.from > start) - 1];
  const first = before ? before.at + Math.min(start, before.to) - before.from : tracked.start;
  const last = after ? after.at + Math.max(end, after.from) - after.from : tracked.end;
  return { start: first, end: Math.max(first, last), stale: end > start };
}

/**
 * Where [start, end) of an original text is now that was put together from several parts of the document, or of which the document has only
 * a part: of what reaches beyond one of these `parts`, the place of what is in the first of them.
 */
export function trackedPart(tracked: TrackedText, parts: readonly KeptPiece[], start: number, end: number): TrackedRange {
  const part = parts.find(({ to }) => to > start);
  const from = Math.max(start, part?.from ?? start);
  return trackedRange(tracked, from, Math.max(from, Math.min(end, part?.to ?? end)));
}

/** A tracked text as that part of a longer one, of `length` units, which begins at `from` of that. */
export function trackedWithin(tracked: TrackedText, from: number, length: number): TrackedText {
  return from === 0 && length === tracked.length ? tracked : { ...tracked, length, pieces: piecesFrom(tracked.pieces, from) };
}

/** Pieces of a text as those of a longer one in which it begins at `from`. */
export function piecesFrom(pieces: readonly KeptPiece[], from: number): readonly KeptPiece[] {
  return from === 0 ? pieces : pieces.map((piece) => ({ from: piece.from + from, to: piece.to + from, at: piece.at }));
}

/** Offset in the original text of a place in the document; null in edited parts and outside. */
export function originalOffset(tracked: TrackedText, at: number): number | null {
  const { pieces } = tracked;
  const piece = pieces[firstIndex(pieces, (kept) => at < kept.at + kept.to - kept.from)];
  return piece && piece.at <= at ? piece.from + at - piece.at : null;
}

/** Offset in the original text of a place in the document; in edited parts, of where the unchanged text before them ends. */
export function originalNear({ pieces, length }: TrackedText, at: number): number {
  const before = pieces[firstIndex(pieces, (piece) => piece.at > at) - 1];
  return before === undefined ? 0 : Math.min(length, before.from + Math.min(at - before.at, before.to - before.from));
}

/** Whether no part of the text was edited. */
export function isWhole({ pieces, length }: TrackedText): boolean {
  return length === 0 || (pieces[0]?.from === 0 && pieces[0].to === length);
}

/** Index of the first piece that `is` true of, which it is of all behind it too; their number where it is of none. */
function firstIndex(pieces: readonly KeptPiece[], is: (piece: KeptPiece) => boolean): number {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const piece = pieces[middle];
    if (piece !== undefined && is(piece)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function moved(piece: KeptPiece, shift: number): KeptPiece {
  return { from: piece.from, to: piece.to, at: piece.at + shift };
}

/** Adds a piece, joined with the one before where both stand side by side in both texts. */
function append(pieces: KeptPiece[], piece: KeptPiece): void {
  if (piece.to <= piece.from) return;
  const last = pieces.at(-1);
  if (last && last.to === piece.from && last.at + last.to - last.from === piece.at) pieces[pieces.length - 1] = { ...last, to: piece.to };
  else pieces.push(piece);
}
