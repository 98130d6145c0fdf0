import type { AddedToken } from './addedTokens.ts';
import { fromByteCharacters } from './byteLevel.ts';
import { byteToken } from './piece.ts';

/** Readings of ids. Added tokens read as they are written; the others as their bytes; '' for an id without a token. */
export function pieceReader(vocabulary: ReadonlyMap<string, number>, added: readonly AddedToken[], byteLevel: boolean): (id: number) => string {
  const tokenOf = new Map<number, string>();
  for (const [token, id] of vocabulary) tokenOf.set(id, token);
  const literal = new Map(added.map((token) => [token.id, token.content]));
  const byteOf = new Map(Array.from({ length: 256 }, (_, byte) => [byteToken(byte), byte]));
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return (id) => {
    const token = tokenOf.get(id);
    const written = literal.get(id);
    if (written !== undefined || token === undefined) return written ?? '';
    if (byteLevel) {
      const bytes = fromByteCharacters(token);
      return bytes === null ? token : decoder.decode(bytes);
    }
    const byte = byteOf.get(token);
    return byte === undefined ? token.replaceAll('▁', ' ') : decoder.decode(Uint8Array.of(byte));
  };
}
