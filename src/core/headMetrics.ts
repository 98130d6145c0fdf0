import { meansOfSums, weightSum, type HeadReading, type LayerHeads } from './headReading.ts';
import { at } from './tensor.ts';

/** Scale of a number that describes a head. */
export interface HeadScale {
  /** `share`: of the attention, 0..1; or bits. */
  readonly unit: 'share' | 'bits';
  /** The end of the scale at which a head stands out. */
  readonly best: 'largest' | 'smallest';
  /** The value at which a bar is full, for a text of `tokens` tokens. */
  readonly full: (tokens: number) => number;
}

/** Share of the attention, 0..1; larger values stand out. */
export const ATTENTION_SHARE: HeadScale = { unit: 'share', best: 'largest', full: () => 1 };

/** Operators of the model's graph, which metrics are stated in. A value of the graph is its name. */
export interface GraphOperators {
  /** Adds an operator of ONNX. */
  op(operator: string, inputs: readonly string[]): string;
  /** A number, shape []. */
  float(value: number): string;
}

/** What a graph has of some heads' attention. */
export interface RowsInGraph {
  readonly graph: GraphOperators;
  /** [h, T, S]; row = query, column = key. */
  readonly weights: string;
  /** [h, T, S] natural logs of the weights; finite also of a weight of 0. */
  readonly logs: string;
  /** The sums over the keys of the products of two [h, T, S]: [h, T]. */
  readonly sumOfProducts: (a: string, b: string) => string;
}

/** The mean, over the queries that have such keys, of the weight on some keys. */
interface OfKeys extends HeadScale {
  /** The keys whose weights add up at a query. `successors`: positions just after earlier occurrences of the query's token. */
  readonly keys: (query: number, successors: ArrayLike<number>) => ArrayLike<number>;
}

/** The mean, over all queries, of a number of each row of weights. */
interface OfRows extends HeadScale {
  /** The number of each row, [h, T], in the model's graph. */
  readonly row: (rows: RowsInGraph) => string;
}

/**
 * Numbers that characterise a head. A new one needs an entry here, and its name and meaning in the panel's texts:
 * - previous: mean weight on the token just before (queries 1..T-1);
 * - induction: mean weight on the tokens that followed earlier occurrences of the query's own token, over queries
 *   that have one. The query itself is not counted, although it follows an occurrence where a token is doubled: that
 *   weight is attention to itself. In the sequences of Olsson et al. 2022 this does not occur;
 * - first: mean weight on the first token (queries 1..T-1), the attention sink;
 * - entropy: mean entropy of the rows in bits, at most that of an even spread.
 */
const METRICS = {
  previous: { ...ATTENTION_SHARE, keys: (query) => (query > 0 ? [query - 1] : []) },
  induction: { ...ATTENTION_SHARE, keys: (_, successors) => successors },
  first: { ...ATTENTION_SHARE, keys: (query) => (query > 0 ? [0] : []) },
  entropy: {
    unit: 'bits',
    best: 'smallest',
    full: (tokens) => Math.log2(tokens),
    row: ({ graph, weights, logs, sumOfProducts }) => graph.op('Mul', [sumOfProducts(weights, logs), graph.float(-Math.LOG2E)]),
  },
} as const satisfies Readonly<Record<string, OfKeys | OfRows>>;

/** Name of a head metric. */
export type HeadMetric = keyof typeof METRICS;

/** The scale of each metric. */
export const HEAD_METRIC_SCALES: Readonly<Record<HeadMetric, HeadScale>> = METRICS;

/** Names of the metrics, in the order of the last axis of `headMetrics`. */
// The type of a constant's keys is known here and nowhere else.
export const HEAD_METRICS = Object.keys(METRICS) as readonly HeadMetric[];

const ENTRIES: readonly (readonly [HeadMetric, OfKeys | OfRows])[] = HEAD_METRICS.map((name) => [name, METRICS[name]]);
const KEYED = ENTRIES.flatMap(([name, metric]) => ('keys' in metric ? [[name, metric] as const] : []));

/** The metrics that a graph computes from whole rows, by name. */
export const HEAD_ROWS = ENTRIES.flatMap(([name, metric]) => ('row' in metric ? [[name, metric.row] as const] : []));

/** What the metrics of a text of these tokens, and pictures of so many cells a side, are made of. */
export function metricReading(ids: ArrayLike<number>, side: number): HeadReading {
  const successors = earlierSuccessors(ids);
  const sums = KEYED.map(([, { keys }]) => weightSum(ids.length, (query) => keys(query, successors[query] ?? [])));
  return { tokens: ids.length, sums, side };
}

/**
 * The metrics of a layer's heads from what was read off them. Shape [H, HEAD_METRICS.length], in the order of `HEAD_METRICS`;
 * NaN where no query has the number: induction without repeated tokens, previous and first of a single token.
 */
export function headMetrics(reading: HeadReading, read: LayerHeads): Float32Array {
  const { sums, tokens } = reading;
  const ofSums = meansOfSums(reading, read);
  const heads = ofSums.length / sums.length;
  const means = new Float32Array(heads * HEAD_METRICS.length);
  for (const [place, name] of HEAD_METRICS.entries()) {
    const [keyed, row] = [KEYED.findIndex(([known]) => known === name), HEAD_ROWS.findIndex(([known]) => known === name)];
    const rows = read.rows[row];
    for (let head = 0; head < heads; head++)
      means[head * HEAD_METRICS.length + place] =
        rows === undefined ? at(ofSums, head * sums.length + keyed) : meanOf(rows.subarray(head * tokens, (head + 1) * tokens));
  }
  return means;
}

function meanOf(numbers: Float32Array): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Number of queries each metric averages over in a text of these tokens; the same for every head. */
export function metricSamples(ids: ArrayLike<number>): Readonly<Record<HeadMetric, number>> {
  const { sums } = metricReading(ids, 1);
  const samples = (name: HeadMetric): number => sums[KEYED.findIndex(([known]) => known === name)]?.samples ?? ids.length;
  return Object.fromEntries(HEAD_METRICS.map((name) => [name, samples(name)])) as Record<HeadMetric, number>;
}

/**
 * For each position, the positions just after earlier occurrences of its token, itself left out. Those of one token are parts of one
 * array: of a token repeated T times there are T^2 / 2.
 */
function earlierSuccessors(ids: ArrayLike<number>): readonly Int32Array[] {
  const counts = new Map<number, number>();
  for (let position = 0; position < ids.length; position++) counts.set(at(ids, position), (counts.get(at(ids, position)) ?? 0) + 1);
  const seen = new Map<number, { readonly successors: Int32Array; known: number }>();
  return Array.from(ids, (id, position) => {
    const of = seen.get(id) ?? { successors: new Int32Array(counts.get(id) ?? 0), known: 0 };
    seen.set(id, of);
    // Only the last one can be the position itself.
    const own = of.known > 0 && of.successors[of.known - 1] === position;
    const result = of.successors.subarray(0, of.known - Number(own));
    of.successors[of.known++] = position + 1;
    return result;
  });
}

/** The weight that a shade of an `AttentionPicture` stands for, to within 0.8 % of full weight. */
export function shadeWeight(shade: number): number {
  return (shade / 255) ** 4;
}

/** One head's weights [T, T] as shades of the keys each query sees, and the largest weights. */
export function headShades(
  weights: Float32Array,
  tokens: number,
): { readonly shades: Uint8Array; readonly largest: number; readonly largestRest: number } {
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
