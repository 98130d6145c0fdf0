import { msg } from '../../../core/translatable.ts';
import { refuse } from './vocabulary.ts';

/** Most comparisons and probes: 30 times what the largest known vocabulary (Gemma 3) needs, about half a second. */
const MAX_WORK = 2 ** 28;
/** FNV's prime: a text's hash is a polynomial in it, so the hash of any substring follows from those of two prefixes. */
const BASE = 0x01000193;

/** Finds tokens within texts by hashes of substrings: a fifth of the time that creating every substring takes. */
export interface TokenIndex {
  /** Adds all splits of a text into two tokens to `found`, the longest left part first. */
  readonly cuts: (text: string, found: (readonly [left: string, right: string])[]) => void;
  /** The tokens before and after the space at `space`; null where either, or their concatenation, is not a token. */
  readonly pair: (text: string, space: number) => readonly [left: string, right: string] | null;
}

/** Builds the index. Throws UserError for texts crafted to take long. */
export function tokenIndex(tokens: readonly string[]): TokenIndex {
  const longest = tokens.reduce((length, token) => Math.max(length, token.length), 0);
  const powers = new Int32Array(longest + 1).fill(1);
  for (let i = 1; i <= longest; i++) powers[i] = Math.imul(powers[i - 1] ?? 1, BASE);
  /** Hashes of the current text's prefixes, by length. */
  const begun = new Int32Array(2 * longest + 2);
  const begin = (text: string): void => {
    for (let i = 0; i < text.length; i++) begun[i + 1] = Math.imul(begun[i] ?? 0, BASE) + text.charCodeAt(i);
  };
  const hashOf = (start: number, end: number): number => ((begun[end] ?? 0) - Math.imul(begun[start] ?? 0, powers[end - start] ?? 1)) | 0;

  const mask = 2 ** Math.ceil(Math.log2(2 * tokens.length + 2)) - 1;
  const slots = new Int32Array(mask + 1).fill(-1);
  const hashes = new Int32Array(tokens.length);
  let work = 0;
  const labour = (amount: number): void => {
    work += amount;
    if (work > MAX_WORK) refuse(msg`its tokens are so long and alike that they take too long to compare`);
  };
  const slotOf = (hash: number): number => Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 8;
  /** The token with this hash and length that the text has at `start`. */
  const find = (hash: number, length: number, text: string, start: number): string | null => {
    for (let slot = slotOf(hash) & mask; ; slot = (slot + 1) & mask) {
      labour(1);
      const index = slots[slot] ?? -1;
      if (index < 0) return null;
      const token = tokens[index] ?? '';
      if (hashes[index] !== hash || token.length !== length) continue;
      labour(length);
      if (text.slice(start, start + length) === token) return token;
    }
  };
  const part = (text: string, start: number, end: number): string | null => find(hashOf(start, end), end - start, text, start);

  tokens.forEach((token, index) => {
    begin(token);
    hashes[index] = begun[token.length] ?? 0;
    // One text of several tokens is found once.
    if (find(hashes[index] ?? 0, token.length, token, 0) !== null) return;
    let slot = slotOf(hashes[index] ?? 0) & mask;
    while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & mask;
    slots[slot] = index;
  });
  return {
    cuts: (text, found) => {
      begin(text);
      for (let at = text.length - 1; at > 0; at--) {
        const left = part(text, 0, at);
        const right = left === null ? null : part(text, at, text.length);
        if (left !== null && right !== null) found.push([left, right]);
      }
    },
    pair: (text, space) => {
      const end = text.length;
      if (space > longest || end - space - 1 > longest) return null;
      begin(text);
      const left = part(text, 0, space);
      const right = part(text, space + 1, end);
      if (left === null || right === null) return null;
      const whole = (Math.imul(hashOf(0, space), powers[right.length] ?? 1) + hashOf(space + 1, end)) | 0;
      return find(whole, end - 1, left + right, 0) === null ? null : [left, right];
    },
  };
}
