import type { Alibi } from '../families/alibi.ts';
import type { QueryScale } from '../families/spec.ts';
import type { Rope } from '../families/rope.ts';
import { firstSeen, type KeyWindow } from '../../core/keyWindow.ts';
import { at } from '../../core/tensor.ts';
import type { OnnxGraph } from './onnx.ts';

/** Largest finite float32: added to a score it leaves exactly 0 after the softmax, as in the reference. */
export const MASKED = -3.4028234663852886e38;

/**
 * `tokens` new tokens after `past` cached ones. Cached keys are in the first of `room` columns, the keys of new tokens after all
 * `room` columns. `length`: tokens of the text that these are a piece of, on which some rotary frequencies and ALiBi's origin depend.
 */
export interface Span {
  readonly past: number;
  readonly room: number;
  readonly tokens: number;
  readonly length: number;
}

/** A text without cached tokens. */
export function wholeText(tokens: number): Span {
  return { past: 0, room: 0, tokens, length: tokens };
}

/** [T, room + T] mask added to scores: 0 where the query sees the key. */
export function causalMask({ past, room, tokens }: Span, window: KeyWindow = null): Float32Array {
  const columns = room + tokens;
  const mask = new Float32Array(tokens * columns).fill(MASKED);
  for (let query = 0; query < tokens; query++) {
    const first = firstSeen(window, past + query);
    mask.fill(0, query * columns + Math.min(first, past), query * columns + past);
    mask.fill(0, query * columns + room + Math.max(0, first - past), query * columns + room + query + 1);
  }
  return mask;
}

/** [1, room] mask added to the scores of the last of `tokens` tokens, whose keys are in the first of `room` columns. */
export function lastMask(tokens: number, room: number, window: KeyWindow): Float32Array {
  return new Float32Array(room).fill(MASKED).fill(0, firstSeen(window, tokens - 1), tokens);
}

/** [heads, 1, room + T] ALiBi bias added to the scores of each key. */
export function spanBias(alibi: Alibi, { past, room, tokens, length }: Span): Float32Array {
  const bias = alibiBias(alibi, length);
  if (room + tokens === length) return bias;
  const spread = new Float32Array(alibi.slopes.length * (room + tokens));
  for (const head of alibi.slopes.keys()) {
    const row = bias.subarray(head * length, (head + 1) * length);
    spread.set(row.subarray(0, past), head * (room + tokens));
    spread.set(row.subarray(past, past + tokens), head * (room + tokens) + room);
  }
  return spread;
}

/** [heads, 1, T] ALiBi bias added to the scores of each key of a text of `length` tokens. */
export function alibiBias({ slopes, from, rounded, scale }: Alibi, length: number): Float32Array {
  const bias = new Float32Array(slopes.length * length);
  const round = rounded ? toBfloat16 : Math.fround;
  for (const [head, slope] of slopes.entries()) {
    for (let key = 0; key < length; key++)
      bias[head * length + key] = round(round(slope) * (from === 'first' ? key : key - length + 1)) * scale;
  }
  return bias;
}

/** The nearest bfloat16, ties to even. */
function toBfloat16(value: number): number {
  const word = new Uint32Array(Float32Array.of(value).buffer);
  const bits = at(word, 0);
  word[0] = ((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000) >>> 0;
  return at(new Float32Array(word.buffer), 0);
}

/**
 * [T, D] sines, then cosines, of the positions from `offset` on (transformers' XGLM: wavelengths from 2 pi to 10000 * 2 pi, ends
 * included).
 */
export function sinusoids(
  { offset, zeros }: { readonly offset: number; readonly zeros: number | null },
  length: number,
  dim: number,
): Float32Array {
  const { fround } = Math;
  const half = dim / 2;
  const step = -fround(Math.log(10_000) / (half - 1));
  const table = new Float32Array(length * dim);
  for (let row = 0; row < length; row++) {
    if (row + offset === zeros) continue;
    for (let pair = 0; pair < half; pair++) {
      const angle = fround((row + offset) * fround(Math.exp(fround(pair * step))));
      table[row * dim + pair] = Math.sin(angle);
      table[row * dim + half + pair] = Math.cos(angle);
    }
  }
  return table;
}

/** Cosines and signed sines [end - first, width], for `rotate`; 1 and 0 for numbers that are not rotated. */
export interface RotaryTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * Rotation of queries and keys at positions `first`..end-1 of a text of `length` tokens: x' = x * cos + paired(x) * sin (Su et al.
 * 2021, equation 34).
 * Rounded to float32 where the reference rounds, as an angle of thousands keeps few digits.
 */
export function rotaryTables(rope: Rope, length: number, first = 0, end = length): RotaryTables {
  const frequencies = rotaryFrequencies(rope, length);
  const cos = new Float32Array((end - first) * rope.width).fill(1);
  const sin = new Float32Array((end - first) * rope.width);
  const [step, across] = rope.style === 'half' ? [1, rope.dim / 2] : [2, 1];
  const factor = Math.fround(attentionFactorOf(rope, length));
  for (let position = first; position < end; position++) {
    for (let pair = 0; pair < rope.dim / 2; pair++) {
      const angle = Math.fround(position * at(frequencies, pair));
      const place = (position - first) * rope.width + pair * step;
      cos[place] = cos[place + across] = Math.fround(Math.cos(angle)) * factor;
      sin[place + across] = Math.fround(Math.sin(angle)) * factor;
      sin[place] = -at(sin, place + across);
    }
  }
  return { cos, sin };
}

/** Factor of cosines and sines in a text of `length` tokens. */
export function attentionFactorOf({ scaling, attentionFactor }: Rope, length: number): number {
  if (scaling.kind !== 'longrope' || scaling.factors === undefined) return attentionFactor;
  return length > scaling.trained ? scaling.factors.long : scaling.factors.short;
}

/** Factors of the queries at positions `first`..end-1, [end - first], rounded to float32 where the reference rounds. */
export function queryScales({ beta, trained, from }: QueryScale, first: number, end: number): Float32Array {
  const { fround } = Math;
  return Float32Array.from({ length: end - first }, (_, index) => {
    const times = Math.floor(fround((first + index + from) / trained));
    return 1 + fround(fround(beta) * fround(Math.log(1 + times)));
  });
}

/** A number that is equal for two text lengths where the frequencies are: keys rotated for one length are valid for the other. */
export function frequencyStage({ scaling }: Rope, length: number): number {
  if (scaling.kind !== 'dynamic' && scaling.kind !== 'longrope') return 0;
  if (length <= scaling.trained) return 0;
  return scaling.kind === 'dynamic' ? length : 1;
}

/** Radians per position of each pair [dim / 2], for a text of `length` tokens; negative where vectors turn backwards. */
export function rotaryFrequencies(rope: Rope, length: number): Float32Array {
  const frequencies = usualFrequencies(rope, length);
  return rope.backwards ? frequencies.map((frequency) => -frequency) : frequencies;
}

/** Frequencies of the usual sense: transformers' `modeling_rope_utils.py`, step by step. */
function usualFrequencies({ theta, dim, scaling }: Rope, length: number): Float32Array {
  const { fround } = Math;
  const powers = (base: number): Float32Array =>
    Float32Array.from({ length: dim / 2 }, (_, pair) => fround(base) ** fround((2 * pair) / dim));
  const plain = (base: number): Float32Array => powers(base).map((power) => 1 / power);
  switch (scaling.kind) {
    case 'default':
      return plain(theta);
    case 'linear':
      return plain(theta).map((frequency) => frequency / fround(scaling.factor));
    case 'dynamic': {
      const { factor, trained } = scaling;
      if (length <= trained) return plain(theta);
      const stretch = fround(fround(fround(factor * length) / trained) - fround(factor - 1));
      return plain(theta * fround(stretch ** (dim / (dim - 2))));
    }
    case 'llama3': {
      const { factor, lowFactor, highFactor, trained } = scaling;
      return plain(theta).map((frequency) => {
        const wavelength = fround(fround(2 * Math.PI) / frequency);
        if (wavelength < trained / highFactor) return frequency;
        const slow = fround(frequency / fround(factor));
        if (wavelength > trained / lowFactor) return slow;
        const share = fround(fround(fround(trained / wavelength) - lowFactor) / fround(highFactor - lowFactor));
        return fround(fround(fround(1 - share) * frequency) / fround(factor)) + fround(share * frequency);
      });
    }
    case 'yarn': {
      const { factor, low } = scaling;
      const high = scaling.high === low ? low + 0.001 : scaling.high;
      return powers(theta).map((power, pair) => {
        const ramp = Math.min(1, Math.max(0, fround(fround(pair - low) / fround(high - low))));
        const kept = fround(1 - ramp);
        const interpolated = fround(1 / fround(fround(factor) * power));
        return fround(interpolated * fround(1 - kept)) + fround(fround(1 / power) * kept);
      });
    }
    case 'longrope': {
      const divisors = length > scaling.trained ? scaling.long : scaling.short;
      return powers(theta).map((power, pair) => 1 / fround(fround(at(divisors, pair)) * power));
    }
    default:
      scaling.kind satisfies 'proportional';
      return plain(theta).map((frequency, pair) => (pair < scaling.pairs ? frequency / fround(scaling.factor) : 0));
  }
}

/** Index of the number that number `i` of a head is rotated with; `i` itself where it is not rotated. */
export function rotaryPartner({ dim, style }: Rope, i: number): number {
  if (i >= dim) return i;
  return style === 'half' ? (i + dim / 2) % dim : i ^ 1;
}

/** x [heads, T, width] rotated by the graph's inputs `cos.index` and `sin.index`. */
export function rotate(graph: OnnxGraph, x: string, rope: Rope, index: number): string {
  const partner = graph.ints(...Array.from({ length: rope.width }, (_, i) => rotaryPartner(rope, i)));
  const paired = graph.op('Gather', [x, partner], { axis: { int: -1 } });
  return graph.op('Add', [graph.op('Mul', [x, `cos.${index}`]), graph.op('Mul', [paired, `sin.${index}`])]);
}
