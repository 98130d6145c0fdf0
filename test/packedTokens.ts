import type { PackedTokens } from '../src/core/packedTokens.ts';
import type { Token } from '../src/core/trace.ts';

/** The same tokens in arrays. */
export function packedTokens(tokens: readonly Token[]): PackedTokens {
  return {
    ids: Int32Array.from(tokens, ({ id }) => id),
    start: Int32Array.from(tokens, ({ start }) => start),
    end: Int32Array.from(tokens, ({ end }) => end),
    bytes: Int32Array.from(tokens, ({ bytes }) => bytes.length),
    special: Uint8Array.from(tokens, ({ special }) => Number(special)),
    partial: Uint8Array.from(tokens, ({ partial }) => Number(partial)),
  };
}
