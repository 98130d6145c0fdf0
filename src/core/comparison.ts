import { isPair, type AlignedSpan } from './alignment.ts';
import { logSumExp, surprisalBits } from './probability.ts';
import { at } from './tensor.ts';
import type { Explanation, Token } from './trace.ts';

/** What of an explanation is compared. */
export type ComparedText = Pick<Explanation, 'tokens' | 'logprob'>;

/** The surprisal of a text as a whole. */
export interface TextTotals {
  /** Tokens of the text that were predicted. */
  readonly predicted: number;
  /** Bytes of those. */
  readonly bytes: number;
  readonly bits: number;
  /** NaN where nothing was predicted. */
  readonly bitsPerToken: number;
  readonly bitsPerByte: number;
}

/** Sums over the text's predicted tokens: those added around it count nothing. */
export function textTotals({ tokens, logprob }: ComparedText): TextTotals {
  let bits = 0;
  let predicted = 0;
  let bytes = 0;
  for (const token of tokens) {
    const value = at(logprob, token.index);
    if (token.special || Number.isNaN(value)) continue;
    bits += surprisalBits(value);
    predicted++;
    bytes += token.bytes.length;
  }
  return { predicted, bytes, bits, bitsPerToken: predicted === 0 ? Number.NaN : bits / predicted, bitsPerByte: bytes === 0 ? Number.NaN : bits / bytes };
}

/** One span with the surprisal of each side. */
export interface ComparedSpan extends AlignedSpan {
  /** Bits of all its tokens; NaN where there are none or nothing predicted one of them. */
  readonly aBits: number;
  readonly bBits: number;
  /** log2 of how many times likelier the second side found it: aBits - bBits. NaN where the sides do not hold the same. */
  readonly difference: number;
}

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
  /** Index of the span each pair predicts; the last pair, of what follows both texts, predicts none. */
  readonly spans: Int32Array;
}

/** For each token that both sides have, the distributions that predicted it; and last, those after the ends of both texts. */
export function distributionPairs(spans: readonly AlignedSpan[], a: readonly Token[], b: readonly Token[]): DistributionPairs {
  const both = [...spans.entries()].filter(([, span]) => isPair(span) && span.aStart > 0 && span.bStart > 0);
  return {
    a: Int32Array.from([...both.map(([, span]) => span.aStart - 1), a.length - 1]),
    b: Int32Array.from([...both.map(([, span]) => span.bStart - 1), b.length - 1]),
    spans: Int32Array.from([...both.map(([index]) => index), -1]),
  };
}

/** How far apart the two sides' next-token distributions are, in bits: KL(first || second). */
export interface Divergence {
  /** [spans] of the distributions that predicted the span's token; NaN where it is not one token of both sides, or not predicted. */
  readonly spans: Float32Array;
  /** Of the distributions after the ends of both texts. */
  readonly final: number;
}

/** The bits of all pairs, brought to the spans they belong to. */
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
    const logp = at(p, i) - pTotal;
    const share = Math.exp(logp);
    if (share > 0) nats += share * (logp - (at(q, i) - qTotal));
  }
  return Math.max(0, nats / Math.LN2);
}
