import { HEAD_METRICS } from './trace.ts';
import { at, type Tensor } from './tensor.ts';

/**
 * Numbers that name what a head does, from its attention weights. Shape [H, 4], in the order of `HEAD_METRICS`:
 * - previous: mean weight on the token just before (queries 1..T-1);
 * - induction: mean weight on the tokens that followed earlier occurrences of the query's own token, over queries
 *   that have one (Olsson et al. 2022); NaN where no token repeats;
 * - first: mean weight on the first token (queries 1..T-1), the attention sink;
 * - entropy: mean entropy of the rows in bits.
 * All are NaN-free otherwise; with a single token, previous and first are NaN.
 */
export function headMetrics(weights: Tensor, ids: ArrayLike<number>): Float32Array {
  const heads = at(weights.dims, 0);
  const tokens = at(weights.dims, 1);
  const successors = earlierSuccessors(ids);
  const metrics = new Float32Array(heads * HEAD_METRICS.length);
  for (let head = 0; head < heads; head++) {
    let previous = 0;
    let first = 0;
    let induction = 0;
    let repeats = 0;
    let nats = 0;
    for (let query = 0; query < tokens; query++) {
      const start = (head * tokens + query) * tokens;
      for (let key = 0; key <= query; key++) {
        const weight = at(weights.data, start + key);
        if (weight > 0) nats -= weight * Math.log(weight);
      }
      if (query === 0) continue;
      previous += at(weights.data, start + query - 1);
      first += at(weights.data, start);
      const keys = successors[query] ?? [];
      if (keys.length === 0) continue;
      repeats++;
      for (const key of keys) induction += at(weights.data, start + key);
    }
    const pairs = tokens - 1;
    metrics.set([previous / pairs, induction / repeats, first / pairs, nats / tokens / Math.LN2], head * HEAD_METRICS.length);
  }
  return metrics;
}

/** For each position, the positions just after earlier occurrences of its token. */
function earlierSuccessors(ids: ArrayLike<number>): readonly (readonly number[])[] {
  const seen = new Map<number, number[]>();
  return Array.from(ids, (id, position) => {
    const successors = seen.get(id) ?? [];
    const result = successors.slice();
    successors.push(position + 1);
    seen.set(id, successors);
    return result;
  });
}

/** The weight that a shade of an `AttentionPicture` stands for, to within 0.8 % of full weight. */
export function shadeWeight(shade: number): number {
  return (shade / 255) ** 4;
}

/** One head's weights [T, T] as shades of the keys each query sees, and the largest weights. */
export function headShades(weights: Float32Array, tokens: number): { readonly shades: Uint8Array; readonly largest: number; readonly largestRest: number } {
  const shades = new Uint8Array((tokens * (tokens + 1)) / 2);
  let next = 0;
  let first = 0;
  let rest = 0;
  for (let query = 0; query < tokens; query++) {
    const start = query * tokens;
    for (let key = 0; key <= query; key++) {
      const weight = at(weights, start + key);
      shades[next++] = Math.round(255 * Math.sqrt(Math.sqrt(weight)));
      if (key === 0) first = Math.max(first, weight);
      else if (weight > rest) rest = weight;
    }
  }
  return { shades, largest: Math.max(first, rest), largestRest: rest };
}

/**
 * Small pictures of every head: the largest weight within each of size x size cells, 255 = 1. [H, T, T] -> [H, S, S].
 * The largest, not the mean: a single strong weight must stay visible.
 */
export function thumbnails(weights: Tensor, size: number): Uint8Array {
  const heads = at(weights.dims, 0);
  const tokens = at(weights.dims, 1);
  const cells = new Uint8Array(heads * size * size);
  const cellOf = Int32Array.from({ length: tokens }, (_, token) => Math.floor((token * size) / tokens));
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < tokens; query++) {
      const source = (head * tokens + query) * tokens;
      const target = (head * size + at(cellOf, query)) * size;
      for (let key = 0; key <= query; key++) {
        const value = Math.round(at(weights.data, source + key) * 255);
        const cell = target + at(cellOf, key);
        if (value > at(cells, cell)) cells[cell] = value;
      }
    }
  }
  return cells;
}
