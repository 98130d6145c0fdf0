import { at, tensor } from '../core/tensor.ts';
import type { LensWindow } from '../core/trace.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkIndex, traceOf, type Answers } from './answering.ts';
import { recent, type Recent } from './recent.ts';
import { lastResidual, layerOf, nextIds, piecesOf, rowsBetween } from './traceRows.ts';

/** Most bytes of windows kept with a trace: a grid of 1,024 positions and 32 layers takes a fifth. */
const KEPT_BYTES = 8 * 1024 * 1024;
/** Bytes of a cell: six numbers, and as much for its piece. */
const CELL_BYTES = 48;

/** Windows of the lens already computed; they go with their trace. */
const windows = new WeakMap<Trace, Recent<string, LensWindow>>();

/** The logit lens: windows of the grid of layers by positions, and one token after one layer with more candidates. */
export const lensAnswers: Pick<Answers, 'lens' | 'lensTop'> = {
  lens: async (context, run, { layer, layers, position, positions }) => {
    const { model, tokenizer } = context.open;
    for (const one of [layer, layer + layers - 1]) checkIndex('layer', one, model.info.layers + 1);
    for (const one of [position, position + positions - 1]) checkIndex('position', one, run.ids.length);
    const trace = await traceOf(context, run);
    const kept = windows.get(trace) ?? recent(KEPT_BYTES);
    windows.set(trace, kept);
    const key = [layer, layers, position, positions].join();
    const known = kept.get(key);
    if (known !== undefined) return known;

    const { dim } = model.info;
    const [from, to] = [position * dim, (position + positions) * dim];
    const rows = new Float32Array(layers * (to - from));
    const targets = new Int32Array(layers * positions);
    const next = nextIds(run.ids).subarray(position, position + positions);
    for (let one = 0; one < layers; one++) {
      rows.set(layerOf(trace.resid, layer + one).data.subarray(from, to), one * (to - from));
      targets.set(next, one * positions);
    }
    const final = tensor([positions, dim], lastResidual(trace).data.subarray(from, to));
    const stats = await model.lens(tensor([targets.length, dim], rows), final, 1, targets, context.checkpoint);
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
    };
    kept.set(key, found, targets.length * CELL_BYTES);
    return found;
  },
  lensTop: async (context, run, { layer, token, count }) => {
    const { model, tokenizer } = context.open;
    checkIndex('layer', layer, model.info.layers + 1);
    checkIndex('token', token, run.ids.length);
    const rows = rowsBetween(layerOf((await traceOf(context, run)).resid, layer), token, token + 1);
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
