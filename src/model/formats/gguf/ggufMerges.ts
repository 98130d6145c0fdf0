import { msg } from '../../../core/translatable.ts';
import { quoted } from '../modelFiles.ts';
import type { GgufMetadata } from './ggufHeader.ts';
import { tokenIndex } from './tokenIndex.ts';
import { readList, refuse } from './vocabulary.ts';

/** The largest lists known have 515,000 merges (Gemma 3). */
const MAX_MERGES = 2_000_000;

/** A pair of token texts that BPE joins. */
export type Merge = readonly [left: string, right: string];

const MERGES = 'tokenizer.ggml.merges';

/** The merges a file lists, or null where it lists none. Both parts and their concatenation must be tokens. Throws UserError. */
export function readMerges(metadata: GgufMetadata, tokens: readonly string[]): Merge[] | null {
  if (!metadata.has(MERGES)) return null;
  const list = readList(metadata, MERGES);
  if (list.length > MAX_MERGES) return tooMany(list.length);
  const index = tokenIndex(tokens);
  return list.map((text, i) => {
    // A space separates the two; a space within a token is written as another character.
    const space = typeof text === 'string' ? text.indexOf(' ', 1) : -1;
    if (typeof text !== 'string' || space < 0) return refuse(msg`merge ${i} is not a pair of tokens`);
    return index.pair(text, space) ?? refuse(msg`merge ${i}, ${quoted(text)}, does not make a token of two tokens`);
  });
}

/**
 * The merges of a SentencePiece vocabulary: every split of a token into two tokens, by descending score and then by descending length
 * of the left part. As `generate_merges` of transformers (convert_slow_tokenizer.py), which keeps the tokens' order for ties. Of
 * tokens with the same text the last counts. Throws UserError.
 */
export function mergesOfScores(tokens: readonly string[], scores: readonly number[]): Merge[] {
  const index = tokenIndex(tokens);
  const latest = new Map(tokens.map((token, i) => [token, i]));
  const order = [...latest.values()].sort((a, b) => a - b).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const merges: Merge[] = [];
  for (let first = 0; first < order.length;) {
    const score = scores[order[first] ?? 0];
    const start = merges.length;
    const begun = first;
    for (; first < order.length && scores[order[first] ?? 0] === score; first++) index.cuts(tokens[order[first] ?? 0] ?? '', merges);
    if (merges.length > MAX_MERGES) tooMany(merges.length);
    if (first > begun + 1) for (const [i, merge] of merges.slice(start).sort(byLength).entries()) merges[start + i] = merge;
  }
  return merges;
}

function byLength(a: Merge, b: Merge): number {
  return letters(b[0]) - letters(a[0]) || letters(b[1]) - letters(a[1]);
}

function letters(text: string): number {
  let count = text.length;
  for (let i = 1; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xdc00) count--;
  return count;
}

function tooMany(count: number): never {
  return refuse(msg`it has ${count} merges or more, where at most ${MAX_MERGES} make sense`);
}
