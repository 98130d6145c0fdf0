import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { quoted } from './tokenizerJson.ts';
import { ownsBytes, type SourcedText } from './sourcedText.ts';

/** A token and the range of source bytes it stands for. Tokens in order never go back; several may share a character. */
export interface Placed {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  /** Whether it begins with an inserted character (such as ▁ before a word), so that white space dropped before it belongs to it. */
  readonly marked: boolean;
}

/** The model of a tokenizer: pieces to tokens, with every token's source bytes. */
export interface PieceEncoder {
  /** Every token of the model's own vocabulary with its id. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Tokens of one piece, in order. Throws UserError when they do not spell the piece exactly. */
  encode(piece: SourcedText): Placed[];
}

/** The token for the UTF-16 units from `from` to `to` of a piece. */
export function placedPart(id: number, piece: SourcedText, from: number, to: number): Placed {
  const start = piece.starts[from] ?? 0;
  return { id, start, end: piece.ends[to - 1] ?? start, marked: start === piece.ends[from] };
}

/** One token per byte of these units: each stands for one source byte where the numbers agree, else for all of them. */
export function placedBytes(ids: readonly number[], piece: SourcedText, from: number, to: number): Placed[] {
  const whole = placedPart(0, piece, from, to);
  const shared = ownsBytes(piece, from, to, ids.length);
  return ids.map((id, i) => ({ ...whole, id, ...(shared ? { start: whole.start + i, end: whole.start + i + 1 } : {}) }));
}

/** Byte fallback's token for a byte. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

const encoder = new TextEncoder();

/** Ids of the tokens of a text's bytes, or null where one is missing. */
export function byteIds(text: string, vocabulary: ReadonlyMap<string, number>): number[] | null {
  const ids: number[] = [];
  for (const byte of encoder.encode(text)) {
    const id = vocabulary.get(byteToken(byte));
    if (id === undefined) return null;
    ids.push(id);
  }
  return ids;
}

/** The error about tokens that do not spell the text. */
export function misplaced(text: string): UserError {
  return new UserError(msg`tokenizer.json: its tokens do not spell the text at ${quoted(text)}, so no token can be placed exactly.`);
}
