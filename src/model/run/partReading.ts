import { HEAD_ROWS } from '../../core/headMetrics.ts';
import { cellsOf, type HeadReading, type LayerHeads } from '../../core/headReading.ts';
import { READING_BYTES } from '../../core/memory.ts';
import { at } from '../../core/tensor.ts';
import { POOLED_ROWS } from '../graph/headReadingGraph.ts';
import { spanRows } from '../graph/interventionInputs.ts';
import { wholeText, type Span } from '../graph/positionsGraph.ts';
import { floats, itemOf } from './outputs.ts';
import type { Feed } from './runtime.ts';

/** Bounds of the number of queries at once: of fewer the runs take longer than what they compute, of more most keys are not seen. */
const FEWEST_QUERIES = 32;
const MOST_QUERIES = 256;

/** The queries of a text, part by part; their keys are all from the text's first to their own last. */
export function partsOf(tokens: number, heads: number): readonly Span[] {
  const most = Math.floor(READING_BYTES / (heads * tokens * Float32Array.BYTES_PER_ELEMENT));
  const count = Math.max(FEWEST_QUERIES, Math.min(MOST_QUERIES, most));
  return Array.from({ length: Math.ceil(tokens / count) }, (_, part) => {
    const past = part * count;
    return { ...wholeText(tokens), past, room: past, tokens: Math.min(count, tokens - past) };
  });
}

/** Heads of which nothing has been read yet. */
export function unreadHeads({ tokens, sums, side }: HeadReading, heads: number): LayerHeads {
  return {
    sums: new Float32Array(heads * sums.length),
    rows: HEAD_ROWS.map(() => new Float32Array(heads * tokens)),
    largest: new Float32Array(heads * side * side),
  };
}

/** Number of weights of one head that a reading adds up. */
export function weightsOf({ sums }: HeadReading): number {
  return numberOfKeys(sums.flatMap(({ keys }) => keys));
}

function numberOfKeys(keys: readonly ArrayLike<number>[]): number {
  return keys.reduce((sum, { length }) => sum + length, 0);
}

/** How a part of a text's queries is read. */
export interface PartReading {
  /** Inputs of `readWeights`. */
  readonly feeds: Readonly<Record<string, Feed>>;
  /** Adds the outputs of `readWeights` to what was read off the heads. */
  addTo(read: LayerHeads, out: Readonly<Record<string, Float32Array | Int32Array>>): void;
}

/** How the queries of `span`, which are a part of the text of `reading`, are read. */
export function partReading(reading: HeadReading, span: Span, heads: number): PartReading {
  const { tokens, sums, side } = reading;
  const { past, tokens: count } = span;
  const cells = cellsOf(tokens, side);
  const { columnOf: column } = spanRows(span);
  const [first, end] = [at(cells, past), at(cells, past + count - 1) + 1];
  return {
    feeds: {
      ...placesFeeds(sums, span, column),
      queryCells: cellsFeed(cells.subarray(past, past + count), first, end, POOLED_ROWS, (row) => row),
      keyCells: cellsFeed(cells.subarray(0, past + count), 0, end, 1, column),
    },
    addTo: (read, out) => {
      for (const [index, sum] of floats(out['sums']).entries()) read.sums[index] = at(read.sums, index) + sum;
      for (const [index, [name]] of HEAD_ROWS.entries()) {
        const [numbers, found] = [itemOf(read.rows, index), floats(out[name])];
        for (let head = 0; head < heads; head++) numbers.set(found.subarray(head * count, (head + 1) * count), head * tokens + past);
      }
      const largest = floats(out['largest']);
      let next = 0;
      for (let head = 0; head < heads; head++) {
        for (let query = first; query < end; query++) {
          const start = (head * side + query) * side;
          for (let key = 0; key < end; key++, next++)
            read.largest[start + key] = Math.max(read.largest[start + key] ?? NaN, largest[next] ?? NaN);
        }
      }
    },
  };
}

/** The places of the weights of all sums, one after another, and which sum each is part of. A runtime gathers at least one. */
function placesFeeds(
  sums: HeadReading['sums'],
  { past, room, tokens }: Span,
  column: (key: number) => number,
): Readonly<Record<'places' | 'parts', Feed>> {
  const keysOf = sums.map(({ keys }) => keys.slice(past, past + tokens));
  const count = Math.max(1, numberOfKeys(keysOf.flat()));
  const places = new Int32Array(count);
  const parts = new Float32Array(count * sums.length);
  let next = 0;
  for (const [sum, queries] of keysOf.entries()) {
    for (const [query, keys] of queries.entries()) {
      for (let index = 0; index < keys.length; index++, next++) {
        places[next] = query * (room + tokens) + column(at(keys, index));
        parts[next * sums.length + sum] = 1;
      }
    }
  }
  return { places: { dims: [count], data: places }, parts: { dims: [count, sums.length], data: parts } };
}

/**
 * [end - first, n] places of the positions of each cell from `first` on, as many as the widest has, up to a multiple of `step`: in others
 * the last is repeated, which changes no largest. `cells`: the cell of each position.
 */
function cellsFeed(cells: Int32Array, first: number, end: number, step: number, placeOf: (position: number) => number): Feed {
  const places: number[][] = Array.from({ length: end - first }, () => []);
  for (const [position, cell] of cells.entries()) places[cell - first]?.push(placeOf(position));
  const width = Math.ceil(Math.max(...places.map(({ length }) => length)) / step) * step;
  const data = places.flatMap((cell) => Array.from({ length: width }, (_, i) => cell[i] ?? cell.at(-1) ?? 0));
  return { dims: [end - first, width], data: Int32Array.from(data) };
}
