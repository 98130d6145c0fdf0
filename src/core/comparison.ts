import { isPair, type AlignedSpan } from './alignment.ts';
import { logSumExp, surprisalBits } from './probability.ts';
import type { Run } from './run.ts';
import { at } from './tensor.ts';
import { bitsPerByte, NO_SCORES, withToken } from './textScores.ts';
import type { Explanation, Token } from './trace.ts';

/** The parts of an explanation that a comparison reads. */
export type ComparedText = Pick<Explanation, 'tokens' | 'logprob'>;

/** The surprisal of a text as a whole. */
export interface TextTotals {
  /** Number of tokens of the text that were predicted. */
  readonly predicted: number;
  /** Number of bytes of those tokens. */
  readonly bytes: number;
  readonly bits: number;
  /** NaN where nothing was predicted. */
  readonly bitsPerToken: number;
  readonly bitsPerByte: number;
}

/** Totals over the text's predicted tokens; special tokens around the text do not count. */
export function textTotals({ tokens, logprob }: ComparedText): TextTotals {
  const totals = tokens.reduce((sum, token) => withToken(sum, token, at(logprob, token.index)), NO_SCORES);
  const { scored: predicted, bytes, bits } = totals;
  return { predicted, bytes, bits, bitsPerToken: predicted === 0 ? Number.NaN : bits / predicted, bitsPerByte: bitsPerByte(totals) };
}

/** One span with the surprisal of each side. */
export interface ComparedSpan extends AlignedSpan {
  /** Surprisal in bits of all tokens of the span; NaN where it has none or one of them was not predicted. */
  readonly aBits: number;
  readonly bBits: number;
  /** aBits - bBits: log2 of how many times likelier the span was on the second side. NaN where the sides differ in content. */
  readonly difference: number;
}

/** Each span with its surprisal on both sides. */
export function compareSpans(spans: readonly AlignedSpan[], a: ComparedText, b: ComparedText): readonly ComparedSpan[] {
  return spans.map((span) => {
    const aBits = bitsOf(a.logprob, span.aStart, span.aEnd);
    const bBits = bitsOf(b.logprob, span.bStart, span.bEnd);
    return { ...span, aBits, bBits, difference: span.same ? aBits - bBits : Number.NaN };
  });
}

function bitsOf(logprob: ArrayLike<number>, start: number, end: number): number {
  let bits = start === end ? Number.NaN : 0;
  for (let token = start; token < end; token++) bits += surprisalBits(at(logprob, token));
  return bits;
}

/** Positions whose next-token distributions are compared: [i] of the first text with [i] of the second. */
export interface DistributionPairs {
  readonly a: Int32Array;
  readonly b: Int32Array;
  /** Index of the span that each pair predicts; -1 for the last pair, which predicts what follows both texts. */
  readonly spans: Int32Array;
}

/** For each token that both sides share, the distributions that predicted it; last, the distributions after both texts' ends. */
export function distributionPairs(spans: readonly AlignedSpan[], a: readonly Token[], b: readonly Token[]): DistributionPairs {
  const both = [...spans.entries()].filter(([, span]) => isPair(span) && span.aStart > 0 && span.bStart > 0);
  return {
    a: Int32Array.from([...both.map(([, span]) => span.aStart - 1), a.length - 1]),
    b: Int32Array.from([...both.map(([, span]) => span.bStart - 1), b.length - 1]),
    spans: Int32Array.from([...both.map(([index]) => index), -1]),
  };
}

/** The second side of a comparison of next-token distributions: another run of the same model, or another model's logits [N, vocab]. */
export type OtherRows =
  { readonly kind: 'run'; readonly run: Run; readonly positions: Int32Array } | { readonly kind: 'logits'; readonly logits: Float32Array };

/** How the two sides of a comparison of next-token distributions are asked, at positions of each. */
export interface SideQuestions {
  readonly divergence: (positions: Int32Array, other: OtherRows) => Promise<{ readonly bits: Float32Array }>;
  /** Logits of the second side; null: the first side's model has read it, too. */
  readonly logits: ((positions: Int32Array) => Promise<{ readonly logits: Float32Array }>) | null;
}

/**
 * A function that compares the next-token distributions after positions of the first side with those after positions of the second, whose
 * run is `second`: KL(first || second) in bits. Those of another model are passed to the first model as logits.
 */
export function pairDivergence(
  second: Run,
  { divergence, logits }: SideQuestions,
): (a: Int32Array, b: Int32Array) => Promise<Float32Array> {
  return async (a, b) => {
    const other: OtherRows = logits === null ? { kind: 'run', run: second, positions: b } : { kind: 'logits', ...(await logits(b)) };
    return (await divergence(a, other)).bits;
  };
}

/** How far apart the two sides' next-token distributions are, in bits: KL(first || second). */
export interface Divergence {
  /** [spans] divergence at the span's token; NaN where it is not a single token shared by both sides, or not predicted. */
  readonly spans: Float32Array;
  /** Divergence of the distributions after the ends of both texts. */
  readonly final: number;
}

/** Pairs of distributions compared at once, so that messages between two models stay small. */
const PAIRS_AT_ONCE = 32;

/**
 * The divergence of two texts' distributions, computed a batch of pairs at a time. `bitsOf` compares the distributions after positions
 * of the first text with those after positions of the second; `tell` receives the fraction of pairs done, 0..1.
 */
export async function divergenceInParts(
  spans: readonly AlignedSpan[],
  a: readonly Token[],
  b: readonly Token[],
  bitsOf: (a: Int32Array, b: Int32Array) => Promise<Float32Array>,
  tell: (fraction: number) => void = () => undefined,
): Promise<Divergence> {
  const pairs = distributionPairs(spans, a, b);
  const bits = new Float32Array(pairs.a.length);
  for (let from = 0; from < bits.length; from += PAIRS_AT_ONCE) {
    tell(from / bits.length);
    const to = from + PAIRS_AT_ONCE;
    bits.set(await bitsOf(pairs.a.slice(from, to), pairs.b.slice(from, to)), from);
  }
  return divergenceOf(bits, pairs, spans.length);
}

/** The divergence of every pair, assigned to the span that the pair belongs to. */
export function divergenceOf(bits: ArrayLike<number>, pairs: DistributionPairs, spanCount: number): Divergence {
  const spans = new Float32Array(spanCount).fill(Number.NaN);
  pairs.spans.forEach((span, pair) => {
    if (span >= 0) spans[span] = at(bits, pair);
  });
  return { spans, final: at(bits, pairs.spans.length - 1) };
}

/**
 * Kullback-Leibler divergence in bits of softmax(q) from softmax(p), KL(p || q) = sum p log2(p / q), over logits of the
 * same vocabulary. Accumulated in float64; never below 0.
 */
export function divergenceBits(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const pTotal = logSumExp(p);
  const qTotal = logSumExp(q);
  let nats = 0;
  for (let i = 0; i < p.length; i++) {
    const logp = (p[i] ?? Number.NaN) - pTotal;
    const share = Math.exp(logp);
    if (share > 0) nats += share * (logp - ((q[i] ?? Number.NaN) - qTotal));
  }
  return Math.max(0, nats / Math.LN2);
}
