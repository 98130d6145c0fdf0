import { FEWEST_TOKENS, PIECE_TOKENS, SCORE_BYTES } from '../../core/memory.ts';
import { parametersOf } from '../families/parameters.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';

/** Tokens `from` to `to` - 1 of those to run: they go through a session at once. */
export interface Piece {
  readonly from: number;
  readonly to: number;
}

/** What decides how long a token takes in one session. */
export interface SessionWork {
  /** Numbers in the weights: each is multiplied once a token. */
  readonly parameters: number;
  /** Multiplications a token for each key that it is compared with, in all layers of the session. */
  readonly perKey: number;
  /** Bytes of a token's scores of one key, of all heads of a layer. */
  readonly scoreBytes: number;
}

/**
 * Multiplications of a piece in one session, a fifth of a second of two cores: Cancel waits for no more, and progress is told as often.
 * The rule knows the model's shape alone, not the machine, so that the same text gives the same numbers everywhere.
 */
const MOST_WORK = 8e9;
/** Softmax, mask and scale of one score, in multiplications of a matrix product that take as long. */
const SCORE_WORK = 128;

/** A rule that cuts `tokens` tokens, which follow `past`, into pieces. */
export type CutText = (work: SessionWork, past: number, tokens: number) => readonly Piece[];

/** The work of layers `from` to `to` - 1. */
export function workOf(spec: DecoderSpec, from: number, to: number): SessionWork {
  const sizes = spec.blocks.slice(from, to).map((_, index) => ofLayer(spec, from + index));
  return {
    parameters: parametersOf(spec.blocks.slice(from, to)),
    perKey: sizes.reduce((sum, { heads, headDim, valueDim }) => sum + heads * (headDim + valueDim + SCORE_WORK), 0),
    scoreBytes: spec.heads * Float32Array.BYTES_PER_ELEMENT,
  };
}

/** Pieces of `tokens` tokens that follow `past`; a short text is one. The more keys there are, the shorter. */
export function piecesOf(work: SessionWork, past: number, tokens: number): readonly Piece[] {
  const pieces: Piece[] = [];
  for (let from = 0; from < tokens;) {
    const most = tokensAtOnce(work, past + from);
    const left = tokens - from;
    // Two halves rather than a whole piece and a few tokens.
    const count = left <= most ? left : left < 2 * most ? Math.ceil(left / 2) : most;
    pieces.push({ from, to: from + count });
    from += count;
  }
  return pieces;
}

/** The most tokens after `past` that a piece may have. */
function tokensAtOnce({ parameters, perKey, scoreBytes }: SessionWork, past: number): number {
  for (let tokens = PIECE_TOKENS; tokens > FEWEST_TOKENS; tokens -= FEWEST_TOKENS) {
    const keys = past + tokens;
    if (tokens * (parameters + perKey * keys) <= MOST_WORK && tokens * keys * scoreBytes <= SCORE_BYTES) return tokens;
  }
  return FEWEST_TOKENS;
}
