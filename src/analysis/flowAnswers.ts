import { topIndices } from '../core/probability.ts';
import { at, dot, row, type Tensor } from '../core/tensor.ts';
import { checkIndex, traceOf, type Answers } from './answering.ts';
import { layerOf, rowsBetween } from './traceRows.ts';

/** Answers about the model's parts, and about how a token's residual goes through them. */
export const flowAnswers: Pick<Answers, 'architecture' | 'tokenFlow' | 'headReads'> = {
  architecture: async ({ open }) => open.model.architecture,
  tokenFlow: async (context, run, { position, positions }) => {
    const { model } = context.open;
    for (const one of [position, position + positions - 1]) checkIndex('position', one, run.ids.length);
    const trace = await traceOf(context, run);
    const { layers } = model.info;
    const end = position + positions;
    const perStep = (): Float32Array => new Float32Array(layers * positions);
    const [between, attention, mlp, attentionCosine, mlpCosine] = [perStep(), perStep(), perStep(), perStep(), perStep()];
    const resid = new Float32Array((layers + 1) * positions);
    for (let layer = 0; layer <= layers; layer++)
      resid.set(lengths(rowsBetween(layerOf(trace.resid, layer), position, end)), layer * positions);
    for (let layer = 0; layer < layers; layer++) {
      await context.checkpoint();
      const { afterAttention, attentionStep, mlpStep, parallel } = await model.layerSteps(trace, layer, position, end);
      const before = rowsBetween(layerOf(trace.resid, layer), position, end);
      const from = layer * positions;
      between.set(lengths(afterAttention), from);
      attention.set(lengths(attentionStep), from);
      mlp.set(lengths(mlpStep), from);
      attentionCosine.set(cosines(attentionStep, before), from);
      mlpCosine.set(cosines(mlpStep, parallel ? before : afterAttention), from);
    }
    return { position, positions, resid, between, attention, mlp, attentionCosine, mlpCosine };
  },
  headReads: async (context, run, { layer, token, most }) => {
    const { model } = context.open;
    checkIndex('layer', layer, model.info.layers);
    checkIndex('token', token, run.ids.length);
    const { lengths: byHead, weights } = await model.headOutputs(await traceOf(context, run), layer, token);
    const heads = byHead.length;
    const seen = token + 1;
    const told = Math.min(most, seen);
    const keys = new Int32Array(heads * told);
    const largest = new Float32Array(heads * told);
    for (let head = 0; head < heads; head++) {
      const own = weights.subarray(head * seen, (head + 1) * seen);
      keys.set(topIndices(own, told), head * told);
      for (let place = 0; place < told; place++) largest[head * told + place] = at(own, at(keys, head * told + place));
    }
    return { layer, token, lengths: byHead, most: told, keys, weights: largest };
  },
};

/** [N], the Euclidean length of each row [N, D]. */
function lengths(rows: Tensor): Float32Array {
  return Float32Array.from({ length: at(rows.dims, 0) }, (_, index) => length(row(rows, index)));
}

function length(values: Float32Array): number {
  return Math.sqrt(dot(values, values));
}

/** [N], cosines of the rows of two [N, D]; NaN of a row of zeros. */
function cosines(a: Tensor, b: Tensor): Float32Array {
  return Float32Array.from({ length: at(a.dims, 0) }, (_, index) => {
    const [first, second] = [row(a, index), row(b, index)];
    return dot(first, second) / (length(first) * length(second));
  });
}
