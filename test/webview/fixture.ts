import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { HEAD_METRICS, headShades } from '../../src/core/headMetrics.ts';
import { softmax } from '../../src/core/probability.ts';
import { at, dot } from '../../src/core/tensor.ts';
import type {
  AttentionCell,
  AttentionMap,
  AttentionPicture,
  AttentionRow,
  Distribution,
  Explanation,
  HeadSummaries,
  LensWindow,
  ModelInfo,
  Projection,
  Token,
} from '../../src/core/trace.ts';
import type { ShownExplanation } from '../../src/protocol/messages.ts';
import type { Query, PageQueryName, QueryResult } from '../../src/protocol/queries.ts';
import { topIndices } from '../../src/core/probability.ts';

interface Packed {
  readonly dims: readonly number[];
  readonly type: 'float32' | 'int32' | 'uint8' | 'uint16';
  readonly base64: string;
}
type PackedRecord<T> = { readonly [Key in keyof T]: T[Key] extends Float32Array | Int32Array | Uint8Array ? Packed : T[Key] };

/** The file that test/reference/webview_fixture.py writes. */
export interface FixtureFile extends PackedRecord<Omit<Explanation, 'model'>> {
  readonly model: ModelInfo;
  readonly tokens: readonly Token[];
  readonly headMetrics: Packed;
  readonly thumbnailSize: number;
  readonly thumbnails: Packed;
  readonly attention: Packed;
  readonly detailed: readonly {
    readonly layer: number;
    readonly head: number;
    readonly q: Packed;
    readonly k: Packed;
    readonly v: Packed;
  }[];
  readonly hidden: Packed;
  /** [T] of each layer. */
  readonly lens: readonly PackedRecord<Omit<LensWindow, 'layers' | 'position' | 'positions'>>[];
  readonly projections: readonly PackedRecord<Projection>[];
}

/** An explanation and the answers to questions about it. */
export interface Fixture {
  readonly shown: ShownExplanation;
  /** Answers a question of the panel as the extension would. Throws where the fixture does not have the numbers. */
  readonly answer: (query: Query) => QueryResult<PageQueryName>;
}

/** Unpacks a fixture. `embedding` is the bundled model's embedding table of F16 values, [vocab, dim]. */
export function createFixture(file: FixtureFile, embedding: Uint16Array): Fixture {
  const { logprob, rank, entropy, topIds, topProbs, headMetrics, thumbnailSize, thumbnails, ...rest } = file;
  const { attention, detailed, hidden, lens, projections, ...plain } = rest;
  const explanation: Explanation = {
    ...plain,
    run: runOf(
      file.tokens.map(({ id }) => id),
      UNCHANGED,
    ),
    logprob: floats(logprob),
    rank: integers(rank),
    entropy: floats(entropy),
    topIds: integers(topIds),
    topProbs: floats(topProbs),
  };
  const tokens = file.tokens.length;
  const { heads, headDim, dim, vocab } = file.model;
  const triangle = new Uint16Array(bytes(attention).buffer);
  const states = floats(hidden);

  const weights = (layer: number, head: number): Float32Array => {
    const map = new Float32Array(tokens * tokens);
    const size = (tokens * (tokens + 1)) / 2;
    let source = (layer * heads + head) * size;
    for (let query = 0; query < tokens; query++)
      for (let key = 0; key <= query; key++) map[query * tokens + key] = at(triangle, source++) / 65535;
    return map;
  };
  const cell = (layer: number, head: number, query: number, key: number): AttentionCell => {
    const found = detailed.find((one) => one.layer === layer && one.head === head);
    if (found === undefined) throw new Error(`The fixture has no queries and keys of layer ${layer}, head ${head}.`);
    const rows = (packed: Packed, index: number): Float32Array => floats(packed).slice(index * headDim, (index + 1) * headDim);
    const q = rows(found.q, query);
    const k = rows(found.k, key);
    const scale = 1 / Math.sqrt(headDim);
    const rowScores = Float32Array.from({ length: query + 1 }, (_, index) => dot(q, rows(found.k, index)) * scale);
    const rowMax = Math.max(...rowScores);
    const rowSum = rowScores.reduce((sum, score) => sum + Math.exp(score - rowMax), 0);
    const product = dot(q, k);
    const masked = key > query;
    return {
      layer,
      head,
      query,
      key,
      q,
      k,
      v: rows(found.v, key),
      dot: product,
      scale,
      scaled: product * scale,
      masked,
      rowScores,
      rowMax,
      rowSum,
      weight: masked ? 0 : Math.exp(product * scale - rowMax) / rowSum,
    };
  };
  const distribution = (position: number): Distribution => {
    const state = states.subarray(position * dim, (position + 1) * dim);
    const logits = Float32Array.from({ length: vocab }, (_, id) => {
      let sum = 0;
      for (let i = 0; i < dim; i++) sum += half(at(embedding, id * dim + i)) * at(state, i);
      return sum;
    });
    const known = new Set(Object.keys(file.pieces).map(Number));
    const ids = [...topIndices(softmax(logits), file.topK)].filter((id) => known.has(id));
    return { position, logits, topIds: Int32Array.from(ids), pieces: file.pieces };
  };

  return {
    shown: {
      serial: 1,
      source: { uri: 'file:///sample.md', start: 0, end: file.text.length, label: 'sample.md' },
      explanation,
      notices: [],
    },
    answer: (query) => {
      switch (query.name) {
        case 'heads':
          return {
            layer: query.args.layer,
            metrics: floats(headMetrics).slice(query.args.layer * heads * HEAD_METRICS.length),
            thumbnailSize,
            thumbnails: bytes(thumbnails).slice(query.args.layer * heads * thumbnailSize ** 2),
          } satisfies HeadSummaries;
        case 'attention':
          return {
            layer: query.args.layer,
            head: query.args.head,
            weights: weights(query.args.layer, query.args.head),
          } satisfies AttentionMap;
        case 'attentionPicture':
          return {
            layer: query.args.layer,
            head: query.args.head,
            ...headShades(weights(query.args.layer, query.args.head), tokens),
          } satisfies AttentionPicture;
        case 'attentionRow':
          return {
            layer: query.args.layer,
            head: query.args.head,
            query: query.args.query,
            weights: weights(query.args.layer, query.args.head).slice(
              query.args.query * tokens,
              query.args.query * tokens + query.args.query + 1,
            ),
          } satisfies AttentionRow;
        case 'attentionCell':
          return cell(query.args.layer, query.args.head, query.args.query, query.args.key);
        case 'projection': {
          const found = projections.find((one) => one.layer === query.args.layer && one.leftOut === Number(query.args.skipFirst));
          if (found === undefined) throw new Error(`The fixture has no projection of layer ${query.args.layer}.`);
          return { ...found, points: floats(found.points), explained: floats(found.explained), norms: floats(found.norms) };
        }
        case 'lens': {
          const { layer, layers, position, positions } = query.args;
          const found = lens.slice(layer, layer + layers);
          if (found.length < layers || position + positions > tokens) throw new Error('The fixture has no such window of the lens.');
          const window = (all: Float32Array | Int32Array): number[] => [...all.subarray(position, position + positions)];
          return {
            ...query.args,
            topIds: Int32Array.from(found.flatMap(({ topIds: one }) => window(integers(one)))),
            topProbs: Float32Array.from(found.flatMap(({ topProbs: one }) => window(floats(one)))),
            nextRank: Int32Array.from(found.flatMap(({ nextRank }) => window(integers(nextRank)))),
            nextProb: Float32Array.from(found.flatMap(({ nextProb }) => window(floats(nextProb)))),
            entropy: Float32Array.from(found.flatMap(({ entropy: one }) => window(floats(one)))),
            kl: Float32Array.from(found.flatMap(({ kl }) => window(floats(kl)))),
            pieces: Object.assign({}, ...found.map(({ pieces }) => pieces)) as LensWindow['pieces'],
          } satisfies LensWindow;
        }
        case 'distribution':
          return distribution(query.args.position);
        default:
          throw new Error(`The fixture's model has no ${query.name}.`);
      }
    },
  };
}

/** First and end byte of the embedding table in a safetensors file. */
export function embeddingRange(file: Uint8Array): readonly [number, number] {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Record<
    string,
    { readonly data_offsets: readonly [number, number] }
  >;
  const entry = header['model.embed_tokens.weight'];
  if (entry === undefined) throw new Error('The model has no embedding table.');
  return [8 + length + entry.data_offsets[0], 8 + length + entry.data_offsets[1]];
}

function bytes(packed: Packed): Uint8Array {
  return Uint8Array.from(atob(packed.base64), (character) => character.charCodeAt(0));
}

function floats(packed: Packed): Float32Array {
  return new Float32Array(bytes(packed).buffer as ArrayBuffer);
}

function integers(packed: Packed): Int32Array {
  return new Int32Array(bytes(packed).buffer as ArrayBuffer);
}

/** The value of IEEE 754 half-precision bits. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * 2 ** -24 * fraction;
  return exponent === 31 ? (fraction === 0 ? sign * Infinity : Number.NaN) : sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
