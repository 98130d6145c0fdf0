import { runOf, UNCHANGED } from '../../src/core/run.ts';
import { at } from '../../src/core/tensor.ts';
import { alignTokens } from '../../src/core/alignment.ts';
import type {
  AttentionCell,
  AttentionMap,
  AttentionPicture,
  AttentionRow,
  Distribution,
  Explanation,
  Token,
} from '../../src/core/trace.ts';
import type { Similarity } from '../../src/core/vectors.ts';
import type { ShownComparison } from '../../src/protocol/messages.ts';
import type { Query } from '../../src/protocol/queries.ts';
import type { Fixture } from './fixture.ts';

const HEAD_DIM = 32;

/**
 * A fixture whose text is that of another again and again, up to `tokens` tokens. Numbers of each token are those of its origin; attention
 * is computed here, in rows that sum to 1: some of it on the first token, on the token before, and on a key of each query's own.
 */
export function largeFixture({ shown, answer }: Fixture, tokens: number): Fixture {
  const { explanation: small } = shown;
  const period = small.tokens.length;
  const origin = (index: number): number => index % period;
  let text = '';
  const made: Token[] = [];
  for (let index = 0; index < tokens; index++) {
    const of = small.tokens[origin(index)];
    if (of === undefined) continue;
    if (of.special && index >= period) {
      made.push({ ...of, index, start: text.length, end: text.length });
      continue;
    }
    const start = text.length;
    text += of.text;
    made.push({ ...of, index, start, end: text.length });
  }
  const floats = (values: Float32Array): Float32Array => Float32Array.from({ length: tokens }, (_, index) => at(values, origin(index)));
  const candidates = small.topK;
  const explanation: Explanation = {
    ...small,
    text,
    tokens: made,
    run: runOf(
      made.map(({ id }) => id),
      UNCHANGED,
    ),
    model: { ...small.model, contextLength: Math.max(small.model.contextLength, tokens) },
    logprob: floats(small.logprob),
    entropy: floats(small.entropy),
    rank: Int32Array.from({ length: tokens }, (_, index) => at(small.rank, origin(index))),
    topIds: Int32Array.from({ length: tokens * candidates }, (_, place) => at(small.topIds, place % (period * candidates))),
    topProbs: Float32Array.from({ length: tokens * candidates }, (_, place) => at(small.topProbs, place % (period * candidates))),
  };
  const picture = (layer: number, head: number): AttentionPicture => {
    const shades = new Uint8Array((tokens * (tokens + 1)) / 2);
    let [next, largest, largestRest] = [0, 0, 0];
    for (let query = 0; query < tokens; query++) {
      const row = largeRow(layer, head, query);
      for (const [key, weight] of row.entries()) {
        shades[next++] = Math.round(255 * Math.sqrt(Math.sqrt(weight)));
        largest = Math.max(largest, weight);
        if (key > 0) largestRest = Math.max(largestRest, weight);
      }
    }
    return { layer, head, shades, largest, largestRest };
  };
  const pictures = new Map<string, AttentionPicture>();
  return {
    shown: { ...shown, explanation, source: { ...shown.source, end: text.length } },
    answer: (query) => {
      switch (query.name) {
        case 'attentionPicture': {
          const { layer, head } = query.args;
          const found = pictures.get(`${layer} ${head}`) ?? picture(layer, head);
          pictures.set(`${layer} ${head}`, found);
          return found;
        }
        case 'attentionRow': {
          const { layer, head, query: row } = query.args;
          return { layer, head, query: row, weights: largeRow(layer, head, row) } satisfies AttentionRow;
        }
        case 'attention':
          return largeMap(query.args.layer, query.args.head, tokens);
        case 'similarity':
          return largeSimilarity(query.args.layer, tokens);
        case 'attentionCell':
          return largeCell(query.args);
        case 'distribution':
          return {
            ...(answer({ name: 'distribution', args: { position: origin(query.args.position) } }) as Distribution),
            position: query.args.position,
          };
        default:
          return answer(query);
      }
    },
  };
}

/** A comparison of a large text with itself without its first word, and so with other rows after it. */
export function largeComparison({ explanation, source, serial }: Fixture['shown']): ShownComparison {
  const { tokens: all, logprob, entropy, rank, topIds, topProbs, topK } = explanation;
  const kept = all.filter(({ index }) => index !== 3);
  const pick = <T extends Float32Array | Int32Array>(from: T): T => from.filter((_, index) => index !== 3) as T;
  const second: Explanation = {
    ...explanation,
    tokens: kept.map((token, index) => ({ ...token, index })),
    logprob: pick(logprob).map((value, index) => value * (1 + 0.5 * Math.sin(index))),
    entropy: pick(entropy),
    rank: pick(rank),
    topIds: topIds.slice(topK),
    topProbs: topProbs.slice(topK),
  };
  const spans = alignTokens(explanation.tokens, second.tokens, true);
  return {
    serial: 1,
    with: serial,
    kind: 'text',
    source: { ...source, label: 'second.md' },
    model: null,
    explanation: second,
    notices: [],
    sameVocabulary: true,
    divergence: { spans: Float32Array.from(spans, (_, index) => (index % 17) / 10), final: 0.5 },
  };
}

/** What is asked of the second side of a large text: attention, that of another head over a token less. */
export function largeSecond({ shown }: Fixture, { name, args }: Query): AttentionMap {
  if (name !== 'attention') throw new Error(`The fixture has no ${name} of the second side.`);
  return { ...largeMap(args.layer, args.head + 1, shown.explanation.tokens.length - 1), ...args };
}

/** [T, T] weights of `largeRow`. */
function largeMap(layer: number, head: number, tokens: number): AttentionMap {
  const weights = new Float32Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) weights.set(largeRow(layer, head, query), query * tokens);
  return { layer, head, weights };
}

/** Cosines of places on a circle that is gone round three times, so that near and far tokens are alike; two of them are opposite. */
function largeSimilarity(layer: number, tokens: number): Similarity {
  const cosines = new Float32Array(tokens * tokens);
  for (let row = 0; row < tokens; row++)
    for (let column = 0; column < tokens; column++)
      cosines[row * tokens + column] = row === column ? 1 : 0.4 * Math.cos((6 * Math.PI * (row - column)) / tokens);
  const [one, other] = OPPOSITE;
  if (other < tokens) cosines[one * tokens + other] = cosines[other * tokens + one] = -0.9;
  return { layer, cosines, typical: { mean: 0.1, deviation: 0.2 } };
}

/** Tokens with the cosine farthest from all others. */
export const OPPOSITE = [201, 902] as const;

/** Weights of one query: a share for the first key, the key before and one of its own, the rest spread evenly. */
export function largeRow(layer: number, head: number, query: number): Float32Array {
  const row = new Float32Array(query + 1).fill(0.2 / (query + 1));
  const own = (Math.imul(query + 1, 2654435761 + 2 * (8 * layer + head)) >>> 0) % (query + 1);
  const add = (key: number, share: number): void => {
    row[key] = at(row, key) + share;
  };
  add(0, 0.4);
  add(Math.max(0, query - 1), 0.25);
  add(own, 0.15);
  return row;
}

function largeCell({ layer, head, query, key }: { layer: number; head: number; query: number; key: number }): AttentionCell {
  const scores = Float32Array.from(largeRow(layer, head, query), Math.log);
  const rowMax = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const rowSum = scores.reduce((sum, score) => sum + Math.exp(score - rowMax), 0);
  const scale = 1 / Math.sqrt(HEAD_DIM);
  const score = at(scores, key);
  const q = new Float32Array(HEAD_DIM).fill(1);
  const k = new Float32Array(HEAD_DIM).fill(score / (HEAD_DIM * scale));
  return {
    layer,
    head,
    query,
    key,
    q,
    k,
    v: new Float32Array(HEAD_DIM).fill(0.5),
    dot: score / scale,
    scale,
    scaled: score,
    masked: key > query,
    rowScores: scores,
    rowMax,
    rowSum,
    weight: key > query ? 0 : Math.exp(score - rowMax) / rowSum,
  };
}
