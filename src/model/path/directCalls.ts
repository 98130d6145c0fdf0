import { changeAt, headSteps } from '../../core/interventions.ts';
import { at, dot, row, tensor, type Tensor } from '../../core/tensor.ts';
import { requirePlainAttention } from '../families/mixers.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';
import { directParts, type DirectPart } from '../graph/directGraph.ts';
import { checkTarget, logitSeed, type LogitTarget, type OnGradientProgress } from '../run/gradientCalls.ts';
import { floats, itemOf } from '../run/outputs.ts';
import type { Sessions } from '../run/sessions.ts';
import type { Trace } from '../run/forwardTrace.ts';
import type { UnembedCalls } from '../run/unembedding.ts';
import { rowFeeds } from './layerRow.ts';

/** What one layer adds to a logit in a straight line. */
export interface DirectLayer {
  /** [heads], without the bias of the output projection. */
  readonly heads: Float32Array;
  /**
   * [heads, T], each head's part by the token whose value it comes from: a row sums to the head's, but for what a recipe sets the head's
   * output to, which comes from none.
   */
  readonly sources: Tensor;
  /** Of the MLP or all experts together, their biases included. */
  readonly mlp: number;
  /** Of what the layer makes of its per-layer embedding. Absent where it has none. */
  readonly perLayer?: number;
  /** Of biases, of attention's output projection and of norms behind a sublayer, and of what a recipe adds to the residual. */
  readonly rest: number;
}

/**
 * Where a logit comes from: the residual before the final norm is a sum of the embedding and of what every layer adds, and each
 * term goes to the logit by the same linear map once the scale of every norm it passes is held at what it was. The terms sum to
 * `target`.
 */
export interface Direct {
  /** The logit before a final soft cap, or its difference to the rival's. */
  readonly target: number;
  /** Of the first block's input: the embedding, with positions where they are added. */
  readonly embedding: number;
  readonly layers: readonly DirectLayer[];
  /** Of biases behind the last layer: of the final norm and the unembedding. */
  readonly rest: number;
}

/** The calls of a model about where its logits come from. */
export interface DirectCalls {
  /** A target's value before a final soft cap. Throws as `direct` does. */
  logit(trace: Trace, target: LogitTarget): Promise<number>;
  /** The same from the last residual at its position, [1, D]; the target's tokens exist. */
  logitOf(row: Tensor, target: Pick<LogitTarget, 'token' | 'rival'>): Promise<number>;
  /**
   * Direct logit attribution of a whole text's trace. Loads each layer once more on the first call. Throws UserError for a token
   * outside the vocabulary.
   */
  direct(trace: Trace, target: LogitTarget, onProgress?: OnGradientProgress): Promise<Direct>;
}

export function openDirect(spec: DecoderSpec, sessions: Sessions, { uncappedLogits }: Pick<UnembedCalls, 'uncappedLogits'>): DirectCalls {
  const { dim, vocab, heads } = spec;
  const layers = spec.blocks.length;

  /**
   * Each head's part by source token: weight times value times the head's part of the direction, which is the same for all tokens, times
   * the head's factor. `factors` [heads].
   */
  const sourcesOf = (weights: Float32Array, v: Tensor, direction: Float32Array, factors: Float32Array): Tensor => {
    const [kvHeads = 0, length = 0, valueDim = 0] = v.dims;
    const sources = tensor([heads, length], new Float32Array(heads * length));
    for (let head = 0; head < heads; head++) {
      const group = Math.floor(head / (heads / kvHeads)) * length;
      const own = direction.subarray(head * valueDim, (head + 1) * valueDim);
      for (let token = 0; token < length; token++) {
        const value = v.data.subarray((group + token) * valueDim, (group + token + 1) * valueDim);
        sources.data[head * length + token] = at(factors, head) * at(weights, head * length + token) * dot(value, own);
      }
    }
    return sources;
  };

  const layerOf = async (
    trace: Trace,
    layer: number,
    token: number,
    direction: Float32Array,
  ): Promise<{ readonly own: DirectLayer; readonly before: Float32Array }> => {
    const { feeds } = rowFeeds(spec, trace, layer, token);
    const { valueDim } = ofLayer(spec, layer);
    const parts = directParts(spec, layer);
    const names = ['output', 'weights', 'direction.resid', ...parts, ...parts.map((part) => `direction.${part}` as const)] as const;
    const found = await sessions.withDirect(layer, (session) =>
      session.run({ ...feeds, direction: { dims: [1, dim], data: direction } }, names),
    );
    const value = (name: (typeof names)[number]): Float32Array => floats(found[name]);
    const [joined, toJoined] = [value('concatenatedHeads'), value('direction.concatenatedHeads')];
    const byHead = Float32Array.from({ length: heads }, (_, head) =>
      dot(joined.subarray(head * valueDim, (head + 1) * valueDim), toJoined.subarray(head * valueDim, (head + 1) * valueDim)),
    );
    const along = (part: DirectPart): number => dot(value(part), value(`direction.${part}`));
    const mlp = along('mlpScaled');
    const perLayer = parts.includes('perLayerOutput') ? along('perLayerOutput') : null;
    const before = value('direction.resid');
    const through = dot(row(itemOf(trace.resid, layer), token), before);
    const rest = dot(value('output'), direction) - through - dot(joined, toJoined) - mlp - (perLayer ?? 0);
    const steps = headSteps(trace.run.recipe, layer);
    const factors = Float32Array.from({ length: heads }, (_, head) => changeAt(steps, head, token).factor);
    const sources = sourcesOf(value('weights'), itemOf(trace.v, layer), toJoined, factors);
    return { before, own: { heads: byHead, sources, mlp, ...(perLayer === null ? {} : { perLayer }), rest } };
  };

  /** [1, D] of the last residual at the target's position. */
  const endRow = (trace: Trace, target: LogitTarget): Tensor => {
    checkTarget(target, trace.run.ids.length, vocab);
    return tensor([1, dim], row(itemOf(trace.resid, layers), target.position).slice());
  };
  /** What follows the last layer at the target's position, in a straight line. */
  const endOf = async (trace: Trace, target: LogitTarget) => {
    const rows = endRow(trace, target);
    const feeds = { rows, gradient: { dims: [1, vocab], data: logitSeed(target, vocab) } };
    const end = await sessions.withDirect('end', (session) => session.run(feeds, ['target', 'direction', 'constant']));
    return { value: at(floats(end.target), 0), direction: floats(end.direction), constant: at(floats(end.constant), 0) };
  };

  const logitOf: DirectCalls['logitOf'] = async (rows, { token, rival }) => {
    const { data } = await uncappedLogits(rows);
    return at(data, token) - (rival === undefined ? 0 : at(data, rival));
  };

  return {
    logit: async (trace, target) => logitOf(endRow(trace, target), target),
    logitOf,
    direct: async (trace, target, onProgress) => {
      requirePlainAttention(spec);
      const report = (done: number): unknown => onProgress?.({ stage: 'gradient', done, total: layers + 1 });
      await report(0);
      const { position } = target;
      const end = await endOf(trace, target);
      let { direction } = end;
      const parts: DirectLayer[] = [];
      for (let layer = layers - 1; layer >= 0; layer--) {
        await report(layers - layer);
        const { own, before } = await layerOf(trace, layer, position, direction);
        parts.unshift(own);
        direction = before;
      }
      await report(layers + 1);
      return {
        target: end.value,
        embedding: dot(row(itemOf(trace.resid, 0), position), direction),
        layers: parts,
        rest: end.constant,
      };
    },
  };
}
