import { rankOf } from '../core/probability.ts';
import type { Run } from '../core/run.ts';
import { at, row, tensor, type Tensor } from '../core/tensor.ts';
import type { AddedWindow, LensWindow } from '../core/trace.ts';
import { carriedIn, type Trace } from '../model/run/forwardTrace.ts';
import { checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';
import { recent, type Recent } from './recent.ts';
import { lastResidual, layerOf, nextIds, piecesOf, rowsBetween } from './traceRows.ts';

/** Most bytes of windows kept with a trace: a grid of 1,024 positions and 32 layers takes a fifth. */
const KEPT_BYTES = 8 * 1024 * 1024;
/** Bytes of a cell: six numbers, and as much for its piece. */
const CELL_BYTES = 48;

/** Windows of the lens already computed, by question; they go with their trace. */
const windows = new WeakMap<Trace, Recent<string, LensWindow | AddedWindow>>();

/** Positions whose logits, one number a token of the vocabulary each, are in memory at once. */
const ROWS_AT_ONCE = 32;

/** Which rows and positions of a lens are asked for. */
type Place = Pick<LensWindow, 'layer' | 'layers' | 'position' | 'positions'>;

/** The logit lens: windows of the grid of layers by positions, and one token after one layer with more candidates. */
export const lensAnswers: Pick<Answers, 'lens' | 'lensSteps' | 'lensAdded' | 'lensTop'> = {
  lens: (context, run, place) =>
    windowOf(context, run, 'lens', place, context.open.model.info.layers + 1, async (trace) => ({
      rows: rowsOf(place, (one) => rowsBetween(layerOf(carriedIn(trace), one), place.position, place.position + place.positions)),
      parallel: null,
    })),
  lensSteps: (context, run, place) =>
    windowOf(context, run, 'steps', place, 2 * context.open.model.info.layers + 1, async (trace) => {
      const end = place.position + place.positions;
      const found: Tensor[] = [];
      let parallel = false;
      for (let one = place.layer; one < place.layer + place.layers; one++) {
        if (one % 2 === 0) {
          found.push(rowsBetween(layerOf(carriedIn(trace), one / 2), place.position, end));
          continue;
        }
        await context.checkpoint();
        const steps = await context.open.model.layerSteps(trace, (one - 1) / 2, place.position, end);
        found.push(steps.afterAttention);
        parallel ||= steps.parallel;
      }
      return { rows: rowsOf(place, (one) => layerOf(found, one - place.layer)), parallel };
    }),
  lensAdded: async (context, run, place) => {
    const { model, tokenizer } = context.open;
    checkPlace(place, 2 * model.info.layers, run);
    const { layer, layers, position, positions } = place;
    const trace = await traceOf(context, run);
    const kept = keptOf(trace);
    const key = ['added', layer, layers, position, positions].join();
    const known = kept.get(key);
    if (known !== undefined && 'raised' in known) return known;
    const cells = layers * positions;
    const found = {
      raisedIds: new Int32Array(cells),
      raised: new Float32Array(cells),
      loweredIds: new Int32Array(cells),
      lowered: new Float32Array(cells),
      next: new Float32Array(cells).fill(NaN),
      nextRank: new Int32Array(cells),
    };
    for (let one = 0; one < layers; one++) {
      const from = layer + one;
      for (let start = 0; start < positions; start += ROWS_AT_ONCE) {
        await context.checkpoint();
        const [first, end] = [position + start, position + Math.min(positions, start + ROWS_AT_ONCE)];
        const steps = await model.layerSteps(trace, Math.floor(from / 2), first, end);
        const parts = from % 2 === 0 ? steps.attentionStep : steps.mlpStep;
        const logits = await model.heldLogits(parts, rowsBetween(lastResidual(trace), first, end));
        for (let index = 0; index < end - first; index++)
          readAdded(row(logits, index), run.ids[first + index + 1], found, one * positions + start + index);
      }
    }
    const pieces = piecesOf(Int32Array.of(...found.raisedIds, ...found.loweredIds), tokenizer.piece);
    const window = { layer, layers, position, positions, ...found, pieces };
    kept.set(key, window, cells * CELL_BYTES);
    return window;
  },
  lensTop: async (context, run, { layer, token, count }) => {
    const { model, tokenizer } = context.open;
    checkIndex('layer', layer, model.info.layers + 1);
    checkIndex('token', token, run.ids.length);
    const rows = rowsBetween(layerOf(carriedIn(await traceOf(context, run)), layer), token, token + 1);
    const { topIds, topLogits, logSumExp } = await model.unembed(rows, count, new Int32Array(1));
    return {
      layer,
      token,
      ids: topIds,
      probs: Float32Array.from(topLogits, (logit) => Math.exp(logit - at(logSumExp, 0))),
      pieces: piecesOf(topIds, tokenizer.piece),
    };
  },
};

/** Windows of a trace that are kept. */
function keptOf(trace: Trace): Recent<string, LensWindow | AddedWindow> {
  const kept = windows.get(trace) ?? recent(KEPT_BYTES);
  windows.set(trace, kept);
  return kept;
}

/** Throws RangeError for a place outside a grid of so many rows. */
function checkPlace({ layer, layers, position, positions }: Place, rows: number, run: Run): void {
  for (const one of [layer, layer + layers - 1]) checkIndex('layer', one, rows);
  for (const one of [position, position + positions - 1]) checkIndex('position', one, run.ids.length);
}

/** [layers * positions, D], the rows of each layer of a place one after another. */
function rowsOf({ layer, layers }: Place, one: (layer: number) => Tensor): Tensor {
  const parts = Array.from({ length: layers }, (_, index) => one(layer + index));
  const dim = at(layerOf(parts, 0).dims, 1);
  const size = layerOf(parts, 0).data.length;
  const data = new Float32Array(layers * size);
  for (const [index, part] of parts.entries()) data.set(part.data, index * size);
  return tensor([data.length / dim, dim], data);
}

/** A window of what residuals predict, cached or computed now. `rowsAt`: the residuals of a place; `parallel` as in `LensWindow`. */
async function windowOf(
  context: AnswerContext,
  run: Run,
  name: string,
  place: Place,
  count: number,
  rowsAt: (trace: Trace) => Promise<{ readonly rows: Tensor; readonly parallel: boolean | null }>,
): Promise<LensWindow> {
  const { model, tokenizer } = context.open;
  checkPlace(place, count, run);
  const { layer, layers, position, positions } = place;
  const trace = await traceOf(context, run);
  const kept = keptOf(trace);
  const key = [name, layer, layers, position, positions].join();
  const known = kept.get(key);
  if (known !== undefined && 'topIds' in known) return known;
  const last = lastResidual(trace);
  const dim = at(last.dims, 1);
  const { rows, parallel } = await rowsAt(trace);
  const targets = new Int32Array(layers * positions);
  const next = nextIds(run.ids).subarray(position, position + positions);
  for (let one = 0; one < layers; one++) targets.set(next, one * positions);
  const final = tensor([positions, dim], last.data.subarray(position * dim, (position + positions) * dim));
  const stats = await model.lens(rows, final, 1, targets, context.checkpoint);
  const nextRank = new Int32Array(stats.targetRank);
  const nextProb = Float32Array.from(stats.targetLogit, (logit, i) => Math.exp(logit - at(stats.logSumExp, i)));
  // Nothing follows the last token.
  if (position + positions === run.ids.length)
    for (let cell = positions - 1; cell < targets.length; cell += positions) {
      nextRank[cell] = 0;
      nextProb[cell] = NaN;
    }
  const found: LensWindow = {
    layer,
    layers,
    position,
    positions,
    topIds: stats.topIds,
    topProbs: Float32Array.from(stats.topLogits, (logit, i) => Math.exp(logit - at(stats.logSumExp, i))),
    nextRank,
    nextProb,
    entropy: stats.entropyBits,
    kl: stats.klBits,
    pieces: piecesOf(stats.topIds, tokenizer.piece),
    ...(parallel === null ? {} : { parallel }),
  };
  kept.set(key, found, targets.length * CELL_BYTES);
  return found;
}

/** Reads what a step adds to all logits [V] into cell `cell`. `next`: the token that follows; undefined: none. */
function readAdded(
  logits: Float32Array,
  next: number | undefined,
  into: Pick<AddedWindow, 'raisedIds' | 'raised' | 'loweredIds' | 'lowered' | 'next' | 'nextRank'>,
  cell: number,
): void {
  const mean = logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
  let [raised, lowered] = [0, 0];
  for (const [id, logit] of logits.entries()) {
    if (logit > (logits[raised] ?? Number.NaN)) raised = id;
    if (logit < (logits[lowered] ?? Number.NaN)) lowered = id;
  }
  into.raisedIds[cell] = raised;
  into.raised[cell] = at(logits, raised) - mean;
  into.loweredIds[cell] = lowered;
  into.lowered[cell] = at(logits, lowered) - mean;
  if (next === undefined) return;
  into.next[cell] = at(logits, next) - mean;
  into.nextRank[cell] = rankOf(logits, next);
}
