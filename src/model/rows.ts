/** Tokens that room is made for at a time: appending one copies that one, and all of them once in so many. */
const ROOM = 64;

type Numbers = Float32Array | Int32Array;

/** Numbers per token, [groups, tokens, width], that grow by tokens and can be cut back. */
export interface Rows<Data extends Numbers = Float32Array> {
  /** Tokens there is room for: `padded` is [groups, room, width]. */
  readonly room: number;
  readonly padded: Data;
  /** [groups, count, width] of the next tokens. */
  append(data: Data, count: number): void;
  cut(tokens: number): void;
  /** [groups, to - from, width], in a buffer of their own. */
  slice(from: number, to: number): Data;
}

/** No tokens yet. */
export function growingRows(groups: number, width: number): Rows {
  return growing((length) => new Float32Array(length), groups, width);
}

export function growingIds(width: number): Rows<Int32Array> {
  return growing((length) => new Int32Array(length), 1, width);
}

function growing<Data extends Numbers>(make: (length: number) => Data, groups: number, width: number): Rows<Data> {
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
  return {
    get room() {
      return room;
    },
    get padded() {
      return kept;
    },
    append: (data, count) => {
      if (data.length !== groups * count * width) throw new RangeError(`${count} tokens have ${groups * count * width} numbers, not ${data.length}.`);
      if (tokens + count > room) {
        const wider = Math.ceil((tokens + count) / ROOM) * ROOM;
        const larger = make(groups * wider * width);
        copy(kept, room, 0, larger, wider, 0, tokens);
        [kept, room] = [larger, wider];
      }
      copy(data, count, 0, kept, room, tokens, count);
      tokens += count;
    },
    cut: (length) => {
      tokens = Math.min(tokens, length);
    },
    slice: (from, to) => {
      const out = make(groups * (to - from) * width);
      copy(kept, room, from, out, to - from, 0, to - from);
      return out;
    },
  };
}
