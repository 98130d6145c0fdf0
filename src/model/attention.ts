import { at, tensor, type Tensor } from '../core/tensor.ts';
import type { DecoderSpec, Weight } from './families/spec.ts';
import type { ModelFiles } from './files.ts';
import { widen } from './formats/widen.ts';
import { attentionGraph } from './graph/attention.ts';
import { alibiBias, causalMask } from './graph/positions.ts';
import type { Trace } from './languageModel.ts';
import { floats, itemOf } from './outputs.ts';
import type { Feed } from './runtime.ts';
import type { Sessions } from './sessions.ts';

/** What lies between q . k and the softmax, for one query of one head. In the order of the steps. */
export interface ScoreSteps {
  /** What q . k is multiplied by. */
  readonly scale: number;
  /** The score is then softCap * tanh(score / softCap); null: as it is. */
  readonly softCap: number | null;
  /** [query + 1] added to the score of each key; null without ALiBi. */
  readonly bias: Float32Array | null;
  /** Keys the query sees, its own the last; null: all before it. */
  readonly window: number | null;
  /** The score of no token that takes part in the softmax; null: there is none. */
  readonly sink: number | null;
}

/** The calls of a model about attention. Each throws RangeError for a layer that the model does not have. */
export interface AttentionCalls {
  /** [heads, T, T] after softmax; row = query, column = key. A row and its sink, where there is one, sum to 1. */
  attention(trace: Trace, layer: number): Promise<Tensor>;
  /** [heads, T] the share of each row that a sink takes; null for a model without sinks. */
  sinkWeights(trace: Trace, layer: number): Promise<Tensor | null>;
  /** How scores come about at one query of a text of `tokens` tokens. */
  scoreSteps(layer: number, head: number, query: number, tokens: number): Promise<ScoreSteps>;
}

export function openAttention(spec: DecoderSpec, files: ModelFiles, sessions: Sessions): AttentionCalls {
  const { heads, positions } = spec;
  const attentionOf = (layer: number) => itemOf(spec.blocks, layer).attention;
  const run = async (trace: Trace, layer: number, output: 'attention' | 'sink'): Promise<Float32Array> => {
    const length = trace.ids.length;
    const { scale, window, sinks } = attentionOf(layer);
    const feeds: Record<string, Feed> = {
      q: itemOf(trace.q, layer),
      k: itemOf(trace.k, layer),
      mask: { dims: [length, length], data: causalMask(length, window) },
      scale: { dims: [], data: Float32Array.of(scale) },
      ...(positions.kind === 'alibi' ? { bias: { dims: [heads, 1, length], data: alibiBias(positions.alibi, length) } } : {}),
      ...(sinks === null ? {} : { sinks: { dims: [heads], data: await readVector(files, sinks) } }),
    };
    const session = await sessions.attention(() => attentionGraph(spec));
    return floats((await session.run(feeds, [output]))[output]);
  };
  return {
    attention: async (trace, layer) => {
      const { length } = trace.ids;
      return tensor([heads, length, length], await run(trace, layer, 'attention'));
    },
    sinkWeights: async (trace, layer) => (attentionOf(layer).sinks === null ? null : tensor([heads, trace.ids.length], await run(trace, layer, 'sink'))),
    scoreSteps: async (layer, head, query, tokens) => {
      const { scale, window, sinks } = attentionOf(layer);
      const bias = positions.kind === 'alibi' ? alibiBias(positions.alibi, tokens).slice(head * tokens, head * tokens + query + 1) : null;
      return { scale, softCap: spec.scoreCap, bias, window, sink: sinks === null ? null : at(await readVector(files, sinks), head) };
    },
  };
}

/** The numbers of a small weight. */
async function readVector(files: ModelFiles, weight: Weight): Promise<Float32Array> {
  return widen(await files.read(weight.file, weight.offset, weight.length), weight.dtype);
}
