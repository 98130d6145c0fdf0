import { utf8Bytes, wholeCharacters } from '../../core/textSpans.ts';
import type { Placed } from './piece.ts';
import type { SafeCut } from './safeCuts.ts';
import { wholeTokens } from './settle.ts';
import type { Template } from './template.ts';

/** How a text is cut, in UTF-16 units and tokens. */
export interface PieceSizes {
  /** Units of a piece, where it can be cut. */
  readonly piece: number;
  /** Most units of a piece: the tokens of more than that, of a text without a safe place to cut, are too much for memory. */
  readonly most: number;
  /** Tokens before an unsafe cut whose shape the cut could change. */
  readonly margin: number;
}

const SIZES: PieceSizes = { piece: 2 ** 16, most: 2 ** 23, margin: 64 };

/** A piece of a text, with what is put around its tokens. */
export interface EncodedPiece {
  readonly piece: string;
  /** UTF-16 offset of the piece in the text. */
  readonly from: number;
  /** Its tokens, in bytes of the piece. */
  readonly placed: readonly Placed[];
  readonly around: Template;
}

/** A well-formed text piece by piece, with what the template puts around it; see `encodeInPieces`. */
export function* inPieces(
  text: string,
  isSafe: SafeCut | null,
  encodeText: (text: string) => Placed[],
  { before, after }: Template,
  sizes = SIZES,
): Generator<EncodedPiece> {
  for (let from = 0; from === 0 || from < text.length;) {
    const { piece, placed, last } = nextPiece(text, from, isSafe, encodeText, sizes);
    yield { piece, from, placed, around: { before: from === 0 ? before : [], after: last ? after : [] } };
    if (last) return;
    from += piece.length;
  }
}

interface Piece {
  readonly piece: string;
  readonly placed: readonly Placed[];
  /** Whether no other comes after it. */
  readonly last: boolean;
}

function nextPiece(text: string, from: number, isSafe: SafeCut | null, encodeText: (text: string) => Placed[], sizes: PieceSizes): Piece {
  const to = isSafe === null ? text.length : safeCutAfter(text, from, isSafe, sizes.piece);
  if (to - from > sizes.most) return firstPart(text.slice(from, wholeCharacters(text, from + sizes.most)), encodeText, sizes.margin);
  const piece = text.slice(from, to);
  if (to === text.length) return { piece, placed: encodeText(piece), last: true };
  const bytes = utf8Bytes(piece);
  return { piece, placed: encodeText(text.slice(from, to + 1)).filter(({ start }) => start < bytes), last: false };
}

/** The safe place nearest to the end of a piece, or the text's end. */
function safeCutAfter(text: string, from: number, isSafe: SafeCut, units: number): number {
  const wanted = from + units;
  if (wanted >= text.length) return text.length;
  for (let place = wanted; place > from + units / 2; place--) if (isSafe(text, place)) return place;
  for (let place = wanted + 1; place < text.length; place++) if (isSafe(text, place)) return place;
  return text.length;
}

/** The tokens of a text that goes on, up to one that the rest cannot change; it ends with a whole character. */
function firstPart(text: string, encodeText: (text: string) => Placed[], margin: number): Piece {
  const all = encodeText(text);
  const { placed, length } = wholeTokens(text, all, all.length - margin) ?? { placed: [], length: 0 };
  return { piece: text.slice(0, length), placed, last: true };
}
