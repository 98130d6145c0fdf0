import { at, row } from '../../core/tensor.ts';
import { recurrenceIn } from '../families/mixers.ts';
import { recurredName, stateNames } from '../graph/decoder.ts';
import { carriedWidth, type DecoderSpec } from '../families/spec.ts';
import { layerInputs, tableShapes } from '../graph/inputs.ts';
import { interventionTables, queryRow } from '../graph/interventionInputs.ts';
import { alibiBias, lastMask, queryScales, rotaryTables, type RotaryTables } from '../graph/positionsGraph.ts';
import { carriedIn, type LayerState, type Trace } from '../run/forwardTrace.ts';
import { pieceFeeds } from '../run/layerBackwards.ts';
import { floats, itemOf } from '../run/outputs.ts';
import { perLayerFeed } from '../run/perLayer.ts';
import type { Feed } from '../run/runtime.ts';
import type { Sessions } from '../run/sessions.ts';
import { stateFeeds, stateOf } from '../run/states.ts';

/** All values inside one layer for one token. */
export interface LayerRow {
  /**
   * A value of the layer by its name in the graph: the token's row, or its row in each head. Throws for a name that the layer does not
   * have.
   */
  value(name: string): Float32Array;
  /** Cosines and sines of the token's position, [width] each; null where the layer does not rotate queries and keys. */
  readonly turn: RotaryTables | null;
  /** Factor of the token's queries by its position; 1 where the layer has none. */
  readonly queryScale: number;
}

/**
 * Runs layer `layer` for token `token` over the keys and values of the trace, with what its recipe does there. `isWanted` selects
 * the named values to return, such as those of one expert; `recurred` [D]: of a layer that keeps a state what it puts out behind
 * it, where that is known.
 */
export async function runLayerRow(
  spec: DecoderSpec,
  sessions: Sessions,
  trace: Trace,
  layer: number,
  token: number,
  isWanted: (name: string) => boolean,
  recurred?: Float32Array,
): Promise<LayerRow> {
  const { session, outputs } = await sessions.row(layer);
  const { feeds: own, turn } = rowFeeds(spec, trace, layer, token);
  const behind =
    recurred === undefined
      ? await recurredFeed(spec, sessions, trace, layer, token)
      : { recurred: { dims: [1, spec.dim], data: recurred } };
  const feeds = { ...own, ...behind };
  const names = [...outputs].filter(([name]) => isWanted(name));
  const found = await session.run(feeds, [...new Set(names.map(([, output]) => output))]);
  return {
    turn,
    queryScale: scaleAt(spec, layer, token),
    value: (name) => {
      const output = outputs.get(name);
      return output === undefined ? noValue(name, layer) : floats(found[output]);
    },
  };
}

/** All values inside what keeps a state in a layer, for one token. */
export interface RecurrenceRow {
  /** The token's row of a value by its name in the graph. Throws for a name that the layer does not have. */
  value(name: string): Float32Array;
  /** What the convolution reads of the tokens before, the oldest first, [size - 1, channels]; 0 before the text. */
  readonly window: Float32Array;
  /** The state before the token and behind it, [heads, keys, values]; null: there is none but the window. */
  readonly before: Float32Array | null;
  readonly behind: Float32Array | null;
}

/** Runs what keeps a state in a layer for one token: the tokens before are run through the layer for what it keeps of them. */
export async function runRecurrenceRow(
  spec: DecoderSpec,
  sessions: Sessions,
  trace: Trace,
  layer: number,
  token: number,
): Promise<RecurrenceRow> {
  const mixer = recurrenceIn(itemOf(spec.blocks, layer));
  if (mixer === null) throw new Error(`Layer ${layer} keeps no state.`);
  const names = stateNames(mixer);
  const kept = async (): Promise<LayerState> => {
    const feeds = pieceFeeds(spec, trace, layer, { past: 0, room: 0, tokens: token, length: trace.run.ids.length });
    const wanted = names.map((name) => `${name}.${layer}`);
    return stateOf(mixer, layer, await sessions.withLayer(layer, (session) => session.run(feeds, wanted)));
  };
  const given = stateFeeds(mixer, layer, token === 0 ? null : await kept());
  const resid = { dims: [1, spec.dim], data: row(itemOf(trace.resid, layer), token).slice() };
  return sessions.withRecurrenceRow(layer, async (session, outputs) => {
    const found = await session.run({ resid, ...given }, [
      ...new Set(['recurred', ...(names.includes('state') ? ['state'] : []), ...outputs.values()]),
    ]);
    return {
      window: numbersOf(given[`pastWindow.${layer}`]),
      before: names.includes('state') ? numbersOf(given[`pastState.${layer}`]) : null,
      behind: names.includes('state') ? floats(found['state']) : null,
      value: (name) => floats(found[name === 'recurred' ? name : (outputs.get(name) ?? noValue(name, layer))]),
    };
  });
}

function numbersOf(feed: Feed | undefined): Float32Array {
  if (!(feed?.data instanceof Float32Array)) throw new Error('What a layer keeps is float32 numbers.');
  return feed.data;
}

/** [1, D], what a layer that keeps a state puts out behind it for a token: the text up to there is run through the layer again. */
export async function recurredFeed(
  spec: DecoderSpec,
  sessions: Sessions,
  trace: Trace,
  layer: number,
  token: number,
): Promise<{ readonly recurred?: Feed & { readonly data: Float32Array } }> {
  const name = recurredName(itemOf(spec.blocks, layer));
  if (name === null) return {};
  const feeds = pieceFeeds(spec, trace, layer, { past: 0, room: 0, tokens: token + 1, length: trace.run.ids.length });
  const found = await sessions.withLayer(layer, async (session) => floats((await session.run(feeds, [name]))[name]));
  return { recurred: { dims: [1, spec.dim], data: found.slice(token * spec.dim) } };
}

/** What `rowGraph` reads for token `token` but for `recurred`, and the cosines and sines among it. */
export function rowFeeds(
  spec: DecoderSpec,
  trace: Trace,
  layer: number,
  token: number,
): { readonly feeds: Readonly<Record<string, Feed>>; readonly turn: RotaryTables | null } {
  const { attention } = itemOf(spec.blocks, layer);
  const attends = attention.kind === 'attention';
  const width = carriedWidth(spec);
  const length = trace.run.ids.length;
  const rope = attends ? attention.rope : null;
  const turn = rope === null ? null : rowOf(rotaryTables(rope, length), rope.width, token);
  const feeds: Record<string, Feed> = {
    resid: { dims: [1, width], data: itemOf(carriedIn(trace), layer).data.slice(token * width, (token + 1) * width) },
    ...(attends ? { k: itemOf(trace.k, layer), v: itemOf(trace.v, layer) } : {}),
    ...perLayerFeed(spec, trace.perLayer, layer, token, token + 1),
    ...interventionTables(spec, trace.run.recipe, layer, layer + 1, queryRow(token, length)),
  };
  for (const [name] of tableShapes(spec, layerInputs(spec, layer, layer + 1))) feeds[name] = table(name);
  return { feeds, turn };

  function table(name: string): Feed {
    if (name === 'bias' && spec.positions.kind === 'alibi')
      return { dims: [spec.heads, 1, length], data: alibiBias(spec.positions.alibi, length) };
    if (name === 'queryScale') return { dims: [1, 1], data: Float32Array.of(scaleAt(spec, layer, token)) };
    if (name.startsWith('cos')) return { dims: [1, turn?.cos.length ?? 0], data: turn?.cos ?? noValue(name, layer) };
    if (name.startsWith('sin')) return { dims: [1, turn?.sin.length ?? 0], data: turn?.sin ?? noValue(name, layer) };
    return { dims: [1, length], data: lastMask(token + 1, length, attends ? attention.window : null) };
  }
}

/** Factor of a token's queries by its position. */
function scaleAt(spec: DecoderSpec, layer: number, token: number): number {
  const { attention } = itemOf(spec.blocks, layer);
  const queryScale = attention.kind === 'attention' ? attention.queryScale : null;
  return queryScale === null ? 1 : at(queryScales(queryScale, token, token + 1), 0);
}

function rowOf({ cos, sin }: RotaryTables, width: number, row: number): RotaryTables {
  return { cos: cos.slice(row * width, (row + 1) * width), sin: sin.slice(row * width, (row + 1) * width) };
}

function noValue(name: string, layer: number): never {
  throw new Error(`Layer ${layer} has no ${name}.`);
}

/** Numbers of head `head` in a vector of all heads. */
export function headOf(flat: Float32Array, head: number, width: number): Float32Array {
  if ((head + 1) * width > flat.length) throw new RangeError(`Head ${head} is outside ${flat.length} numbers.`);
  return flat.slice(head * width, (head + 1) * width);
}

/** Sum of exp(score - max) and the max, the sink's score included. */
export function softmaxTerms(scores: Float32Array, sink: number | null): { readonly max: number; readonly sum: number } {
  const max = scores.reduce((largest, score) => Math.max(largest, score), sink ?? -Infinity);
  let sum = sink === null ? 0 : Math.exp(sink - max);
  for (let i = 0; i < scores.length; i++) sum += Math.exp((scores[i] ?? Number.NaN) - max);
  return { max, sum };
}
