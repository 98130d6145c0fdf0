import { UserError } from '../../core/errors.ts';
import { allFinite, at, row, tensor, type Tensor } from '../../core/tensor.ts';
import { msg } from '../../core/translatable.ts';
import type { Runnable } from './forward.ts';
import { attentionAt } from '../families/mixers.ts';
import { carriedWidth, keySource } from '../families/spec.ts';
import { gradientWork, layerGradient, layerOutputs, wholeIfKept, type KeyValueGradient, type LayerOutputs } from './layerBackwards.ts';
import { floats, itemOf } from './outputs.ts';
import { carriedIn, type Trace } from './forwardTrace.ts';
import { workOf, type Piece } from './pieces.ts';
import { activeOf, refuseOtherActive } from './streams.ts';
import type { UnembedCalls } from './unembedding.ts';

/**
 * A number that the model computes.
 * `logit`: of a token after a position, before a final soft cap, less that of `rival` where there is one; `logprob`: the natural log of its
 * probability; `logprobs`: the sum of several of these.
 */
export type GradientTarget = LogitTarget | ({ readonly kind: 'logprob' } & Prediction) | LogprobsTarget;

/** A token of the vocabulary as the one after a position. */
export interface Prediction {
  readonly position: number;
  readonly token: number;
}

/** One prediction or more, each at a position of its own. */
export interface LogprobsTarget {
  readonly kind: 'logprobs';
  readonly predictions: readonly Prediction[];
}

export interface LogitTarget {
  readonly kind: 'logit';
  readonly position: number;
  readonly token: number;
  readonly rival?: number;
}

/** How a target changes with the numbers inside one forward pass. */
export interface Gradient {
  /**
   * Per layer [T, D], with respect to `resid` at the layer's input. Of several streams the active one's; at the first layer that of the
   * residual which all of them are made of.
   */
  readonly resid: readonly Tensor[];
  /** Per layer [T, n * D], with respect to all streams at the layer's input. Absent where the residual is one stream. */
  readonly streams?: readonly Tensor[];
  /** [T, D], or of several streams all, with respect to what the last layer hands on: 0 but at the target's positions. */
  readonly final: Tensor;
  /** Per layer, of the names asked for that it has: `weights` [heads, T, T], 0 for keys after the query, others [T, n], one row a token. */
  readonly inside: readonly ReadonlyMap<string, Tensor>[];
}

/**
 * Hears how many pieces of the text in the model's layers, and of what follows them, are done. The call waits for it, and ends with
 * what it throws: a place to stop at.
 */
export type OnGradientProgress = (progress: { readonly stage: 'gradient'; readonly done: number; readonly total: number }) => unknown;

/** The calls of a model that differentiate it. */
export interface GradientCalls {
  /**
   * The gradient of `target` at every layer of a whole text's trace, a long text in pieces. `isWanted`: names of values within layers
   * whose gradient is wanted too: `concatenatedHeads` (the heads' outputs before the projection), `weights` (attention), `mlpOutput`,
   * `hidden` (the MLP's neurons; of expert i `expert.i.hidden`) and others that `layerGradient` knows. Which experts a token is sent to
   * is held fixed. Loads each layer once more on the first call. Throws UserError for a token outside the vocabulary and numbers that are
   * not finite, RangeError for a position
   * outside the text.
   */
  gradient(trace: Trace, target: GradientTarget, onProgress?: OnGradientProgress, isWanted?: (name: string) => boolean): Promise<Gradient>;
  /**
   * [T, T], how the target of `gradient`, which is of this trace, changes with each attention weight of one head; 0 for keys after the
   * query.
   */
  weightGradient(
    trace: Trace,
    gradient: Pick<Gradient, 'resid' | 'streams' | 'final'>,
    of: { readonly layer: number; readonly head: number },
    onProgress?: OnGradientProgress,
  ): Promise<Tensor>;
}

/** The call for what is inside layers, which a graph of each layer computes anew. */
export interface LayerOutputCalls {
  /** Loads the layer once more on the first call. */
  layerOutputs(trace: Trace, layer: number): Promise<LayerOutputs>;
}

/** Predictions whose tables of [rows, vocabulary] are there at once. */
const END_ROWS = 32;

export function openGradient(
  { spec, sessions, cut }: Pick<Runnable, 'spec' | 'sessions' | 'cut'>,
  { logits }: Pick<UnembedCalls, 'logits'>,
): GradientCalls & LayerOutputCalls {
  const layers = spec.blocks.length;
  const { vocab } = spec;
  const width = carriedWidth(spec);

  /** With respect to what the last layer hands on, of its shape. */
  const endOf = async (last: Tensor, target: GradientTarget): Promise<Tensor> => {
    const final = tensor(last.dims, new Float32Array(last.data.length));
    const predictions = predictionsOf(target);
    for (let from = 0; from < predictions.length; from += END_ROWS) {
      const part = predictions.slice(from, from + END_ROWS);
      const rows = tensor([part.length, width], new Float32Array(part.length * width));
      for (const [index, { position }] of part.entries()) row(rows, index).set(row(last, position));
      const seed = target.kind === 'logit' ? logitSeed(target, vocab) : logprobSeeds(part, await logits(rows), spec.logitCap);
      const feeds = { rows, gradient: { dims: [part.length, vocab], data: seed } };
      const found = await sessions.withGradient('end', async (session) =>
        floats((await session.run(feeds, ['gradient.rows']))['gradient.rows']),
      );
      for (const [index, { position }] of part.entries()) row(final, position).set(found.subarray(index * width, (index + 1) * width));
    }
    return final;
  };

  /** [T, D], with respect to the first residual, from the gradient of all streams that are made of it. */
  const startOf = async (resid: Tensor, gradient: Tensor): Promise<Tensor> =>
    sessions.withGradient('start', async (session) =>
      tensor(resid.dims, floats((await session.run({ resid, gradient }, ['gradient.resid']))['gradient.resid'])),
    );

  /** How a text is cut for the gradients of a layer. */
  const piecesOf = (layer: number, length: number): readonly Piece[] =>
    wholeIfKept(itemOf(spec.blocks, layer), cut(gradientWork(spec, layer), 0, length));

  return {
    weightGradient: async (trace, { resid, streams = resid, final }, { layer, head }, onProgress) => {
      attentionAt(spec, layer);
      const { length } = trace.run.ids;
      const pieces = piecesOf(layer, length);
      let done = 0;
      const report = (): unknown => onProgress?.({ stage: 'gradient', done: done++, total: pieces.length });
      const gradient = streams[layer + 1] ?? final;
      const { inside } = await layerGradient({ spec, sessions }, trace, { layer, gradient, pieces, isWanted: isWeights, head }, report);
      await report();
      return inside.get('weights') ?? tensor([length, length], new Float32Array(length * length));
    },
    layerOutputs: (trace, layer) =>
      layerOutputs({ spec, sessions }, trace, layer, cut(workOf(spec, layer, layer + 1), 0, trace.run.ids.length)),
    gradient: async (trace, target, onProgress, isWanted = () => false) => {
      checkTarget(target, trace.run.ids.length, vocab);
      refuseOtherActive(spec);
      const { length } = trace.run.ids;
      const pieces = Array.from({ length: layers }, (_, layer) => piecesOf(layer, length));
      const total = pieces.reduce((sum, { length: count }) => sum + count, 1);
      let done = 0;
      const report = (): unknown => onProgress?.({ stage: 'gradient', done: done++, total });
      await report();
      const final = await endOf(itemOf(carriedIn(trace), layers), target);
      const carried: Tensor[] = [];
      const inside: ReadonlyMap<string, Tensor>[] = [];
      let gradient = finite(final, layers);
      /** By layer whose keys and values later ones read, their gradients by way of those. */
      const shared = new Map<number, KeyValueGradient>();
      for (let layer = layers - 1; layer >= 0; layer--) {
        const source = keySource(spec, layer);
        const later = shared.get(source);
        const asked = { layer, gradient, pieces: itemOf(pieces, layer), isWanted, ...(later === undefined ? {} : { later }) };
        const found = await layerGradient({ spec, sessions }, trace, asked, report);
        if (source === layer) shared.delete(layer);
        else shared.set(source, found.keyValue);
        gradient = finite(found.resid, layer);
        carried.unshift(gradient);
        inside.unshift(found.inside);
      }
      await report();
      if (spec.streams === null) return { resid: carried, final, inside };
      const start = finite(await startOf(itemOf(trace.resid, 0), gradient), 0);
      const resid = carried.map((one, layer) => (layer === 0 ? start : activeOf(spec, one)));
      return { resid, streams: carried, final, inside };
    },
  };
}

function isWeights(name: string): boolean {
  return name === 'weights';
}

/** [V], how the target changes with each logit. */
export function logitSeed({ token, rival }: LogitTarget, vocab: number): Float32Array {
  const seed = new Float32Array(vocab);
  seed[token] = 1;
  if (rival !== undefined) seed[rival] = at(seed, rival) - 1;
  return seed;
}

/**
 * [N, V]: d log p(token) = 1 - p for the token of each row and -p for the others, times 1 - (logit / cap)^2 under a soft cap. `logits`
 * [N, V], capped.
 */
function logprobSeeds(predictions: readonly Prediction[], logits: Tensor, cap: number | null): Float32Array {
  const seeds = new Float32Array(logits.data.length);
  for (const [index, { token }] of predictions.entries()) {
    const own = row(logits, index);
    const largest = own.reduce((most, logit) => Math.max(most, logit), -Infinity);
    const exponentials = Float64Array.from(own, (logit) => Math.exp(logit - largest));
    const sum = exponentials.reduce((total, exponential) => total + exponential, 0);
    const seed = own.map((logit, id) => {
      const slope = (id === token ? 1 : 0) - at(exponentials, id) / sum;
      return cap === null ? slope : slope * (1 - (logit / cap) ** 2);
    });
    seeds.set(seed, index * seed.length);
  }
  return seeds;
}

function predictionsOf(target: GradientTarget): readonly Prediction[] {
  return target.kind === 'logprobs' ? target.predictions : [target];
}

/** Throws UserError for a token outside the vocabulary or one that is its own rival, RangeError for a position outside the text. */
export function checkTarget(target: GradientTarget, length: number, vocab: number): void {
  const predictions = predictionsOf(target);
  const rivals = target.kind === 'logit' && target.rival !== undefined ? [target.rival] : [];
  const outside = [...predictions.map(({ token }) => token), ...rivals].find((id) => !Number.isInteger(id) || id < 0 || id >= vocab);
  if (outside !== undefined) throw new UserError(msg`Token ${outside} is outside the model's vocabulary of ${vocab}.`);
  if (rivals[0] === predictions[0]?.token) throw new UserError(msg`The rival is the token itself: a difference needs two tokens.`);
  for (const { position } of predictions)
    if (!Number.isInteger(position) || position < 0 || position >= length)
      throw new RangeError(`Position ${position} is outside a text of ${length} tokens.`);
}

function finite(gradient: Tensor, layer: number): Tensor {
  if (!allFinite(gradient.data))
    throw new UserError(
      msg`The gradient's numbers are not finite at the input of layer ${layer}: the model's numbers there are too large, or its \
weights are damaged.`,
    );
  return gradient;
}
