import { ATTENTION_SHARE, type HeadScale } from './headMetrics.ts';
import { weightSum, type HeadReading } from './headReading.ts';
import { uniformAt } from './random.ts';
import { at } from './tensor.ts';

// Heads scored on random tokens repeated once: the second copy can be predicted only by looking back (Olsson et al. 2022,
// "In-context Learning and Induction Heads"; the exploratory demos of TransformerLens do the same).

/** A score of each head: its mean attention to one key per query, over the queries from `from` on. */
interface Score extends HeadScale {
  /** The first query that counts. `second`: where the second copy begins. */
  readonly from: (second: number) => number;
  /** The key looked at; `count` random tokens are a copy. */
  readonly key: (query: number, count: number) => number;
}

/**
 * The scores. A new one needs an entry here, and its name and meaning in the panel's texts:
 * - previous: of each token but the first two to the one just before it (the second's is the first, which is counted by `first`);
 * - induction: of each token of the second copy to the one after its own in the first copy;
 * - duplicate: of each token of the second copy to its own in the first;
 * - first: of each token of the second copy to the sequence's first.
 */
const SCORES = {
  previous: { ...ATTENTION_SHARE, from: () => 2, key: (query) => query - 1 },
  induction: { ...ATTENTION_SHARE, from: (second) => second, key: (query, count) => query - count + 1 },
  duplicate: { ...ATTENTION_SHARE, from: (second) => second, key: (query, count) => query - count },
  first: { ...ATTENTION_SHARE, from: (second) => second, key: () => 0 },
} as const satisfies Readonly<Record<string, Score>>;

/** Name of a score. */
export type RepeatedScore = keyof typeof SCORES;

/** The scale of each score. */
export const REPEATED_SCALES: Readonly<Record<RepeatedScore, HeadScale>> = SCORES;

/** Names of the scores, in the order of the last axis of `RepeatedHeads.scores`. */
export const REPEATED_SCORES = Object.keys(SCORES) as readonly RepeatedScore[];

/** Number of random sequences that the scores average over. */
export const REPEATED_SEQUENCES = 8;
/** Number of random tokens in a sequence, each of which occurs twice. */
export const REPEATED_TOKENS = 50;
const SEED = 0;
/**
 * Bounds of the part of the vocabulary that tokens are drawn from, without the most common (single bytes) and the rarest, which
 * Olsson et al. left out too. Ids follow frequency.
 */
const COMMON_SHARE = 0.02;
const RARE_SHARE = 0.5;
/** Most draws that may hit ids that are not ordinary tokens. */
const MAX_MISSES = 10_000;

/** Heads on one sequence of random tokens given twice. */
export interface RepeatedHeads {
  /** Number of the sequence, from 0. */
  readonly sequence: number;
  /** Number of random tokens; the sequence is a BOS token, where the model has one, and these twice. */
  readonly tokens: number;
  /** Whether the sequence begins with a BOS token. */
  readonly begins: boolean;
  /** [layers, heads, REPEATED_SCORES.length] mean attention. */
  readonly scores: Float32Array;
  /** Mean surprisal in bits of the tokens of the first copy (without one that nothing precedes), and of the second. */
  readonly firstBits: number;
  readonly secondBits: number;
  /** As in `Explanation`: side of a thumbnail, and [layers, heads, S, S]; 0 and empty for all sequences but the first. */
  readonly thumbnailSize: number;
  readonly thumbnails: Uint8Array;
}

/**
 * The random tokens of sequence number `sequence`: `count` ids of a vocabulary of `vocab`, drawn evenly by Philox from those
 * from 2 % up to half of it that are `ordinary`. Deterministic. Undefined where there are none to draw from.
 */
export function randomTokens(
  sequence: number,
  count: number,
  vocab: number,
  ordinary: (id: number) => boolean,
): readonly number[] | undefined {
  const [from, to] = [Math.floor(vocab * COMMON_SHARE), Math.floor(vocab * RARE_SHARE)];
  const ids: number[] = [];
  // Each sequence has a row of draws of its own, so that one is not the next one shifted.
  for (let draw = 0; ids.length < count; draw++) {
    if (draw > MAX_MISSES) return undefined;
    const id = from + Math.floor(uniformAt(SEED, sequence * (MAX_MISSES + 1) + draw) * (to - from));
    if (ordinary(id)) ids.push(id);
  }
  return ids;
}

/**
 * What the scores are the means of (`meansOfSums`), in the order of `REPEATED_SCORES`, on `begins` (0 or 1) first tokens and `count`
 * random tokens twice.
 */
export function repeatedReading(begins: number, count: number, side: number): HeadReading {
  const tokens = begins + 2 * count;
  const scores: readonly Score[] = Object.values(SCORES);
  const sums = scores.map(({ from, key }) => weightSum(tokens, (query) => (query < from(begins + count) ? [] : [key(query, count)])));
  return { tokens, sums, side };
}

/** Number of queries that each score averages over, of all sequences. */
export function repeatedSamples(
  { tokens, begins }: Pick<RepeatedHeads, 'tokens' | 'begins'>,
  sequences: number,
): Readonly<Record<RepeatedScore, number>> {
  const second = Number(begins) + tokens;
  const samples = ({ from }: Score): number => sequences * (second + tokens - from(second));
  return Object.fromEntries(REPEATED_SCORES.map((name) => [name, samples(SCORES[name])])) as Record<RepeatedScore, number>;
}

/** Combines sequences: the mean of their scores and bits, with the thumbnails of the first. Undefined for none. */
export function meanOfSequences(parts: readonly RepeatedHeads[]): RepeatedHeads | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  const mean = (of: (part: RepeatedHeads) => number): number => parts.reduce((sum, part) => sum + of(part), 0) / parts.length;
  return {
    ...first,
    scores: first.scores.map((_, index) => mean(({ scores }) => at(scores, index))),
    firstBits: mean((part) => part.firstBits),
    secondBits: mean((part) => part.secondBits),
  };
}
