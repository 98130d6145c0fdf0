import { fileBits, OLDER, UNREAD, type FileScores } from './fileScores.ts';
import { firstTokenBeyond } from './packedTokens.ts';
import { trackedPart, type KeptPiece, type TrackedText } from './textEdits.ts';

/** What the tokens of a line add up to. */
export interface LineSum {
  readonly bits: number;
  /** Whether one of them has its number by a text before it that was edited since. */
  readonly older: boolean;
}

/**
 * Surprisal of a line, [start, end) of the document with its line end, in bits: the sum of the tokens that begin in it, as in a list of
 * lines. Null: there is none, as a token of it was edited or not read yet, or none was predicted.
 */
export function lineSum(
  { scores, tracked, parts }: { readonly scores: FileScores; readonly tracked: TrackedText; readonly parts: readonly KeptPiece[] },
  start: number,
  end: number,
): LineSum | null {
  const piece = tracked.pieces.find(({ from, to, at }) => at <= start && end <= at + to - from);
  if (piece === undefined) return null;
  const { tokens, known } = scores;
  const [from, to] = [piece.from + start - piece.at, piece.from + end - piece.at];
  // The first token of a text that begins with none of the model's own is predicted by nothing, and never read as another is.
  const predictedFrom = scores.windows[0]?.scoredFrom ?? 0;
  let [bits, scored, older] = [0, 0, false];
  for (let token = firstTokenBeyond(tokens, from); token < tokens.ids.length && (tokens.start[token] ?? to) < to; token++) {
    // One that began in the line before belongs to that.
    if ((tokens.start[token] ?? 0) < from || tokens.special[token] === 1) continue;
    if (
      (known[token] === UNREAD && token >= predictedFrom) ||
      trackedPart(tracked, parts, tokens.start[token] ?? 0, tokens.end[token] ?? 0).stale
    )
      return null;
    const own = fileBits(scores, token);
    if (Number.isNaN(own)) continue;
    [bits, scored, older] = [bits + own, scored + 1, older || known[token] === OLDER];
  }
  return scored === 0 ? null : { bits, older };
}
