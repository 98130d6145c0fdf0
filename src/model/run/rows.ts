/** Tokens that capacity grows by: appending copies only the new token, and everything once in so many tokens. */
const ROOM = 64;
/** Where many more are expected, capacity grows by this share of what is there: all pieces of a long text together move it a few times. */
const GROWTH = 1 / 8;

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
  return growing(
    { make: (length) => new Float32Array(length), start: (data, length) => data.subarray(0, length) },
    groups,
    width,
    expected,
  );
}

/** Empty rows of ids. */
export function growingIds(width: number, expected = UNKNOWN): Rows<Int32Array> {
  return growing({ make: (length) => new Int32Array(length), start: (data, length) => data.subarray(0, length) }, 1, width, expected);
}

/** Arrays of one type: a new one, and a view of the first numbers of one. */
interface Arrays<Data extends Numbers> {
  readonly make: (length: number) => Data;
  readonly start: (data: Data, length: number) => Data;
}

function growing<Data extends Numbers>({ make, start }: Arrays<Data>, groups: number, width: number, expected: Expected): Rows<Data> {
  let tokens = 0;
  let room = 0;
  /** Begins with [groups, room, width]. */
  let kept = make(0);
  const length = (of: number): number => groups * of * width;
  /** Copies `count` tokens of each group from one [groups, ., width] to another. */
  const copy = (source: Data, sourceRoom: number, from: number, target: Data, targetRoom: number, to: number, count: number): void => {
    for (let group = 0; group < groups; group++) {
      const first = (group * sourceRoom + from) * width;
      target.set(source.subarray(first, first + count * width), (group * targetRoom + to) * width);
    }
  };
  const slice = (from: number, to: number): Data => {
    const out = make(length(to - from));
    copy(kept, room, from, out, to - from, 0, to - from);
    return out;
  };
  /** Room for `wider` tokens. An array for all that are expected is there from the first on: new memory takes longer than the copies. */
  const widen = (wider: number): void => {
    if (wider <= expected.tokens && kept.length < length(expected.tokens) && tokens === 0) kept = make(length(expected.tokens));
    if (length(wider) <= kept.length) {
      // The last group first, which moves to where nothing is that is still needed.
      for (let group = groups - 1; group > 0; group--) {
        const first = group * room * width;
        kept.copyWithin(group * wider * width, first, first + tokens * width);
      }
    } else {
      const larger = make(length(wider));
      copy(kept, room, 0, larger, wider, 0, tokens);
      kept = larger;
    }
    room = wider;
  };
  return {
    get room() {
      return room;
    },
    get padded() {
      return start(kept, length(room));
    },
    append: (data, count, of = count) => {
      if (data.length !== length(of) || count > of) throw new RangeError(`${of} tokens have ${length(of)} numbers, not ${data.length}.`);
      if (tokens === 0 && count === of && count === expected.tokens) {
        // All there will be: nothing is ever written behind it.
        [kept, room, tokens] = [data, count, count];
        return;
      }
      if (tokens + count > room) {
        const needed = Math.ceil((tokens + count) / ROOM) * ROOM;
        if (tokens + count > expected.tokens) widen(needed);
        else if (expected.room === 'atOnce') widen(expected.tokens);
        else widen(Math.min(Math.max(needed, Math.ceil((tokens * (1 + GROWTH)) / ROOM) * ROOM), expected.tokens));
      }
      copy(data, of, 0, kept, room, tokens, count);
      tokens += count;
    },
    cut: (end) => {
      tokens = Math.min(tokens, end);
    },
    slice,
    taken: () => (length(tokens) === kept.length ? kept : slice(0, tokens)),
  };
}
