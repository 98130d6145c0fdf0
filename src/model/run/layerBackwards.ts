import { at, tensor, type Tensor } from '../../core/tensor.ts';
import { recurrenceIn } from '../families/mixers.ts';
import { carriedWidth, keySource, ofLayer, type Block, type DecoderSpec } from '../families/spec.ts';
import { layerInputs, positionTables, tableShapes } from '../graph/inputs.ts';
import { interventionTables, spanRows } from '../graph/interventionInputs.ts';
import { layerOutputsOf } from '../graph/decoder.ts';
import type { Span } from '../graph/positionsGraph.ts';
import { carriedIn, type Trace } from './forwardTrace.ts';
import { tokensOf } from './headAttention.ts';
import { floats, itemOf } from './outputs.ts';
import { perLayerFeed } from './perLayer.ts';
import { workOf, type Piece, type SessionWork } from './pieces.ts';
import type { Feed } from './runtime.ts';
import type { Sessions } from './sessions.ts';
import { stateFeeds } from './states.ts';

/** Values within a layer whose gradient can be had: of `weights` [heads, T, T], of the others one row a token. */
const SHAPED = /^(?:weights|ln[12]Out|concatenatedHeads|attentionOutput|mlpScaled|(?:(?:expert\.\d+|shared)\.)?(?:hidden|mlpOutput))$/;

/** Forwards again, and backwards to what was computed from and by what: what has weights costs twice, scores are read more often. */
const WEIGHT_FACTOR = 2;
const SCORE_FACTOR = 4;

/** The work of a layer and its gradients. */
export function gradientWork(spec: DecoderSpec, layer: number): SessionWork {
  const work = workOf(spec, layer, layer + 1);
  return { ...work, parameters: WEIGHT_FACTOR * work.parameters, perKey: SCORE_FACTOR * work.perKey };
}

/**
 * What is asked of a layer: `gradient` [T, D], at its output, or of several streams all, here and below; `isWanted`: the names
 * within it; `head`: of `weights` those of this head alone are, [T, T].
 */
interface Asked {
  readonly layer: number;
  readonly gradient: Tensor;
  readonly pieces: readonly Piece[];
  readonly isWanted: (name: string) => boolean;
  readonly head?: number;
  /** Gradients of the keys and values that the layer makes or reads, by way of later layers that read them too; absent: there are none. */
  readonly later?: KeyValueGradient;
}

/** Gradients of a layer's keys [kvHeads, T, headDim] and values [kvHeads, T, valueDim]. */
export interface KeyValueGradient {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** [T, D], at the layer's input, and of the values wanted within the layer. */
interface LayerGradient {
  readonly resid: Tensor;
  readonly inside: ReadonlyMap<string, Tensor>;
  /** Of the keys and values, by way of this layer and later ones. */
  readonly keyValue: KeyValueGradient;
}

/**
 * The gradient through one layer of a whole text's trace. The pieces are run from the last to the first: a piece adds to the gradients of
 * the keys and values before it, and when its own turn comes, all that read its keys and values have. `beforePiece` is awaited.
 */
export async function layerGradient(
  { spec, sessions }: { readonly spec: DecoderSpec; readonly sessions: Sessions },
  trace: Trace,
  { layer, gradient, pieces, isWanted, head, later }: Asked,
  beforePiece: () => unknown,
): Promise<LayerGradient> {
  const width = carriedWidth(spec);
  const { length } = trace.run.ids;
  const block = itemOf(spec.blocks, layer);
  const hasKeys = block.attention.kind === 'attention';
  const like = ({ dims, data }: Tensor): Tensor => tensor(dims, new Float32Array(data.length));
  const [k, v] = [later?.k ?? like(itemOf(trace.k, layer)), later?.v ?? like(itemOf(trace.v, layer))];
  const isShared = keySource(spec, layer) !== layer;
  const resid = tensor([length, width], new Float32Array(length * width));
  const inside = new Map<string, Tensor>();
  for (const { from, to } of wholeIfKept(block, pieces).toReversed()) {
    await beforePiece();
    const own = {
      gradient: rowsOf(gradient, from, to),
      ...(isShared || !hasKeys ? {} : { 'gradient.k': tokensOf(k, from, to), 'gradient.v': tokensOf(v, from, to) }),
    };
    const feeds = { ...pieceFeeds(spec, trace, layer, { past: from, room: from, tokens: to - from, length }), ...own };
    const [found, wanted] = await sessions.withGradient(layer, async (session, outputs) => {
      const names = [...outputs].filter(([name]) => SHAPED.test(name) && isWanted(name));
      const past = from === 0 ? [] : ['gradient.pastK', 'gradient.pastV'];
      const owned = isShared ? ['gradient.ownK', 'gradient.ownV'] : [];
      return [await session.run(feeds, ['gradient.resid', ...past, ...owned, ...names.map(([, output]) => output)]), names] as const;
    });
    resid.data.set(floats(found['gradient.resid']), from * width);
    if (from > 0) {
      addTo(k, floats(found['gradient.pastK']), 0, from);
      addTo(v, floats(found['gradient.pastV']), 0, from);
    }
    if (isShared) {
      addTo(k, floats(found['gradient.ownK']), from, to);
      addTo(v, floats(found['gradient.ownV']), from, to);
    }
    for (const [name, output] of wanted) {
      const all = floats(found[output]);
      const data = name === 'weights' && head !== undefined ? all.subarray(head * (to - from) * to, (head + 1) * (to - from) * to) : all;
      const whole = inside.get(name) ?? emptyFor(name, data.length, { from, to, length });
      inside.set(name, whole);
      place(whole, data, { from, to });
    }
  }
  const weights = inside.get('weights');
  if (head !== undefined && weights !== undefined) inside.set('weights', tensor([length, length], weights.data));
  return { resid, inside, keyValue: { k, v } };
}

/** What the parts of a layer put out, behind what a recipe does to them. */
export interface LayerOutputs {
  /** [T, heads * valueDim], before the projection; [T, 0] of a layer without attention. */
  readonly heads: Tensor;
  /** [T, D], before a norm behind it; zeros of a layer without one. */
  readonly mlp: Tensor;
}

/** What a layer of a whole text's trace puts out, computed anew piece by piece. */
export async function layerOutputs(
  { spec, sessions }: { readonly spec: DecoderSpec; readonly sessions: Sessions },
  trace: Trace,
  layer: number,
  pieces: readonly Piece[],
): Promise<LayerOutputs> {
  const { dim, heads, valueDim } = ofLayer(spec, layer);
  const { length } = trace.run.ids;
  const empty = (width: number): Tensor => tensor([length, width], new Float32Array(length * width));
  const block = itemOf(spec.blocks, layer);
  const names = layerOutputsOf(block);
  const [joined, mlp] = [empty(names.includes('concatenatedHeads') ? heads * valueDim : 0), empty(dim)];
  for (const { from, to } of wholeIfKept(block, pieces)) {
    const feeds = pieceFeeds(spec, trace, layer, { past: from, room: from, tokens: to - from, length });
    const found = await sessions.withLayer(layer, (session) => session.run(feeds, names));
    if (names.includes('concatenatedHeads')) place(joined, floats(found.concatenatedHeads), { from, to });
    if (names.includes('mlpScaled')) place(mlp, floats(found.mlpScaled), { from, to });
  }
  return { heads: joined, mlp };
}

/** The pieces in which a layer is computed again: one that keeps a state all at once, as what it keeps is not known between. */
export function wholeIfKept(block: Block, pieces: readonly Piece[]): readonly Piece[] {
  return recurrenceIn(block) === null ? pieces : [{ from: 0, to: pieces.at(-1)?.to ?? 0 }];
}

/** The inputs of the trunk graph of one layer for tokens of a trace; of a layer without attention, all of them. */
export function pieceFeeds(spec: DecoderSpec, trace: Trace, layer: number, span: Span): Readonly<Record<string, Feed>> {
  const tables = positionTables(spec, span);
  const named = tableShapes(spec, layerInputs(spec, layer, layer + 1)).map(([name]) => [name, tables.get(name) ?? missing(name)] as const);
  return {
    resid: rowsOf(itemOf(carriedIn(trace), layer), span.past, span.past + span.tokens),
    ...pastFeeds(itemOf(spec.blocks, layer), trace, layer, span.past),
    ...(keySource(spec, layer) === layer
      ? {}
      : {
          [`ownK.${layer}`]: tokensOf(itemOf(trace.k, layer), span.past, span.past + span.tokens),
          [`ownV.${layer}`]: tokensOf(itemOf(trace.v, layer), span.past, span.past + span.tokens),
        }),
    ...perLayerFeed(spec, trace.perLayer, layer, span.past, span.past + span.tokens),
    ...interventionTables(spec, trace.run.recipe, layer, layer + 1, spanRows(span)),
    ...Object.fromEntries(named),
  };
}

function pastFeeds(block: Block, trace: Trace, layer: number, past: number): Readonly<Record<string, Feed>> {
  const mixer = recurrenceIn(block);
  if (mixer !== null && past > 0) throw new Error('What the layer keeps of the tokens before is not known.');
  return {
    ...(mixer === null ? {} : stateFeeds(mixer, layer, null)),
    ...(block.attention.kind === 'attention'
      ? { [`pastK.${layer}`]: tokensOf(itemOf(trace.k, layer), 0, past), [`pastV.${layer}`]: tokensOf(itemOf(trace.v, layer), 0, past) }
      : {}),
  };
}

/** A view of some rows of [T, D]. */
function rowsOf({ dims, data }: Tensor, from: number, to: number): Feed {
  const dim = at(dims, 1);
  return { dims: [to - from, dim], data: data.subarray(from * dim, to * dim) };
}

/** Adds [n, to - from, dim] to tokens `from` to `to` - 1 of [n, T, dim]. */
function addTo({ dims, data }: Tensor, add: Float32Array, from: number, to: number): void {
  const [planes, length, dim] = [at(dims, 0), at(dims, 1), at(dims, 2)];
  const size = (to - from) * dim;
  for (let plane = 0; plane < planes; plane++)
    for (let i = 0; i < size; i++) {
      const there = (plane * length + from) * dim + i;
      data[there] = (data[there] ?? Number.NaN) + (add[plane * size + i] ?? Number.NaN);
    }
}

/** Of `weights` [heads, T, T], of others [T, n], where tokens `from` to `to` - 1 of T have `size` numbers. */
function emptyFor(name: string, size: number, { from, to, length }: Piece & { readonly length: number }): Tensor {
  const dims = name === 'weights' ? [size / (to - from) / to, length, length] : [length, size / (to - from)];
  return tensor(dims, new Float32Array(dims.reduce((product, one) => product * one, 1)));
}

/** Puts [T, n] or [heads, T, S] of these tokens into those of the whole text; of keys after a query there is no weight. */
function place({ dims, data }: Tensor, part: Float32Array, { from, to }: Piece): void {
  const [first, length] = [at(dims, 0), at(dims, 1)];
  if (dims.length === 2) return data.set(part, from * length);
  for (let head = 0; head < first; head++)
    for (let query = from; query < to; query++) {
      const row = (head * (to - from) + query - from) * to;
      data.set(part.subarray(row, row + query + 1), (head * length + query) * length);
    }
}

function missing(name: string): never {
  throw new Error(`No table ${name}.`);
}
