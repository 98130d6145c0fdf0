import type { Rope } from '../families/rope.ts';
import { at } from '../../core/tensor.ts';
import type { OnnxGraph } from './onnx.ts';

/** Largest finite float32: added to a score it leaves exactly 0 after the softmax, as in the reference. */
const MASKED = -3.4028234663852886e38;

/** [T, T] to add to scores: 0 where the key is not after the query. */
export function causalMask(length: number): Float32Array {
  const mask = new Float32Array(length * length);
  for (let query = 0; query < length; query++) mask.fill(MASKED, query * length + query + 1, (query + 1) * length);
  return mask;
}

/** Cosines and signed sines [T, headDim], for `rotate`. */
export interface RotaryTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * What queries and keys at positions 0..length-1 are turned by: x' = x * cos + paired(x) * sin (Su et al. 2021, equation 34).
 * Rounded to float32 where the reference rounds, as an angle of thousands keeps few digits.
 */
export function rotaryTables(rope: Rope, length: number): RotaryTables {
  const frequencies = rotaryFrequencies(rope, length);
  const cos = new Float32Array(length * rope.dim);
  const sin = new Float32Array(length * rope.dim);
  const half = rope.dim / 2;
  const factor = Math.fround(rope.attentionFactor);
  for (let position = 0; position < length; position++) {
    for (let pair = 0; pair < half; pair++) {
      const angle = Math.fround(position * at(frequencies, pair));
      const first = position * rope.dim + pair;
      cos[first] = cos[first + half] = Math.fround(Math.cos(angle)) * factor;
      sin[first + half] = Math.fround(Math.sin(angle)) * factor;
      sin[first] = -at(sin, first + half);
    }
  }
  return { cos, sin };
}

/** Radians per position of each pair [dim / 2], for a text of `length` tokens. transformers' `modeling_rope_utils.py`, step by step. */
export function rotaryFrequencies({ theta, dim, scaling }: Rope, length: number): Float32Array {
  const { fround } = Math;
  const powers = (base: number): Float32Array => Float32Array.from({ length: dim / 2 }, (_, pair) => fround(base) ** fround((2 * pair) / dim));
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

/** x [heads, T, headDim] turned by the graph's inputs `cos` and `sin`. */
export function rotate(graph: OnnxGraph, x: string, rope: Rope): string {
  const half = rope.dim / 2;
  const partner = graph.ints(...Array.from({ length: rope.dim }, (_, i) => (i + half) % rope.dim));
  const paired = graph.op('Gather', [x, partner], { axis: { int: -1 } });
  return graph.op('Add', [graph.op('Mul', [x, 'cos']), graph.op('Mul', [paired, 'sin'])]);
}
