import { quoted } from '../../files.ts';
import type { GgufMetadata } from './header.ts';
import { readList, refuse } from './vocabulary.ts';

/** The largest lists known have 515,000 merges (Gemma 3). */
const MAX_MERGES = 2_000_000;
/** To try every cut of a token of n letters reads about n² of them: 16 million for the largest vocabulary known. */
const MAX_CUT_LETTERS = 2 ** 28;

export type Merge = readonly [left: string, right: string];

const MERGES = 'tokenizer.ggml.merges';

/** The merges a file lists, or null where it lists none. Every part and what they make must be tokens. Throws UserError. */
export function readMerges(metadata: GgufMetadata, vocabulary: ReadonlyMap<string, number>): Merge[] | null {
  if (!metadata.has(MERGES)) return null;
  const list = readList(metadata, MERGES);
  if (list.length > MAX_MERGES) refuse(`it has ${list.length} merges, where at most ${MAX_MERGES} make sense`);
  return list.map((text, i) => {
    // A space parts the two; one in a token is written as another character.
    const cut = typeof text === 'string' ? text.indexOf(' ', 1) : -1;
    if (typeof text !== 'string' || cut < 0 || cut === text.length - 1) return refuse(`merge ${i} is not a pair of tokens`);
    const [left, right] = [text.slice(0, cut), text.slice(cut + 1)];
    for (const part of [left, right, left + right]) if (!vocabulary.has(part)) refuse(`merge ${i} (${quoted(text)}) needs the token ${quoted(part)}, which there is not`);
    return [left, right];
  });
}

/**
 * The merges of a SentencePiece vocabulary: each cut of a token into two tokens, those of the highest score first, of one
 * score those with the longest left part. As `generate_merges` of transformers (convert_slow_tokenizer.py), which keeps
 * the order of `scores` where that leaves two alike.
 */
export function mergesOfScores(vocabulary: ReadonlyMap<string, number>, scores: ReadonlyMap<string, number>): Merge[] {
  const byScore = [...scores].sort((a, b) => b[1] - a[1]);
  checkCutting(byScore);
  const merges: Merge[] = [];
  for (let first = 0; first < byScore.length; ) {
    let end = first + 1;
    while (end < byScore.length && byScore[end]?.[1] === byScore[first]?.[1]) end++;
    const alike = byScore.slice(first, end).flatMap(([token]) => cutsOf(token, vocabulary));
    if (end > first + 1) alike.sort((a, b) => letters(b[0]) - letters(a[0]) || letters(b[1]) - letters(a[1]));
    for (const merge of alike) merges.push(merge);
    first = end;
  }
  return merges;
}

/** The longest left part first. */
function cutsOf(token: string, vocabulary: ReadonlyMap<string, number>): Merge[] {
  const cuts: Merge[] = [];
  for (let at = token.length - 1; at > 0; at--) {
    const left = token.slice(0, at);
    if (!vocabulary.has(left)) continue;
    const right = token.slice(at);
    if (vocabulary.has(right)) cuts.push([left, right]);
  }
  return cuts;
}

function letters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function checkCutting(tokens: readonly (readonly [string, number])[]): void {
  let work = 0;
  for (const [token] of tokens) work += token.length ** 2;
  if (work > MAX_CUT_LETTERS) refuse(`its tokens are too long: ${tokens.length} tokens, of ${Math.round(Math.sqrt(work / tokens.length))} letters as a rule`);
}
