import type { Token, TokenizedText } from '../../core/trace.ts';

/** Bytes that a generated token adds to the text; none for a special token. */
export interface Spelling {
  readonly bytes: Uint8Array;
  readonly special: boolean;
  /** The token's own text. */
  readonly text: string;
}

/**
 * A text followed by generated tokens, with their places in the whole. Tokens stay as generated, although the tokenizer might split
 * the same text differently. Invalid bytes read as U+FFFD.
 */
export function continued(
  text: string,
  { tokens }: TokenizedText,
  ids: readonly number[],
  spell: (id: number) => Spelling,
): { readonly text: string; readonly tokenized: TokenizedText } {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const all: Token[] = [...tokens];
  let whole = text;
  let tail: readonly number[] = [];
  /** Tokens that hold a part of the last character, which is still incomplete. */
  let open: number[] = [];
  const close = (emitted: string): void => {
    const end = whole.length + (emitted === '' ? 0 : String.fromCodePoint(emitted.codePointAt(0) ?? 0).length);
    if (end > whole.length) for (const index of open.splice(0)) all.splice(index, 1, { ...(all[index] ?? fail()), end });
    whole += emitted;
  };
  for (const id of ids) {
    const { bytes, special, text: reading } = spell(id);
    const index = all.length;
    const start = whole.length;
    if (special) {
      all.push({ index, id, text: reading, bytes: [], start, end: start, special: true, partial: false });
      continue;
    }
    const begun = tail.length > 0;
    close(decoder.decode(bytes, { stream: true }));
    tail = unfinished([...tail, ...bytes]);
    all.push({ index, id, text: reading, bytes: [...bytes], start, end: whole.length, special: false, partial: begun || tail.length > 0 });
    if (tail.length > 0) open.push(index);
    else open = [];
  }
  close(decoder.decode());
  return { text: whole, tokenized: { ids: Int32Array.from(all, ({ id }) => id), tokens: all } };
}

/** The bytes of an incomplete character at the end. */
function unfinished(bytes: readonly number[]): readonly number[] {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return [];
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return back < needed ? bytes.slice(-back) : [];
  }
  return [];
}

function fail(): never {
  throw new Error('A generated token has no place.');
}
