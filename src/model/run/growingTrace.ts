import type { Recipe } from '../../core/run.ts';
import { tensor, type Tensor } from '../../core/tensor.ts';
import { attentionsOf } from '../families/mixers.ts';
import { carriedWidth, keySource, ofLayer, type DecoderSpec } from '../families/spec.ts';
import { carriedIn, type LayerState, type Past, type Trace } from './forwardTrace.ts';
import { itemOf } from './outputs.ts';
import { hasStates, type KnownStart } from './states.ts';
import { residualsOf } from './streams.ts';
import { growingIds, growingRows, type Expected, type Rows } from './rows.ts';

/** A trace that grows token by token; its keys and values have the layout in which the next forward pass reads them. */
export interface GrowingTrace {
  /** Number of tokens held. */
  readonly length: number;
  /** Adds the trace of the next tokens, or the first `count` of them. */
  append(next: Trace, count?: number): void;
  /** Drops all tokens from position `length` on. */
  cut(length: number): void;
  /** Copies the trace of tokens from..to; `recipe`: the interventions they were run with. */
  slice(from: number, to: number, recipe: Recipe): Trace;
  /** The trace of all tokens, without copies where their number was expected: this one is not used afterwards. */
  taken(recipe: Recipe): Trace;
  readonly past: Past;
  /** What layers without attention keep of the tokens held; null: it is not known, as where some were dropped. */
  readonly states: readonly LayerState[] | null;
  /** Sets it. */
  restore(states: readonly LayerState[]): void;
  /** What layers read of the tokens held, as in `KnownStart`. */
  readonly layerInput: KnownStart['layerInput'];
  readonly pastOf: KnownStart['past'];
  ids(from: number, to: number): Int32Array;
  /** [to - from, D], the residual after the last block at these positions. */
  finals(from: number, to: number): Tensor;
  /** [heads, headDim], query of the last token. */
  lastQuery(layer: number): Float32Array;
}

/** The cache before any token. */
const NO_PAST: Past = { tokens: 0, room: 0, k: [], v: [], states: [] };

/** An empty trace; `tokens`: how many it will hold, where that is known. */
export function growingTrace(spec: DecoderSpec, tokens = 0): GrowingTrace {
  const { heads, dim, blocks } = spec;
  const sizes = blocks.map((_, layer) => ofLayer(spec, layer));
  const embeddingDim = spec.embedding.shape[1] ?? dim;
  const atOnce: Expected = { tokens, room: 'atOnce' };
  // The next piece reads keys and values with the room that they have: what is empty is computed and masked.
  const asNeeded: Expected = { tokens, room: 'asNeeded' };
  const ids = growingIds(1, atOnce);
  const embedding = growingRows(1, embeddingDim, atOnce);
  const carriedDim = carriedWidth(spec);
  const carried = Array.from({ length: blocks.length + 1 }, () => growingRows(1, carriedDim, atOnce));
  const hasKeys = (layer: number): boolean => itemOf(blocks, layer).attention.kind === 'attention';
  const rowsOf = (layer: number, groups: number, width: number, expected: Expected): Rows =>
    hasKeys(layer) ? growingRows(groups, width, expected) : growingRows(0, 0, expected);
  const sizeOf = (layer: number, groups: number, count: number, width: number): readonly number[] =>
    hasKeys(layer) ? [groups, count, width] : [0, count, 0];
  const q = sizes.map(({ headDim }, layer) => rowsOf(layer, heads, headDim, atOnce));
  // Layers that read another one's keys and values share what holds them.
  const ofSource = (width: (layer: DecoderSpec) => number): Rows[] => {
    const held: Rows[] = [];
    for (const [layer, own] of sizes.entries()) {
      const source = keySource(spec, layer);
      held.push(source === layer ? rowsOf(layer, own.kvHeads, width(own), asNeeded) : itemOf(held, source));
    }
    return held;
  };
  const k = ofSource(({ headDim }) => headDim);
  const v = ofSource(({ valueDim }) => valueDim);
  const perLayerDim = spec.perLayerInputs?.table.shape[1] ?? 0;
  const perLayer = perLayerDim === 0 ? null : growingRows(1, perLayerDim, atOnce);
  /** What layers without attention keep of exactly the tokens held; null: it is not known. */
  let states: readonly LayerState[] | null = [];
  const keepsStates = hasStates(spec);
  const experts = blocks.map(({ mlp }) =>
    mlp.kind === 'experts'
      ? { chosen: mlp.chosen, ids: growingIds(mlp.chosen, atOnce), weights: growingRows(1, mlp.chosen, atOnce) }
      : null,
  );
  const latent = attentionsOf(blocks).flatMap(({ projections }) =>
    projections.kind === 'latent'
      ? [
          {
            rank: projections.rank,
            rotated: projections.rotated,
            compressed: growingRows(1, projections.rank, atOnce),
            sharedKey: growingRows(1, projections.rotated, atOnce),
          },
        ]
      : [],
  );
  const all = [
    ids,
    embedding,
    ...carried,
    ...q,
    ...new Set(k),
    ...new Set(v),
    ...(perLayer === null ? [] : [perLayer]),
    ...experts.flatMap((layer) => (layer === null ? [] : [layer.ids, layer.weights])),
    ...latent.flatMap((layer) => [layer.compressed, layer.sharedKey]),
  ];
  let length = 0;
  const stateParts = (): Pick<Trace, 'states'> => (states === null || !keepsStates ? {} : { states });
  const keysAndValues = (count: number, read: (rows: Rows) => Float32Array): Pick<Trace, 'k' | 'v'> => {
    const [ks, vs]: [Tensor[], Tensor[]] = [[], []];
    for (const [layer, { kvHeads, headDim, valueDim }] of sizes.entries()) {
      const source = keySource(spec, layer);
      ks.push(source === layer ? tensor(sizeOf(layer, kvHeads, count, headDim), read(itemOf(k, layer))) : itemOf(ks, source));
      vs.push(source === layer ? tensor(sizeOf(layer, kvHeads, count, valueDim), read(itemOf(v, layer))) : itemOf(vs, source));
    }
    return { k: ks, v: vs };
  };
  /** The trace of `count` tokens, whose numbers `read` takes from the rows. */
  const made = (count: number, recipe: Recipe, read: <Data extends Float32Array | Int32Array>(rows: Rows<Data>) => Data): Trace => ({
    run: { ids: read(ids), recipe },
    embedding: tensor([count, embeddingDim], read(embedding)),
    ...residualsOf(
      spec,
      carried.map((rows) => tensor([count, carriedDim], read(rows))),
    ),
    q: q.map((rows, layer) => tensor(sizeOf(layer, heads, count, itemOf(sizes, layer).headDim), read(rows))),
    ...keysAndValues(count, read),
    ...(perLayer === null ? {} : { perLayer: tensor([count, perLayerDim], read(perLayer)) }),
    ...(experts.some((layer) => layer !== null)
      ? {
          experts: experts.map((layer) =>
            layer === null ? null : { ids: read(layer.ids), weights: tensor([count, layer.chosen], read(layer.weights)) },
          ),
        }
      : {}),
    ...(latent.length > 0
      ? {
          latent: latent.map((layer) => ({
            compressed: tensor([count, layer.rank], read(layer.compressed)),
            sharedKey: tensor([count, layer.rotated], read(layer.sharedKey)),
          })),
        }
      : {}),
  });
  return {
    get length() {
      return length;
    },
    append: (next, count = next.run.ids.length) => {
      const of = next.run.ids.length;
      ids.append(next.run.ids, count, of);
      embedding.append(next.embedding.data, count, of);
      for (const [place, rows] of carried.entries()) rows.append(itemOf(carriedIn(next), place).data, count, of);
      for (const layer of blocks.keys()) {
        itemOf(q, layer).append(itemOf(next.q, layer).data, count, of);
        if (keySource(spec, layer) === layer) {
          itemOf(k, layer).append(itemOf(next.k, layer).data, count, of);
          itemOf(v, layer).append(itemOf(next.v, layer).data, count, of);
        }
        const [held, chosen] = [itemOf(experts, layer), next.experts?.[layer]];
        if (held === null || chosen === null || chosen === undefined) continue;
        held.ids.append(chosen.ids, count, of);
        held.weights.append(chosen.weights.data, count, of);
      }
      for (const [layer, held] of latent.entries()) {
        const { compressed, sharedKey } = itemOf(next.latent ?? [], layer);
        held.compressed.append(compressed.data, count, of);
        held.sharedKey.append(sharedKey.data, count, of);
      }
      if (perLayer !== null && next.perLayer !== undefined) perLayer.append(next.perLayer.data, count, of);
      if (keepsStates && count > 0) states = count === of && next.states !== undefined ? next.states : null;
      length += count;
    },
    cut: (end) => {
      for (const rows of all) rows.cut(end);
      if (keepsStates && end < length) states = end === 0 ? [] : null;
      length = Math.min(length, end);
    },
    slice: (from, to, recipe) => ({
      ...made(to - from, recipe, (rows) => rows.slice(from, to)),
      ...(to === length ? stateParts() : {}),
    }),
    taken: (recipe) => ({ ...made(length, recipe, (rows) => rows.taken()), ...stateParts() }),
    get states() {
      return states;
    },
    restore: (found) => {
      states = found;
    },
    layerInput: (layer, from, to) => tensor([to - from, carriedDim], itemOf(carried, layer).slice(from, to)),
    pastOf: (layer, tokens) => {
      const { kvHeads, headDim, valueDim } = itemOf(sizes, layer);
      return {
        k: { dims: [kvHeads, tokens, headDim], data: itemOf(k, layer).slice(0, tokens) },
        v: { dims: [kvHeads, tokens, valueDim], data: itemOf(v, layer).slice(0, tokens) },
      };
    },
    get past() {
      if (length === 0) return NO_PAST;
      return {
        tokens: length,
        room: k[0]?.room ?? 0,
        k: k.map(({ padded }) => padded),
        v: v.map(({ padded }) => padded),
        states: states ?? unknown(),
      };
    },
    ids: (from, to) => ids.slice(from, to),
    finals: (from, to) => tensor([to - from, carriedDim], itemOf(carried, blocks.length).slice(from, to)),
    lastQuery: (layer) => itemOf(q, layer).slice(length - 1, length),
  };
}

function unknown(): never {
  throw new Error('What layers keep of the tokens before is not known.');
}
