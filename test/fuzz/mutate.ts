/** A pseudorandom generator (mulberry32) of integers from 0 to `end - 1`. */
export function randomOf(seed: number): (end: number) => number {
  let state = seed >>> 0;
  return (end) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  };
}

/** Numbers at which counts, lengths and offsets tend to go wrong. */
const EDGES = [
  0n,
  1n,
  2n,
  4n,
  31n,
  32n,
  255n,
  256n,
  65_535n,
  65_536n,
  2n ** 24n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** A copy of `seed` with one to four faults, most of them in the first `header` bytes. Deterministic for a given `random`. */
export function mutated(seed: Uint8Array, other: Uint8Array, header: number, random: (end: number) => number): Uint8Array {
  let bytes: Uint8Array = seed.slice();
  for (let faults = 1 + random(4); faults > 0 && bytes.length > 0; faults--) bytes = withFault(bytes, other, header, random);
  return bytes;
}

function withFault(bytes: Uint8Array, other: Uint8Array, header: number, random: (end: number) => number): Uint8Array {
  const at = random(random(8) === 0 ? bytes.length : Math.min(bytes.length, header));
  const length = 1 + random(random(4) === 0 ? 400 : 12);
  switch (random(8)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 1:
      for (let i = at; i < Math.min(at + length, bytes.length); i++) bytes[i] = random(256);
      return bytes;
    case 2:
    case 3:
      return withNumber(bytes, at, EDGES[random(EDGES.length)] ?? 0n, random(2) === 0 ? 4 : 8);
    case 4:
      return bytes.slice(0, at);
    case 5:
      return joined(bytes.subarray(0, at), bytes.subarray(at + length));
    case 6: {
      const from = random(bytes.length);
      return joined(bytes.subarray(0, at), bytes.subarray(from, from + length), bytes.subarray(at));
    }
    default: {
      const from = random(other.length);
      return joined(bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(at + length));
    }
  }
}

function withNumber(bytes: Uint8Array, at: number, value: bigint, size: 4 | 8): Uint8Array {
  for (let i = 0; i < size && at + i < bytes.length; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 255n);
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
