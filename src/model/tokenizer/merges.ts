/** The pairs of tokens that byte pair encoding joins, earlier ones first (Sennrich et al. 2016). */
export interface Merges {
  /** Rank of the pair of these ids in the list; undefined: they are not joined. */
  rank(left: number, right: number): number | undefined;
  /** The token that the pair of each rank becomes. */
  readonly joined: Int32Array;
}

/**
 * The merges of a list. `pairs`: left id, right id and the id they become, all below `end`, in order of rank; of a duplicated pair the
 * last rank counts, as in the reference.
 */
export function mergesOf(pairs: readonly (readonly [left: number, right: number, joined: number])[], end: number): Merges {
  const ranks = new Map<number, number>();
  const joined = new Int32Array(pairs.length);
  for (const [rank, [left, right, id]] of pairs.entries()) {
    ranks.set(left * end + right, rank);
    joined[rank] = id;
  }
  return { rank: (left, right) => ranks.get(left * end + right), joined };
}

/** A part of a word that is one token. */
export interface WordSymbol {
  readonly id: number;
  /** UTF-16 offsets in the word. */
  readonly start: number;
  readonly end: number;
}

/** Upper bound of places in a word, so that a rank and a place fit in one number. */
const PLACES = 2 ** 31;
const NONE = -1;

/**
 * Joins neighbours until no pair of the list is left, always the pair of the lowest rank, leftmost first.
 * As `Word::merge_all` of the `tokenizers` library; n symbols take n log n steps.
 */
export function mergeSymbols(symbols: readonly WordSymbol[], merges: Merges): readonly WordSymbol[] {
  const ids = Int32Array.from(symbols, ({ id }) => id);
  const next = Int32Array.from(symbols, (_, i) => (i + 1 < symbols.length ? i + 1 : NONE));
  const previous = Int32Array.from(symbols, (_, i) => i - 1);
  const gone = new Uint8Array(symbols.length);
  const waiting: number[] = [];
  const offer = (left: number): void => {
    const right = left === NONE ? NONE : (next[left] ?? NONE);
    if (right === NONE) return;
    const rank = merges.rank(ids[left] ?? NONE, ids[right] ?? NONE);
    if (rank !== undefined) push(waiting, rank * PLACES + left);
  };
  for (let i = 0; i < symbols.length; i++) offer(i);
  while (waiting.length > 0) {
    const first = pop(waiting);
    const left = first % PLACES;
    const right = next[left] ?? NONE;
    if (gone[left] === 1 || right === NONE) continue;
    // The symbols may have changed since the pair was queued: it is valid if they still become the same token.
    const rank = merges.rank(ids[left] ?? NONE, ids[right] ?? NONE);
    const joined = merges.joined[Math.floor(first / PLACES)] ?? NONE;
    if (rank === undefined || merges.joined[rank] !== joined) continue;
    ids[left] = joined;
    gone[right] = 1;
    const after = next[right] ?? NONE;
    next[left] = after;
    if (after !== NONE) previous[after] = left;
    offer(previous[left] ?? NONE);
    offer(left);
  }
  const found: WordSymbol[] = [];
  for (let i = 0; i < symbols.length;) {
    const after = next[i] ?? NONE;
    const last = after === NONE ? symbols.length : after;
    found.push({ id: ids[i] ?? NONE, start: symbols[i]?.start ?? 0, end: symbols[last - 1]?.end ?? 0 });
    i = last;
  }
  return found;
}

// A binary heap, the smallest number first.

function push(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] ?? 0;
    if (above <= value) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = value;
}

function pop(heap: number[]): number {
  const smallest = heap[0] ?? NONE;
  const value = heap.pop() ?? NONE;
  const count = heap.length;
  let at = 0;
  while (2 * at + 1 < count) {
    const left = 2 * at + 1;
    const least = left + 1 < count && (heap[left + 1] ?? 0) < (heap[left] ?? 0) ? left + 1 : left;
    const below = heap[least] ?? Infinity;
    if (below >= value) break;
    heap[at] = below;
    at = least;
  }
  if (count > 0) heap[at] = value;
  return smallest;
}
