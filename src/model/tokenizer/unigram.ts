import { msg } from '../../core/translatable.ts';
import { asArray, asFlag, asTokenId, checkTokens, quoted, refuse, type Json } from './tokenizerJson.ts';
import { byteIds, misplaced, placedBytes, placedPart, type PieceEncoder, type Placed } from './piece.ts';
import type { SourcedText } from './sourcedText.ts';

/** Cost of an unknown character beyond the least likely token (K_UNK_PENALTY of SentencePiece and of the `tokenizers` library). */
const UNKNOWN_PENALTY = 10;

/** Reads a Unigram `model` entry of tokenizer.json: tokens with log-probabilities; the most likely path is chosen. */
export function readUnigram(entry: Json, vocab: number): PieceEncoder {
  const vocabulary = new Map<string, number>();
  const scores: number[] = [];
  let lowest = Infinity;
  const items = asArray(entry['vocab'], msg`the vocabulary`);
  checkTokens(items.length, vocab);
  for (const item of items) {
    const [token, score] = asArray(item, msg`a token of the vocabulary`);
    if (typeof token !== 'string') refuse(msg`a token of the vocabulary is not a text.`);
    if (typeof score !== 'number' || !Number.isFinite(score)) refuse(msg`the score of the token ${quoted(token)} is not a number.`);
    vocabulary.set(
      token,
      asTokenId(scores.length, () => msg`the token ${quoted(token)}`),
    );
    scores.push(score);
    lowest = Math.min(lowest, score);
  }
  if (vocabulary.size === 0) refuse(msg`the vocabulary is empty.`);
  const unknown =
    entry['unk_id'] === undefined || entry['unk_id'] === null
      ? undefined
      : asTokenId(entry['unk_id'], () => msg`the unknown token`, scores.length);
  const byteFallback = asFlag(entry['byte_fallback'], 'byte_fallback', false);
  const lattice = { tokens: sortedTokens(vocabulary), scores, unknown, unknownScore: lowest - UNKNOWN_PENALTY };
  return {
    vocabulary,
    encode: (piece) =>
      bestPath(piece.text, lattice).flatMap(({ start, end }) => {
        const text = piece.text.slice(start, end);
        const id = vocabulary.get(text);
        if (id !== undefined) return [placedPart(id, piece, start, end)];
        const bytes = byteFallback && byteIds(text, vocabulary) !== null ? unknownBytes(piece, start, end, vocabulary) : null;
        if (bytes !== null) return bytes;
        if (unknown === undefined) throw misplaced(text);
        return [placedPart(unknown, piece, start, end)];
      }),
  };
}

function unknownBytes(piece: SourcedText, start: number, end: number, vocabulary: ReadonlyMap<string, number>): Placed[] {
  let unit = start;
  return Array.from(piece.text.slice(start, end)).flatMap((character) => {
    const from = unit;
    unit += character.length;
    return placedBytes(byteIds(character, vocabulary) ?? [], piece, from, unit);
  });
}

interface Lattice {
  readonly tokens: SortedTokens;
  readonly scores: readonly number[];
  readonly unknown: number | undefined;
  readonly unknownScore: number;
}

interface Part {
  readonly start: number;
  readonly end: number;
}

/**
 * The most likely segmentation of the text, with unknown neighbours joined. As `Unigram::encode_optimized` of the `tokenizers`
 * library: float64 sums from the left, the first of equal paths (the one whose last token is longest).
 */
function bestPath(text: string, { tokens, scores, unknown, unknownScore }: Lattice): Part[] {
  const best = new Float64Array(text.length + 1);
  const from = new Int32Array(text.length + 1).fill(-1);
  const idAt = new Int32Array(text.length + 1).fill(-1);
  const offer = (start: number, end: number, id: number, score: number): void => {
    const total = score + (best[start] ?? 0);
    if ((from[end] ?? -1) >= 0 && total <= (best[end] ?? 0)) return;
    best[end] = total;
    from[end] = start;
    idAt[end] = id;
  };
  for (let unit = 0; unit < text.length;) {
    const next = unit + ((text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1);
    let alone = false;
    tokens.prefixes(text, unit, (end, id) => {
      offer(unit, end, id, scores[id] ?? 0);
      alone ||= end === next;
    });
    if (!alone) {
      if (unknown === undefined) throw misplaced(text.slice(unit, next));
      offer(unit, next, unknown, unknownScore);
    }
    unit = next;
  }
  const parts: Part[] = [];
  let joining = false;
  for (let end = text.length; end > 0;) {
    const start = Math.max(0, from[end] ?? 0);
    const isUnknown = idAt[end] === unknown;
    const last = parts.at(-1);
    if (isUnknown && joining && last !== undefined) parts[parts.length - 1] = { start, end: last.end };
    else parts.push({ start, end });
    joining = isUnknown;
    end = start;
  }
  return parts.reverse();
}

/** A vocabulary in sorted order, for prefix search. */
export interface SortedTokens {
  /** Calls `found` for every token that is a prefix of the text at `start`, the shortest first. */
  prefixes(text: string, start: number, found: (end: number, id: number) => void): void;
}

/** Sorts a vocabulary. Narrowing a sorted list unit by unit is as fast as a trie here, without an object per unit. */
export function sortedTokens(vocabulary: ReadonlyMap<string, number>): SortedTokens {
  const tokens = [...vocabulary.keys()].filter((token) => token !== '').sort();
  const ids = Int32Array.from(tokens, (token) => vocabulary.get(token) ?? 0);
  /** The first token from `low` below `high` whose unit `depth` is at least `unit`. */
  const lowerBound = (low: number, high: number, depth: number, unit: number): number => {
    while (low < high) {
      const middle = (low + high) >>> 1;
      // Shorter tokens come first; NaN compares false, so they count as less.
      if ((tokens[middle] ?? '').charCodeAt(depth) >= unit) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return {
    prefixes: (text, start, found) => {
      let low = 0;
      let high = tokens.length;
      for (let end = start; end < text.length && low < high;) {
        const unit = text.charCodeAt(end);
        const depth = end - start;
        // Tokens with the same next unit need no search.
        if ((tokens[low] ?? '').charCodeAt(depth) !== unit || (tokens[high - 1] ?? '').charCodeAt(depth) !== unit) {
          low = lowerBound(low, high, depth, unit);
          high = lowerBound(low, high, depth, unit + 1);
        }
        end++;
        if (low < high && tokens[low]?.length === end - start) found(end, ids[low] ?? 0);
      }
    },
  };
}
