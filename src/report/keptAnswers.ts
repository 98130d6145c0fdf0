import { headShades } from '../core/headMetrics.ts';
import { isRecord } from '../core/records.ts';
import { at } from '../core/tensor.ts';
import type { AttentionMap } from '../core/trace.ts';
import { parseQuery, questionKey, type Query } from '../protocol/queries.ts';
import type { KeptAnswer } from './report.ts';

/** Questions about a window of a grid of layers by positions, whose answer holds those of all windows inside it. */
const WINDOWS = ['lens', 'lensSteps', 'lensAdded', 'tokenFlow'] as const;
type WindowQuery = Extract<Query, { readonly name: (typeof WINDOWS)[number] }>;

/** What a report knows: answers as they were kept, and those that are parts of them. */
export interface KeptAnswers {
  /** The answer or the sentence that is kept in its place; undefined: neither is. */
  readonly find: (query: Query, side?: 'second') => { readonly result: unknown } | { readonly failure: string } | undefined;
}

/** Finds kept answers. Nothing is computed but a picture of weights that are kept. */
export function keptAnswers(answers: readonly KeptAnswer[]): KeptAnswers {
  const byKey = new Map(answers.map((answer) => [keyOf(answer.query, answer.side), answer]));
  const windows = answers.filter((answer) => isWindow(answer.query));
  const mapOf = (layer: number, head: number, side: 'second' | undefined): AttentionMap | undefined => {
    const map = byKey.get(keyOf({ name: 'attention', args: { layer, head } }, side));
    return map !== undefined && 'result' in map ? (map.result as AttentionMap) : undefined;
  };
  const derived = (query: Query, side: 'second' | undefined): unknown => {
    if (query.name === 'attentionRow') {
      const map = mapOf(query.args.layer, query.args.head, side);
      return map && rowOf(map, query.args.query);
    }
    if (query.name === 'attentionPicture') {
      const map = mapOf(query.args.layer, query.args.head, side);
      return map && pictureOf(map);
    }
    if (!isWindow(query)) return undefined;
    for (const { query: kept, side: of, ...answer } of windows) {
      if (kept.name !== query.name || of !== side || !('result' in answer)) continue;
      const found = windowWithin(answer.result, kept, query);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    find: (query, side) => {
      const kept = byKey.get(keyOf(query, side));
      if (kept !== undefined) return 'result' in kept ? { result: kept.result } : { failure: kept.failure };
      const result = derived(query, side);
      if (result !== undefined) return { result };
      const failed = windows.find((one) => one.query.name === query.name && one.side === side && 'failure' in one);
      return failed !== undefined && 'failure' in failed ? { failure: failed.failure } : undefined;
    },
  };
}

/** The key of a question, whatever the order in which its arguments were named. */
function keyOf(query: Query, side: 'second' | undefined): string {
  return questionKey(parseQuery(query) ?? query, side);
}

function isWindow(query: Query): query is WindowQuery {
  return WINDOWS.some((name) => name === query.name);
}

function rowOf({ layer, head, weights, sink }: AttentionMap, query: number): unknown {
  const tokens = Math.sqrt(weights.length);
  if (query >= tokens) return undefined;
  const own = weights.slice(query * tokens, query * tokens + query + 1);
  return { layer, head, query, weights: own, ...(sink === undefined ? {} : { sink: at(sink, query) }) };
}

function pictureOf({ layer, head, weights, sink }: AttentionMap): unknown {
  return { layer, head, ...headShades(weights, Math.sqrt(weights.length)), ...(sink === undefined ? {} : { sink }) };
}

/** The part of a window's arrays [rows, positions] that another window asks for; undefined where it reaches outside. */
function windowWithin(result: unknown, kept: WindowQuery, asked: WindowQuery): unknown {
  if (!isRecord(result)) return undefined;
  const column = asked.args.position - kept.args.position;
  const columns = asked.args.positions;
  if (column < 0 || column + columns > kept.args.positions) return undefined;
  const [row, rows] =
    'layer' in asked.args && 'layer' in kept.args ? [asked.args.layer - kept.args.layer, asked.args.layers] : [0, undefined];
  if (row < 0 || (rows !== undefined && 'layers' in kept.args && row + rows > kept.args.layers)) return undefined;
  return Object.fromEntries(
    Object.entries(result).map(([name, value]) => {
      if (Object.hasOwn(asked.args, name)) return [name, (asked.args as Readonly<Record<string, unknown>>)[name]];
      if (!(value instanceof Float32Array || value instanceof Int32Array)) return [name, value];
      const all = value.length / kept.args.positions;
      const part = value.slice(0, (rows ?? all) * columns);
      for (let one = 0; one < (rows ?? all); one++) {
        const from = (row + one) * kept.args.positions + column;
        part.set(value.subarray(from, from + columns), one * columns);
      }
      return [name, part];
    }),
  );
}
