import { surprisalBits } from './probability.ts';
import { utf8Bytes } from './textSpans.ts';
import type { Token } from './trace.ts';

/** One text as a model of some size reads it. */
export interface SizedReading {
  readonly parameters: number;
  readonly tokens: readonly Token[];
  /** [T] natural; NaN: not predicted. */
  readonly logprob: Float32Array;
  /** [T] 1 = the first choice. */
  readonly rank: Int32Array;
}

/** The smallest part of the text that tokens of all models cover alike. */
export interface SizedSpan {
  /** UTF-16 offsets in the text. */
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
  /** [models] surprisal; NaN where a model did not predict all of it. */
  readonly bits: Float64Array;
  /** [models] tokens. */
  readonly tokens: Int32Array;
  /** The first model, in the order given, whose first choice each token of the span is; -1: none. */
  readonly first: number;
}

/** One text through models in the order of their sizes. */
export interface SizeComparison {
  readonly spans: readonly SizedSpan[];
  /** Bytes of the spans that every model predicted: what the sums are about. */
  readonly bytes: number;
  /** [models] bits of these spans, and per byte of them. */
  readonly bits: Float64Array;
  readonly bitsPerByte: Float64Array;
}

/** Compares what models give a text, whose tokens need not be the same: aligned by characters. */
export function compareSizes(text: string, readings: readonly SizedReading[]): SizeComparison {
  const spans = spansOf(text, readings);
  const bits = new Float64Array(readings.length);
  let bytes = 0;
  for (const span of spans) {
    if (span.bits.some(Number.isNaN)) continue;
    bytes += span.bytes;
    for (const [model, value] of span.bits.entries()) bits[model] = (bits[model] ?? 0) + value;
  }
  return { spans, bytes, bits, bitsPerByte: bits.map((sum) => (bytes === 0 ? Number.NaN : sum / bytes)) };
}

function spansOf(text: string, readings: readonly SizedReading[]): readonly SizedSpan[] {
  const [firstEnds = new Set<number>(), ...others] = readings.map(({ tokens }) => cutsOf(tokens));
  const ends = [...firstEnds].filter((end) => others.every((cuts) => cuts.has(end))).toSorted((a, b) => a - b);
  /** Where each model's next token is. */
  const at = readings.map(() => 0);
  let start = 0;
  return ends.map((end, index) => {
    const own = readings.map((reading, model) => {
      const from = at[model] ?? 0;
      let to = from;
      // A token without characters, as a space that a tokenizer puts before the text, belongs to what follows.
      while (to < reading.tokens.length && ((reading.tokens[to]?.start ?? end) < end || index === ends.length - 1)) to++;
      at[model] = to;
      return partOf(reading, from, to);
    });
    const span = {
      start,
      end,
      bytes: utf8Bytes(text.slice(start, end)),
      bits: Float64Array.from(own, ({ bits }) => bits),
      tokens: Int32Array.from(own, ({ count }) => count),
      first: own.findIndex(({ chosen }) => chosen),
    };
    start = end;
    return span;
  });
}

/** Offsets at which a token ends and none goes on. */
function cutsOf(tokens: readonly Token[]): Set<number> {
  const own = tokens.filter(({ special }) => !special);
  const cuts = new Set<number>();
  let end = 0;
  for (const [index, token] of own.entries()) {
    end = Math.max(end, token.end);
    if (end > 0 && (own[index + 1]?.start ?? Infinity) >= end) cuts.add(end);
  }
  return cuts;
}

function partOf(
  { tokens, logprob, rank }: SizedReading,
  from: number,
  to: number,
): { readonly bits: number; readonly count: number; readonly chosen: boolean } {
  let [bits, count, chosen] = [0, 0, true];
  for (let index = from; index < to; index++) {
    if (tokens[index]?.special !== false) continue;
    bits += surprisalBits(logprob[index] ?? Number.NaN);
    count++;
    chosen &&= rank[index] === 1;
  }
  return { bits, count, chosen: chosen && count > 0 };
}

/** Fewest sizes through which a line says anything. */
export const FEWEST_SIZES = 4;

/** A power law: bits per byte = factor * parameters ^ exponent. */
export interface SizeFit {
  readonly factor: number;
  readonly exponent: number;
  /** [models] ln of the measured less ln of the fitted: about the relative deviation. */
  readonly residuals: Float64Array;
}

/**
 * The power law nearest to what was measured, by least squares of the logarithms (Kaplan et al. 2020, equation 1.1, without more than these
 * points). Null for fewer than `FEWEST_SIZES` different sizes, and where something is not above 0.
 */
export function fitSizes(parameters: ArrayLike<number>, bitsPerByte: ArrayLike<number>): SizeFit | null {
  const xs = Array.from(parameters, Math.log);
  const ys = Array.from(bitsPerByte, Math.log);
  if (new Set(xs).size < FEWEST_SIZES || ![...xs, ...ys].every(Number.isFinite)) return null;
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(xs), mean(ys)];
  const exponent = mean(xs.map((x, i) => (x - meanX) * ((ys[i] ?? 0) - meanY))) / mean(xs.map((x) => (x - meanX) ** 2));
  const factor = Math.exp(meanY - exponent * meanX);
  return { factor, exponent, residuals: Float64Array.from(xs, (x, i) => (ys[i] ?? 0) - (meanY + exponent * (x - meanX))) };
}
