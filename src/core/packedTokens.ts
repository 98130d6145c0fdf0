import type { Token } from './trace.ts';

/** What scores need to know of a token; a `Token` has it. */
export type TokenPlace = Pick<Token, 'start' | 'end' | 'special'> & { readonly bytes: { readonly length: number } };

/** The N tokens of a long text in a few arrays: a tenth of the memory of objects, and quick to copy between threads. Each is [N]. */
export interface PackedTokens {
  readonly ids: Int32Array;
  /** UTF-16 offsets in the text, as in `Token`. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** Bytes of the text that the token covers. */
  readonly bytes: Int32Array;
  /** 1: added by the tokenizer, not part of the text. */
  readonly special: Uint8Array;
  /** 1: covers only part of a character. */
  readonly partial: Uint8Array;
}

/** Room for so many tokens, all 0. */
export function emptyTokens(count: number): PackedTokens {
  return {
    ids: new Int32Array(count),
    start: new Int32Array(count),
    end: new Int32Array(count),
    bytes: new Int32Array(count),
    special: new Uint8Array(count),
    partial: new Uint8Array(count),
  };
}

/** The tokens of consecutive parts of a text. */
export function joinTokens(parts: readonly PackedTokens[]): PackedTokens {
  const total = parts.reduce((sum, { ids }) => sum + ids.length, 0);
  const all = emptyTokens(total);
  let at = 0;
  for (const part of parts) {
    for (const name of ['ids', 'start', 'end', 'bytes', 'special', 'partial'] as const) all[name].set(part[name], at);
    at += part.ids.length;
  }
  return all;
}

/** Token `index` of packed tokens. */
export function tokenPlace({ start, end, special, bytes }: PackedTokens, index: number): TokenPlace {
  return {
    start: start[index] ?? 0,
    end: end[index] ?? 0,
    special: special[index] === 1,
    bytes: { length: bytes[index] ?? 0 },
  };
}

/** Index of the first token that ends beyond `offset`; the number of tokens where none does. */
export function firstTokenBeyond({ end }: PackedTokens, offset: number): number {
  let [low, high] = [0, end.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((end[middle] ?? Infinity) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
