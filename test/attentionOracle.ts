import { at, type Tensor } from '../src/core/tensor.ts';

// What is read off heads, straight from the definitions, out of the whole attention [H, T, T]. NumPy's numbers are the same
// (test/unit/core/attention.test.ts). What the extension shows comes out of the model's graph and is held against this.

/** Previous token, induction, first token and entropy in bits of each head: [H, 4]. */
export function metricsOfWeights({ dims, data }: Tensor, ids: ArrayLike<number>): Float32Array {
  const [heads = 0, tokens = 0] = dims;
  const positions = Array.from({ length: tokens }, (_, position) => position);
  const later = positions.slice(1);
  const metrics = Array.from({ length: heads }, (_, head) => {
    const weight = (query: number, key: number): number => at(data, (head * tokens + query) * tokens + key);
    const followers = (query: number): readonly number[] =>
      positions.filter((key) => key > 0 && key < query && ids[key - 1] === ids[query]);
    const entropy = (query: number): number =>
      sum(positions.map((key) => weight(query, key)).map((share) => (share > 0 ? -share * Math.log2(share) : 0)));
    return [
      mean(later.map((query) => weight(query, query - 1))),
      mean(positions.filter((query) => followers(query).length > 0).map((query) => sum(followers(query).map((key) => weight(query, key))))),
      mean(later.map((query) => weight(query, 0))),
      mean(positions.map(entropy)),
    ];
  });
  return Float32Array.from(metrics.flat());
}

/** [H, 4] mean attention of random tokens given twice to the one before, the follower, the same one, and the sequence's first. */
export function scoresOfWeights({ dims, data }: Tensor, begins: number, count: number): Float32Array {
  const [heads = 0, tokens = 0] = dims;
  const second = Array.from({ length: count }, (_, place) => begins + count + place);
  const afterTwo = Array.from({ length: tokens - 2 }, (_, place) => place + 2);
  const scores = Array.from({ length: heads }, (_, head) => {
    const weight = (query: number, key: number): number => at(data, (head * tokens + query) * tokens + key);
    return [
      mean(afterTwo.map((query) => weight(query, query - 1))),
      mean(second.map((query) => weight(query, query - count + 1))),
      mean(second.map((query) => weight(query, query - count))),
      mean(second.map((query) => weight(query, 0))),
    ];
  });
  return Float32Array.from(scores.flat());
}

/** Pictures of side x side cells, [H, side, side]: the largest weight of each, 255 = 1. Token t is in cell floor(t side / T). */
export function picturesOfWeights({ dims, data }: Tensor, side: number): Uint8Array {
  const [heads = 0, tokens = 0] = dims;
  const pictures = new Uint8Array(heads * side * side);
  const cell = (token: number): number => Math.floor((token * side) / tokens);
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < tokens; query++) {
      for (let key = 0; key <= query; key++) {
        const place = (head * side + cell(query)) * side + cell(key);
        pictures[place] = Math.max(at(pictures, place), Math.round(at(data, (head * tokens + query) * tokens + key) * 255));
      }
    }
  }
  return pictures;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** NaN of none. */
function mean(numbers: readonly number[]): number {
  return sum(numbers) / numbers.length;
}
