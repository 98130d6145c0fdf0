/** Tokens that capacity grows by: appending copies only the new token, and everything once in so many tokens. */
const ROOM = 64;

type Numbers = Float32Array | Int32Array;

/** A growable array of numbers per token, [groups, tokens, width], that can be truncated. */
export interface Rows<Data extends Numbers = Float32Array> {
  /** Capacity in tokens: `padded` is [groups, room, width]. */
  readonly room: number;
  readonly padded: Data;
  /** Appends the first `count` of `of` tokens, [groups, of, width]. */
  append(data: Data, count: number, of?: number): void;
  cut(tokens: number): void;
  /** Copies tokens from..to: [groups, to - from, width]. */
  slice(from: number, to: number): Data;
  /** All tokens, [groups, tokens, width], in the array itself where it has no room left: the rows are not used afterwards. */
  taken(): Data;
}

/** How many tokens there will be, and whether there is room for all from the first or, as whoever reads `padded` reads all, as needed. */
export interface Expected {
  readonly tokens: number;
  readonly room: 'atOnce' | 'asNeeded';
}

const UNKNOWN: Expected = { tokens: 0, room: 'asNeeded' };

/** Empty rows of float32 numbers. */
export function growingRows(groups: number, width: number, expected = UNKNOWN): Rows {
  return growing((length) => new Float32Array(length), groups, width, expected);
}

/** Empty rows of ids. */
export function growingIds(width: number, expected = UNKNOWN): Rows<Int32Array> {
  return growing((length) => new Int32Array(length), 1, width, expected);
}

function growing<Data extends Numbers>(make: (length: number) => Data, groups: number, width: number, expected: Expected): Rows<Data> {
  let tokens = 0;
  let room = 0;
  let kept = make(0);
  /** Copies `count` tokens of each group from one [groups, ., width] to another. */
  const copy = (source: Data, sourceRoom: number, from: number, target: Data, targetRoom: number, to: number, count: number): void => {
    for (let group = 0; group < groups; group++) {
      const start = (group * sourceRoom + from) * width;
      target.set(source.subarray(start, start + count * width), (group * targetRoom + to) * width);
    }
  };
  const slice = (from: number, to: number): Data => {
    const out = make(groups * (to - from) * width);
    copy(kept, room, from, out, to - from, 0, to - from);
    return out;
  };
  return {
    get room() {
      return room;
    },
    get padded() {
      return kept;
    },
    append: (data, count, of = count) => {
      if (data.length !== groups * of * width || count > of)
        throw new RangeError(`${of} tokens have ${groups * of * width} numbers, not ${data.length}.`);
      if (tokens === 0 && count === of && count === expected.tokens) {
        // All there will be: nothing is ever written behind it.
        [kept, room, tokens] = [data, count, count];
        return;
      }
      if (tokens + count > room) {
        const needed = Math.ceil((tokens + count) / ROOM) * ROOM;
        const wider =
          tokens + count <= expected.tokens ? (expected.room === 'atOnce' ? expected.tokens : Math.min(needed, expected.tokens)) : needed;
        const larger = make(groups * wider * width);
        copy(kept, room, 0, larger, wider, 0, tokens);
        [kept, room] = [larger, wider];
      }
      copy(data, of, 0, kept, room, tokens, count);
      tokens += count;
    },
    cut: (length) => {
      tokens = Math.min(tokens, length);
    },
    slice,
    taken: () => (tokens === room ? kept : slice(0, tokens)),
  };
}
