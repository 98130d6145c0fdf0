import { UserError } from '../../core/errors.ts';
import { at, row, tensor, type Tensor } from '../../core/tensor.ts';
import { msg } from '../../core/translatable.ts';
import { recurrenceIn } from '../families/mixers.ts';
import type { DecoderSpec, Norm } from '../families/spec.ts';
import { stepOutputsOf, type StepOutput } from '../graph/layerStepsGraph.ts';
import type { Trace } from './forwardTrace.ts';
import { pieceFeeds } from './layerBackwards.ts';
import { floats, itemOf } from './outputs.ts';
import type { Sessions } from './sessions.ts';
import type { UnembedCalls } from './unembedding.ts';

/** What the two steps of a block give for some tokens, each [tokens, D]. */
export interface LayerSteps {
  /** The residual after attention has added to it. */
  readonly afterAttention: Tensor;
  /** What attention and MLP add to the residual: zeros where the layer has none. */
  readonly attentionStep: Tensor;
  readonly mlpStep: Tensor;
  /** Whether the MLP reads the block's input as attention does, and no part of the model what attention has added to. */
  readonly parallel: boolean;
}

/** The calls for what happens between a model's residuals. */
export interface LayerStepCalls {
  /**
   * The steps of a layer for tokens `from` to `to` - 1 of a whole text's trace. Loads the layer once more on the first call. Throws
   * UserError for a model with several residual streams.
   */
  layerSteps(trace: Trace, layer: number, from: number, to: number): Promise<LayerSteps>;
  /**
   * [N, V], what parts of the last residual [N, D] add to the logits before a final soft cap, with the final norm's scale held at what it
   * is for `final` [N, D], the whole residual of each: direct logit attribution of a part to every token. Throws UserError for a model in
   * which a norm follows what a block adds, as no part of it stands in the last residual, and for one with several streams, as
   * `layerSteps` does.
   */
  heldLogits(parts: Tensor, final: Tensor): Promise<Tensor>;
}

export function openLayerSteps(
  spec: DecoderSpec,
  sessions: Sessions,
  { uncappedLogits }: Pick<UnembedCalls, 'uncappedLogits'>,
): LayerStepCalls {
  const { blocks, dim, finalNorm, vocab, streams } = spec;
  const isNormed = blocks.some(
    ({ addTo, attentionNorms, mlpNorms }) => addTo !== 'stream' || attentionNorms.stream !== null || mlpNorms.stream !== null,
  );
  const refuse = (): void => {
    if (streams !== null)
      throw new UserError(
        msg`This model carries ${streams.count} residual streams, which each layer mixes anew (AltUp): no step of a layer is added to one \
stream alone, so there is nothing to read.`,
      );
  };
  return {
    layerSteps: async (trace, layer, from, to) => {
      refuse();
      const block = itemOf(blocks, layer);
      const names = stepOutputsOf(block);
      // What such a layer keeps of the tokens before is known at the text's start alone.
      const first = recurrenceIn(block) === null ? from : 0;
      const feeds = pieceFeeds(spec, trace, layer, { past: first, room: first, tokens: to - first, length: trace.run.ids.length });
      const found = await sessions.withSteps(layer, (session) => session.run(feeds, names));
      const value = (name: StepOutput, otherwise: () => Float32Array): Tensor =>
        tensor([to - from, dim], names.includes(name) ? floats(found[name]).slice((from - first) * dim) : otherwise());
      const nothing = (): Float32Array => new Float32Array((to - from) * dim);
      return {
        afterAttention: value('afterAttention', () => itemOf(trace.resid, layer).data.slice(from * dim, to * dim)),
        attentionStep: value('attentionStep', nothing),
        mlpStep: value('mlpStep', nothing),
        parallel: block.wiring === 'parallel',
      };
    },
    heldLogits: async (parts, final) => {
      refuse();
      if (isNormed)
        throw new UserError(
          msg`In this model a norm follows what a block adds: no step stands in the last residual as it is, so there is nothing to read.`,
        );
      const count = at(parts.dims, 0);
      // A row of zeros has the constants: biases of the norm and the unembedding, which no part adds.
      const rows = tensor([count + 1, dim], new Float32Array((count + 1) * dim));
      rows.data.set(parts.data);
      const { data } = await uncappedLogits(rows);
      const constants = data.subarray(count * vocab);
      const logits = tensor([count, vocab], new Float32Array(count * vocab));
      for (let index = 0; index < count; index++) {
        const factor = finalNorm === null ? 1 : scaleOf(row(parts, index), finalNorm) / scaleOf(row(final, index), finalNorm);
        for (let id = 0; id < vocab; id++)
          logits.data[index * vocab + id] = factor * ((data[index * vocab + id] ?? Number.NaN) - (constants[id] ?? Number.NaN));
      }
      return logits;
    },
  };
}

/** What a norm divides a row by. */
function scaleOf(values: Float32Array, { kind, epsilon }: Norm): number {
  const mean = kind === 'rms' ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length + epsilon);
}
