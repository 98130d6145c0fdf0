import { changeAt, headSteps } from '../../core/interventions.ts';
import { at, dot, row, tensor, type Tensor } from '../../core/tensor.ts';
import { carriedWidth, ofLayer, type DecoderSpec } from '../families/spec.ts';
import { directParts, type DirectPart } from '../graph/directGraph.ts';
import { checkTarget, logitSeed, type LogitTarget, type OnGradientProgress } from '../run/gradientCalls.ts';
import { floats, itemOf } from '../run/outputs.ts';
import type { Sessions } from '../run/sessions.ts';
import { carriedIn, type Trace } from '../run/forwardTrace.ts';
import type { UnembedCalls } from '../run/unembedding.ts';
import { recurredFeed, rowFeeds } from './layerRow.ts';

/** What one layer adds to a logit in a straight line. */
export interface DirectLayer {
  /** [heads], without the bias of the output projection; zeros, as `sources`, of a layer without attention. */
  readonly heads: Float32Array;
  /**
   * [heads, T], each head's part by the token whose value it comes from: a row sums to the head's, but for what a recipe sets the head's
   * output to, which comes from none.
   */
  readonly sources: Tensor;
  /** Of what the layer puts out behind a state, in place of its attention or beside it. Absent where it keeps none. */
  readonly recurrence?: number;
  /** Of the MLP or all experts together, their biases included; 0 where the layer has none. */
  readonly mlp: number;
  /** Of what the layer makes of its per-layer embedding. Absent where it has none. */
  readonly perLayer?: number;
  /** Of biases, of attention's output projection and of norms behind a sublayer, and of what a recipe adds to the residual. */
  readonly rest: number;
}

/**
 * Where a logit comes from: the residual before the final norm is a sum of the embedding and of what every layer adds, and each
 * term goes to the logit by the same linear map once the scale of every norm it passes is held at what it was, and where there are several
 * streams the coefficients that mix them. The terms sum to `target`.
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
  const width = carriedWidth(spec);
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
    const given = await recurredFeed(spec, sessions, trace, layer, token);
    const feeds = { ...rowFeeds(spec, trace, layer, token).feeds, ...given };
    const { valueDim } = ofLayer(spec, layer);
    const { attention } = itemOf(spec.blocks, layer);
    const parts = directParts(spec, layer);
    const attends = attention.kind === 'attention';
    const names = [
      'output',
      'direction.resid',
      ...(attends ? ['weights'] : []),
      ...(attends && attention.gates !== null ? ['headGates'] : []),
      ...parts.filter((part) => part !== 'recurred'),
      ...parts.map((part) => `direction.${part}`),
    ];
    const found = await sessions.withDirect(layer, (session) =>
      session.run({ ...feeds, direction: { dims: [1, width], data: direction } }, names),
    );
    const value = (name: string): Float32Array => floats(found[name]);
    const along = (part: DirectPart): number => {
      if (!parts.includes(part)) return 0;
      return dot(part === 'recurred' ? (given.recurred?.data ?? new Float32Array(dim)) : value(part), value(`direction.${part}`));
    };
    const mlp = along('mlpScaled');
    const before = value('direction.resid');
    const through = dot(row(itemOf(carriedIn(trace), layer), token), before);
    const all = parts.reduce((sum, part) => sum + along(part), 0);
    const rest = dot(value('output'), direction) - through - all;
    const optional = {
      ...(parts.includes('recurred') ? { recurrence: along('recurred') } : {}),
      ...(parts.includes('perLayerOutput') ? { perLayer: along('perLayerOutput') } : {}),
    };
    if (!attends) {
      const none = tensor([heads, trace.run.ids.length], new Float32Array(heads * trace.run.ids.length));
      return { before, own: { heads: new Float32Array(heads), sources: none, mlp, ...optional, rest } };
    }
    const [joined, toJoined] = [value('concatenatedHeads'), value('direction.concatenatedHeads')];
    const byHead = Float32Array.from({ length: heads }, (_, head) =>
      dot(joined.subarray(head * valueDim, (head + 1) * valueDim), toJoined.subarray(head * valueDim, (head + 1) * valueDim)),
    );
    const steps = headSteps(trace.run.recipe, layer);
    const factors = Float32Array.from({ length: heads }, (_, head) => changeAt(steps, head, token).factor);
    // A gate is one of the head's at the query, whatever token a value is of.
    const gates = attention.gates === null ? null : value('headGates');
    const toValues = gates === null ? toJoined : toJoined.map((number, i) => number * at(gates, i));
    const sources = sourcesOf(value('weights'), itemOf(trace.v, layer), toValues, factors);
    return { before, own: { heads: byHead, sources, mlp, ...optional, rest } };
  };

  /** [1, D], or of several streams all, behind the last layer at the target's position. */
  const endRow = (trace: Trace, target: LogitTarget): Tensor => {
    checkTarget(target, trace.run.ids.length, vocab);
    return tensor([1, width], row(itemOf(carriedIn(trace), layers), target.position).slice());
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
        embedding: dot(row(itemOf(carriedIn(trace), 0), position), direction),
        layers: parts,
        rest: end.constant,
      };
    },
  };
}
