import { partingOf, startOf as firstTokens, type Run } from '../../core/run.ts';
import { at, row, tensor, type Tensor } from '../../core/tensor.ts';
import { recurrenceIn } from '../families/mixers.ts';
import { carriedWidth, keySource, ofLayer } from '../families/spec.ts';
import { stateNames } from '../graph/decoder.ts';
import { layerInputs, positionTables, sameStart, tableShapes } from '../graph/inputs.ts';
import { interventionTables, spanRows } from '../graph/interventionInputs.ts';
import type { Span } from '../graph/positionsGraph.ts';
import { readRows } from './embeddingRows.ts';
import { changedInput, checkRun, finite, firstResidual, type Runnable } from './forward.ts';
import { carriedIn, type Trace } from './forwardTrace.ts';
import { tokensOf } from './headAttention.ts';
import { floats, itemOf } from './outputs.ts';
import { perLayerFeed, perLayerVectors } from './perLayer.ts';
import { piecesToRun, sharedTokens, type OtherInput } from './pieceByPiece.ts';
import type { Feed } from './runtime.ts';
import { hasStates, stateFeeds, stateOf, statesAt } from './states.ts';
import { activeOf, refuseOtherActive, startOfStreams, withActive } from './streams.ts';

/** Where a changed run begins to differ from a known one. */
interface Start {
  /** Tokens before this one, and what layers before this one compute, are the same. */
  readonly token: number;
  readonly layer: number;
  /** [T - token, D], or of several streams all, what the layer reads of the tokens from there on. */
  readonly input: Tensor;
}

/** A row of the last residual that is asked for. */
export interface FinalRow {
  readonly run: Run;
  readonly position: number;
  /** A trace of a run that differs from this one: what both compute alike is taken from it. */
  readonly known: Trace;
  /** What the first block reads in place of what the ids give, as in `runFrom`. */
  readonly other?: Pick<OtherInput, 'input' | 'tokens'>;
}

/**
 * The residual after the last block [1, D], or of several streams all, at one position of a run: of tokens and layers before
 * the first difference to the known run nothing is computed, of tokens after the position neither, and nothing else is kept. Equal, up to
 * rounding, to that row of the run's trace. `checkpoint` is awaited between parts. Throws UserError as `runWhole` does.
 */
export async function finalRow(model: Runnable, asked: FinalRow, checkpoint?: () => unknown): Promise<Tensor> {
  const { spec, sessions } = model;
  const { run, position, known } = asked;
  checkRun(run, spec);
  const layers = spec.blocks.length;
  await sessions.trunk(() => checkpoint?.());
  const start = await startOf(model, asked);
  let { input } = start;
  const width = carriedWidth(spec);
  const given = carriedIn(known);
  if (start.layer >= layers) return lastOf(input, width);
  const parts = await sessions.rest(start.layer);
  const first = parts[0]?.from ?? start.layer;
  // A session that begins with earlier layers computes them again.
  if (first < start.layer) input = rowsOf(itemOf(given, first), start.token, position + 1);
  const pieces = piecesToRun(spec, model.cut, parts, firstTokens(run, position + 1), start.token);
  /** Per layer, keys and values of the tokens before the piece. */
  const past = Array.from({ length: layers }, (_, layer) => ({
    k: layer < first ? null : tokensOf(itemOf(known.k, layer), 0, start.token),
    v: layer < first ? null : tokensOf(itemOf(known.v, layer), 0, start.token),
  }));
  let states =
    start.token === 0 || !hasStates(spec)
      ? []
      : await statesAt(spec, parts, {
          recipe: run.recipe,
          tokens: start.token,
          length: run.ids.length,
          layerInput: (layer, from, to) => rowsOf(itemOf(given, layer), from, to),
          past: (layer, tokens) => ({ k: tokensOf(itemOf(known.k, layer), 0, tokens), v: tokensOf(itemOf(known.v, layer), 0, tokens) }),
        });
  let last = input;
  const sources = new Set(spec.blocks.map((_, layer) => keySource(spec, layer)).filter((source, layer) => source !== layer));
  /** Per layer that was run, keys and values of the piece. */
  const piecesOwn = new Map<number, { readonly k: Feed; readonly v: Feed }>();
  /** The same of a layer that was not run: nothing differs there. */
  const knownOwn = (layer: number, from: number, to: number): { readonly k: Feed; readonly v: Feed } => ({
    k: tokensOf(itemOf(known.k, layer), start.token + from, start.token + to),
    v: tokensOf(itemOf(known.v, layer), start.token + from, start.token + to),
  });
  const vectors = spec.perLayerInputs === null ? null : await vectorsOf(model, run.ids.slice(start.token, position + 1), start.token);
  for (const [index, { from, to }] of pieces.entries()) {
    const span: Span = { past: start.token + from, room: start.token + from, tokens: to - from, length: run.ids.length };
    const tables = positionTables(spec, span);
    const rows = spanRows(span);
    let resid: Tensor = tensor([to - from, width], input.data.subarray(from * width, to * width));
    const goesOn = index < pieces.length - 1;
    for (const part of parts) {
      await checkpoint?.();
      const own = Array.from({ length: part.to - part.from }, (_, i) => part.from + i);
      const feeds: Record<string, Feed> = { resid, ...interventionTables(spec, run.recipe, part.from, part.to, rows) };
      for (const [name] of tableShapes(spec, layerInputs(spec, part.from, part.to))) feeds[name] = tables.get(name) ?? missing(name);
      const keyed = own.filter((layer) => itemOf(spec.blocks, layer).attention.kind === 'attention');
      const kept = own.flatMap((layer) => {
        const mixer = recurrenceIn(itemOf(spec.blocks, layer));
        return mixer === null ? [] : [{ layer, mixer }];
      });
      for (const layer of own) Object.assign(feeds, perLayerFeed(spec, vectors, layer, from, to));
      for (const layer of keyed) {
        const source = keySource(spec, layer);
        // These tokens' keys and values by a layer that another session ran, or that is not run as nothing differs there.
        if (source < part.from) {
          const made = piecesOwn.get(source) ?? knownOwn(source, from, to);
          feeds[`ownK.${layer}`] = made.k;
          feeds[`ownV.${layer}`] = made.v;
        }
        feeds[`pastK.${layer}`] = past[layer]?.k ?? missing(`pastK.${layer}`);
        feeds[`pastV.${layer}`] = past[layer]?.v ?? missing(`pastV.${layer}`);
      }
      for (const { layer, mixer } of kept) Object.assign(feeds, stateFeeds(mixer, layer, states[layer] ?? null));
      const end = `resid.${part.to}`;
      const making = keyed.filter((layer) => keySource(spec, layer) === layer && (goesOn || sources.has(layer)));
      const found = await part.session.run(feeds, [
        end,
        ...making.flatMap((layer) => [`k.${layer}`, `v.${layer}`]),
        ...(goesOn ? kept.flatMap(({ layer, mixer }) => stateNames(mixer).map((name) => `${name}.${layer}`)) : []),
      ]);
      for (const layer of making) {
        const { kvHeads, headDim, valueDim } = ofLayer(spec, layer);
        const made = (name: string, width: number): Feed => ({
          dims: [kvHeads, to - from, width],
          data: floats(found[`${name}.${layer}`]),
        });
        piecesOwn.set(layer, { k: made('k', headDim), v: made('v', valueDim) });
      }
      resid = finite(tensor([to - from, width], floats(found[end])), part.to - 1, run.recipe);
      if (!goesOn) continue;
      states = Array.from({ length: layers }, (_, layer) => {
        const own = kept.find((one) => one.layer === layer);
        return own === undefined ? (states[layer] ?? {}) : stateOf(own.mixer, layer, found);
      });
      for (const layer of keyed) {
        const source = keySource(spec, layer);
        const held = itemOf(past, layer);
        const more = piecesOwn.get(source) ?? knownOwn(source, from, to);
        past[layer] =
          source !== layer && source >= first
            ? itemOf(past, source)
            : { k: joined(held.k ?? missing('pastK'), more.k), v: joined(held.v ?? missing('pastV'), more.v) };
      }
    }
    last = resid;
  }
  return lastOf(last, width);
}

/** Where the run comes apart from the known one, in its tokens and in the model's layers. */
async function startOf(model: Runnable, asked: FinalRow): Promise<Start> {
  const { spec } = model;
  const { run, position, known, other } = asked;
  const end = position + 1;
  if (other !== undefined) {
    refuseOtherActive(spec);
    return { token: other.tokens, layer: 0, input: await startOfStreams(model, rowsOf(other.input, other.tokens, end)) };
  }
  const carried = carriedIn(known);
  const token = sharedTokens(spec, known.run, run);
  if (token >= end) return { token, layer: spec.blocks.length, input: rowsOf(itemOf(carried, spec.blocks.length), position, end) };
  const isSame =
    sameStart(spec, known.run.ids.length, run.ids.length) && run.ids.subarray(0, end).every((id, index) => known.run.ids[index] === id);
  const { layer, atInput } = isSame ? partingOf(run.recipe, known.run.recipe) : { layer: -1, atInput: false };
  // Several streams are made of the input of the first block as it is changed.
  const isWhole = layer < 0 || (layer === 0 && atInput && spec.streams !== null);
  if (isWhole) return { token, layer: 0, input: await startOfStreams(model, await inputOf(model, run, token, end)) };
  const rows = rowsOf(itemOf(carried, layer), token, end);
  const changed = (): Tensor => withActive(spec, rows, changedInput(activeOf(spec, rows), run.recipe, token, layer));
  return { token, layer, input: atInput ? changed() : rows };
}

/** What the layers read besides the residual, of tokens from position `first` on. */
async function vectorsOf(model: Runnable, ids: Int32Array, first: number): Promise<Tensor | null> {
  return perLayerVectors(model, ids, async () => firstResidual(model, await readRows(model.files, model.spec.embedding, ids), first));
}

/** [end - from, D], what the first block reads of the run's tokens `from` to `end` - 1. */
async function inputOf(model: Runnable, { ids, recipe }: Run, from: number, end: number): Promise<Tensor> {
  const embedding = await readRows(model.files, model.spec.embedding, ids.slice(from, end));
  return changedInput(await firstResidual(model, embedding, from), recipe, from);
}

/** A view of rows from..to - 1. */
function rowsOf({ dims, data }: Tensor, from: number, to: number): Tensor {
  const dim = at(dims, 1);
  return tensor([to - from, dim], data.subarray(from * dim, to * dim));
}

function lastOf(rows: Tensor, dim: number): Tensor {
  return tensor([1, dim], row(rows, at(rows.dims, 0) - 1).slice());
}

/** [n, a + b, dim] of [n, a, dim] and [n, b, dim]. */
function joined(first: Feed, second: Feed): Feed & { readonly data: Float32Array } {
  const [planes, a, dim, b] = [at(first.dims, 0), at(first.dims, 1), at(first.dims, 2), at(second.dims, 1)];
  const data = new Float32Array(planes * (a + b) * dim);
  const copy = (from: Feed['data'], size: number, to: number): void => {
    if (!(from instanceof Float32Array)) throw new Error('Keys and values are float32 numbers.');
    for (let plane = 0; plane < planes; plane++)
      data.set(from.subarray(plane * size * dim, (plane + 1) * size * dim), (plane * (a + b) + to) * dim);
  };
  copy(first.data, a, 0);
  copy(second.data, b, a);
  return { dims: [planes, a + b, dim], data };
}

function missing(name: string): never {
  throw new Error(`No table ${name}.`);
}
