import { UserError } from '../core/errors.ts';
import { at, tensor, type Tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import { readRows } from './embedding.ts';
import type { DecoderSpec } from './families/spec.ts';
import type { ModelFiles } from './files.ts';
import { addsPositions, layerExtras } from './graph/decoder.ts';
import { layerInputs, positionTables, tableShapes } from './graph/inputs.ts';
import { sinusoids, type Span } from './graph/positions.ts';
import type { ExpertChoice, LatentVectors, LayerProgress, Trace } from './languageModel.ts';
import { floats, ints, itemOf } from './outputs.ts';
import type { Feed } from './runtime.ts';
import type { Sessions } from './sessions.ts';

/** Keys and values of the tokens before those that are run: per layer [kvHeads, room, .], of which the first `tokens` are theirs. */
export interface Past {
  readonly tokens: number;
  readonly room: number;
  readonly k: readonly Float32Array[];
  readonly v: readonly Float32Array[];
}

export const NO_PAST: Past = { tokens: 0, room: 0, k: [], v: [] };

/**
 * One forward pass over ids of the vocabulary that come after `past`; what is returned is of these ids alone.
 * Loads the weights first. Throws UserError for numbers that are not finite.
 */
export async function forward(spec: DecoderSpec, files: ModelFiles, sessions: Sessions, ids: Int32Array, past: Past, onProgress?: (progress: LayerProgress) => void): Promise<Trace> {
  const { dim, heads, kvHeads, headDim, valueDim } = spec;
  const length = ids.length;
  const layers = spec.blocks.length;
  const trunk = await sessions.trunk((done, total) => onProgress?.({ stage: 'load', done, total }));
  onProgress?.({ stage: 'forward', done: 0, total: layers });
  const embedding = await readRows(files, spec.embedding, ids);
  const resid = [await firstResidual(spec, files, sessions, embedding, past.tokens)];
  const q: Tensor[] = [];
  const k: Tensor[] = [];
  const v: Tensor[] = [];
  const experts: (ExpertChoice | null)[] = [];
  const latent: LatentVectors[] = [];
  const span: Span = { past: past.tokens, room: past.room, tokens: length };
  const tables = positionTables(spec, span);
  for (const { session, from, to } of trunk) {
    const inputs: Record<string, Feed> = { resid: itemOf(resid, from) };
    for (const [name] of tableShapes(spec, layerInputs(spec, from, to))) inputs[name] = tables.get(name) ?? missing(name);
    for (let layer = from; layer < to; layer++) {
      inputs[`pastK.${layer}`] = { dims: [kvHeads, past.room, headDim], data: past.k[layer] ?? new Float32Array(0) };
      inputs[`pastV.${layer}`] = { dims: [kvHeads, past.room, valueDim], data: past.v[layer] ?? new Float32Array(0) };
    }
    const blocks = spec.blocks.slice(from, to);
    const names = blocks.flatMap((block, i) => [`q.${from + i}`, `k.${from + i}`, `v.${from + i}`, `resid.${from + i + 1}`, ...layerExtras(block).map((name) => `${name}.${from + i}`)]);
    const out = await session.run(inputs, names);
    for (const [i, { attention, mlp }] of blocks.entries()) {
      const layer = from + i;
      q.push(tensor([heads, length, headDim], floats(out[`q.${layer}`])));
      k.push(tensor([kvHeads, length, headDim], floats(out[`k.${layer}`])));
      v.push(tensor([kvHeads, length, valueDim], floats(out[`v.${layer}`])));
      resid.push(finite(tensor([length, dim], floats(out[`resid.${layer + 1}`])), layer));
      experts.push(mlp.kind === 'experts' ? { ids: ints(out[`experts.${layer}`]), weights: tensor([length, mlp.chosen], floats(out[`expertWeights.${layer}`])) } : null);
      if (attention.projections.kind === 'latent') {
        const { rank, rotated } = attention.projections;
        latent.push({ compressed: tensor([length, rank], floats(out[`compressed.${layer}`])), sharedKey: tensor([length, rotated], floats(out[`sharedKey.${layer}`])) });
      }
    }
    onProgress?.({ stage: 'forward', done: to, total: layers });
  }
  return { ids, embedding, resid, q, k, v, ...(experts.some((choice) => choice !== null) ? { experts } : {}), ...(latent.length > 0 ? { latent } : {}) };
}

/** [T, D], what the first block reads, of tokens from position `first` on. */
async function firstResidual(spec: DecoderSpec, files: ModelFiles, sessions: Sessions, embedding: Tensor, first: number): Promise<Tensor> {
  const [length = 0] = embedding.dims;
  const scaled = spec.embeddingScale === 1 ? embedding : tensor(embedding.dims, embedding.data.map((value) => value * spec.embeddingScale));
  const positions = await positionRows(spec, files, first, length);
  const session = await sessions.input();
  if (session === null) return positions === null ? scaled : tensor(scaled.dims, scaled.data.map((value, i) => value + at(positions.data, i)));
  const feeds: Record<string, Feed> = { embedding: scaled, ...(positions === null ? {} : { positions }) };
  return tensor([length, spec.dim], floats((await session.run(feeds, ['resid'])).resid));
}

/** [T, D], what is added to the embedding for the positions from `first` on; null: nothing. */
async function positionRows(spec: DecoderSpec, files: ModelFiles, first: number, length: number): Promise<Tensor | null> {
  const { positions, dim } = spec;
  if (!addsPositions(spec)) return null;
  if (positions.kind === 'sinusoidal') return tensor([length, dim], sinusoids({ ...positions, offset: positions.offset + first }, length, dim));
  if (positions.kind !== 'learned') return null;
  return readRows(files, positions.table, Int32Array.from({ length }, (_, i) => first + i + positions.offset));
}

function missing(name: string): never {
  throw new Error(`No table ${name}.`);
}

function finite(resid: Tensor, layer: number): Tensor {
  if (!resid.data.every(Number.isFinite)) throw new UserError(msg`The model's numbers are not finite after layer ${layer}: its weights are damaged.`);
  return resid;
}

/** Throws UserError for no ids, ids outside the vocabulary, or more of them than learned positions. */
export function checkIds(ids: Int32Array, spec: DecoderSpec): void {
  if (ids.length === 0) throw new UserError(msg`There is no token to run the model on.`);
  const outside = ids.find((id) => id < 0 || id >= spec.vocab);
  if (outside !== undefined) throw new UserError(msg`Token ${outside} is outside the model's vocabulary of ${spec.vocab}.`);
  if (spec.positions.kind === 'learned' && ids.length > spec.contextLength) {
    throw new UserError(msg`The model reads ${spec.contextLength} tokens at most, not ${ids.length}.`);
  }
}
