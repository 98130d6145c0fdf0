import type { AddedToken } from './addedTokens.ts';
import { fromByteCharacters } from '../../core/byteAlphabet.ts';
import type { Spelling } from './continuation.ts';
import { byteToken } from './piece.ts';

/** Conversions from ids to text. */
export interface Readings {
  /** Text of one token; part of a character shows as U+FFFD. '' for an id without a token. */
  readonly piece: (id: number) => string;
  /** Text of consecutive tokens within a text: characters shared by several tokens are whole, special tokens add nothing. */
  readonly textOf: (ids: Int32Array) => string;
  /** Bytes that a token adds within a text; none for a special token. */
  readonly spell: (id: number) => Spelling;
}

/** The conversions of one tokenizer. `twins`: ids that share their text with another token, and that text; only from GGUF files. */
export function readingsOf(
  vocabulary: ReadonlyMap<string, number>,
  added: readonly AddedToken[],
  byteLevel: boolean,
  twins: unknown = null,
): Readings {
  const tokenOf = new Map<number, string>();
  if (Array.isArray(twins)) for (const [id, text] of twins as readonly (readonly [number, string])[]) tokenOf.set(id, text);
  for (const [token, id] of vocabulary) tokenOf.set(id, token);
  const literal = new Map(added.map((token) => [token.id, token.content]));
  const special = new Set(added.flatMap((token) => (token.special ? [token.id] : [])));
  const byteOf = new Map(Array.from({ length: 256 }, (_, byte) => [byteToken(byte), byte]));
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const bytesOf = (id: number): Uint8Array => {
    const token = tokenOf.get(id);
    const written = literal.get(id);
    if (written !== undefined || token === undefined) return encoder.encode(written ?? '');
    if (byteLevel) return fromByteCharacters(token) ?? encoder.encode(token);
    const byte = byteOf.get(token);
    return byte === undefined ? encoder.encode(token.replaceAll('▁', ' ')) : Uint8Array.of(byte);
  };
  return {
    piece: (id) => decoder.decode(bytesOf(id)),
    spell: (id) => ({ bytes: bytesOf(id), special: special.has(id), text: decoder.decode(bytesOf(id)) }),
    textOf: (ids) => {
      const parts = Array.from(
        ids.filter((id) => !special.has(id)),
        bytesOf,
      );
      const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
      return decoder.decode(bytes);
    },
  };
}
