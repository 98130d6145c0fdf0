import { msg } from '../../../core/translatable.ts';
import { quoted } from '../../files.ts';
import type { GgufMetadata } from './header.ts';
import { tokenIndex } from './tokenIndex.ts';
import { readList, refuse } from './vocabulary.ts';

/** The largest lists known have 515,000 merges (Gemma 3). */
const MAX_MERGES = 2_000_000;

export type Merge = readonly [left: string, right: string];

const MERGES = 'tokenizer.ggml.merges';

/** The merges a file lists, or null where it lists none. Both parts and what they make must be tokens. Throws UserError. */
export function readMerges(metadata: GgufMetadata, tokens: readonly string[]): Merge[] | null {
  if (!metadata.has(MERGES)) return null;
  const list = readList(metadata, MERGES);
  if (list.length > MAX_MERGES) return tooMany(list.length);
  const index = tokenIndex(tokens);
  return list.map((text, i) => {
    // A space parts the two; one in a token is written as another character.
    const space = typeof text === 'string' ? text.indexOf(' ', 1) : -1;
    if (typeof text !== 'string' || space < 0) return refuse(msg`merge ${i} is not a pair of tokens`);
    return index.pair(text, space) ?? refuse(msg`merge ${i}, ${quoted(text)}, does not make a token of two tokens`);
  });
}

/**
 * The merges of a SentencePiece vocabulary: each cut of a token into two tokens, those of the highest score first, of one
 * score those with the longest left part. As `generate_merges` of transformers (convert_slow_tokenizer.py), which keeps
 * the tokens' order where that leaves two alike. Throws UserError.
 */
export function mergesOfScores(tokens: readonly string[], scores: readonly number[]): Merge[] {
  const index = tokenIndex(tokens);
  const order = tokens.map((_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const merges: Merge[] = [];
  for (let first = 0; first < order.length; ) {
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
