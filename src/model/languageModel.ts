import { UserError } from '../core/errors.ts';
import { at, tensor, type Tensor } from '../core/tensor.ts';
import type { ModelInfo } from '../core/trace.ts';
import { readRows } from './embedding.ts';
import { familyName, readDecoder } from './families/index.ts';
import type { DecoderSpec } from './families/spec.ts';
import { CONFIG_MAX_BYTES, bytesText, readJson, type ModelFiles } from './files.ts';
import { openWeights } from './formats/weights.ts';
import { attentionGraph } from './graph/attention.ts';
import { causalMask, rotaryTables } from './graph/positions.ts';
import { describe } from './modelInfo.ts';
import type { Feed, Runtime } from './runtime.ts';
import { openSessions, type Sessions } from './sessions.ts';
import { openUnembedding, type UnembedStats } from './unembedding.ts';

export type { UnembedStats } from './unembedding.ts';

/** How far a call has come: `done` of `total` sessions loaded, or layers run. */
export interface LayerProgress {
  readonly stage: 'load' | 'forward';
  readonly done: number;
  readonly total: number;
}

/** Everything one forward pass over T tokens keeps. */
export interface Trace {
  /** [T] */
  readonly ids: Int32Array;
  /** [T, D] static rows of the embedding table, before positions. */
  readonly embedding: Tensor;
  /** layers + 1 of [T, D]: 0 is the input of the first block, i comes after block i; before the final norm. */
  readonly resid: readonly Tensor[];
  /** Per layer [heads, T, headDim], after positions. */
  readonly q: readonly Tensor[];
  /** Per layer [kvHeads, T, headDim], after positions. */
  readonly k: readonly Tensor[];
  /** Per layer [kvHeads, T, headDim] */
  readonly v: readonly Tensor[];
}

/** A decoder whose every number can be asked for. Calls may overlap; they run one after another. */
export interface LanguageModel {
  readonly info: ModelInfo;
  /** Parsed config.json. */
  readonly config: unknown;
  /** Loads the weights on the first call. Throws UserError for no ids, ids outside the vocabulary, or more of them than learned positions. */
  run(ids: Int32Array, onProgress?: (progress: LayerProgress) => void): Promise<Trace>;
  /** [heads, T, T] after softmax; row = query, column = key. */
  attention(trace: Trace, layer: number): Promise<Tensor>;
  /** What q . k is multiplied by in a layer. */
  attentionScale(layer: number): number;
  /** Next-token statistics of residual rows [N, D], before the final norm; `targets` [N] ids. */
  unembed(rows: Tensor, topK: number, targets: Int32Array): Promise<UnembedStats>;
  /** The same, and KL(final || rows) in bits; `final` [N, D] are the last layer's rows at the same positions. */
  lens(rows: Tensor, final: Tensor, topK: number, targets: Int32Array): Promise<UnembedStats & { readonly klBits: Float32Array }>;
  /** [N, V] of residual rows [N, D]. */
  logits(rows: Tensor): Promise<Tensor>;
  dispose(): Promise<void>;
}

/** WebAssembly addresses 4 GiB; what remains is for the runtime and the text. */
const WASM_MAX_WEIGHT_BYTES = 3.5e9;

/**
 * Checks config.json and the weights' headers, and describes the model. No weights are read before the first call.
 * Throws UserError naming the file, option or tensor at fault.
 */
export async function openLanguageModel(files: ModelFiles, runtime: Runtime): Promise<LanguageModel> {
  const config = await readJson(files, 'config.json', CONFIG_MAX_BYTES);
  const family = familyName(config);
  const spec = readDecoder(config, await openWeights(files));
  const info = describe(spec, family, files.name, runtime);
  // The embedding is read from its file by rows, unless it is the unembedding too.
  const loaded = info.parameters - (spec.embedding.name === spec.unembed.weight.name ? 0 : spec.vocab * spec.dim);
  if (runtime.kind === 'wasm' && loaded * 4 > WASM_MAX_WEIGHT_BYTES) {
    throw new UserError(`${files.name} needs ${bytesText(loaded * 4)} of memory, more than the WebAssembly runtime can have.`);
  }
  const sessions = openSessions(spec, files, runtime);
  const unembedding = openUnembedding(spec, () => sessions.unembed());
  return {
    info,
    config,
    run: async (ids, onProgress) => {
      checkIds(ids, spec);
      return forward(spec, files, sessions, ids, onProgress);
    },
    attention: async (trace, layer) => {
      const length = trace.ids.length;
      const session = await sessions.attention(() => attentionGraph(spec));
      const { attention } = await session.run({
        q: layerOf(trace.q, layer),
        k: layerOf(trace.k, layer),
        mask: { dims: [length, length], data: causalMask(length) },
        scale: { dims: [], data: Float32Array.of(scaleOf(spec, layer)) },
      }, ['attention']);
      return tensor([spec.heads, length, length], floats(attention));
    },
    attentionScale: (layer) => scaleOf(spec, layer),
    ...unembedding,
    dispose: () => sessions.dispose(),
  };
}

async function forward(spec: DecoderSpec, files: ModelFiles, sessions: Sessions, ids: Int32Array, onProgress?: (progress: LayerProgress) => void): Promise<Trace> {
  const { dim, heads, kvHeads, headDim } = spec;
  const length = ids.length;
  const layers = spec.blocks.length;
  const trunk = await sessions.trunk((done, total) => onProgress?.({ stage: 'load', done, total }));
  onProgress?.({ stage: 'forward', done: 0, total: layers });
  const embedding = await readRows(files, spec.embedding, ids);
  const resid = [await firstResidual(spec, files, embedding)];
  const q: Tensor[] = [];
  const k: Tensor[] = [];
  const v: Tensor[] = [];
  const shared: Record<string, Feed> = { mask: { dims: [length, length], data: causalMask(length) } };
  if (spec.positions.kind === 'rotary') {
    const { cos, sin } = rotaryTables(spec.positions.rope, length);
    const dims = [length, spec.positions.rope.dim];
    Object.assign(shared, { cos: { dims, data: cos }, sin: { dims, data: sin } });
  }
  for (const { session, from, to } of trunk) {
    const names = Array.from({ length: to - from }, (_, i) => [`q.${from + i}`, `k.${from + i}`, `v.${from + i}`, `resid.${from + i + 1}`]).flat();
    const out = await session.run({ ...shared, resid: layerOf(resid, from) }, names);
    for (let layer = from; layer < to; layer++) {
      q.push(tensor([heads, length, headDim], floats(out[`q.${layer}`])));
      k.push(tensor([kvHeads, length, headDim], floats(out[`k.${layer}`])));
      v.push(tensor([kvHeads, length, headDim], floats(out[`v.${layer}`])));
      resid.push(finite(tensor([length, dim], floats(out[`resid.${layer + 1}`])), layer));
    }
    onProgress?.({ stage: 'forward', done: to, total: layers });
  }
  return { ids, embedding, resid, q, k, v };
}

/** [T, D], what the first block reads. */
async function firstResidual(spec: DecoderSpec, files: ModelFiles, embedding: Tensor): Promise<Tensor> {
  if (spec.positions.kind !== 'learned') return embedding;
  const [length = 0] = embedding.dims;
  const rows = await readRows(files, spec.positions.table, Int32Array.from({ length }, (_, position) => position));
  return tensor(embedding.dims, embedding.data.map((value, i) => value + at(rows.data, i)));
}

function checkIds(ids: Int32Array, spec: DecoderSpec): void {
  if (ids.length === 0) throw new UserError('There is no token to run the model on.');
  const outside = ids.find((id) => id < 0 || id >= spec.vocab);
  if (outside !== undefined) throw new UserError(`Token ${outside} is outside the model's vocabulary of ${spec.vocab}.`);
  if (spec.positions.kind === 'learned' && ids.length > spec.contextLength) {
    throw new UserError(`The model reads ${spec.contextLength} tokens at most, not ${ids.length}.`);
  }
}

function scaleOf(spec: DecoderSpec, layer: number): number {
  const block = spec.blocks[layer];
  if (block === undefined) throw new RangeError(`Layer ${layer} is outside a model of ${spec.blocks.length}.`);
  return block.attention.scale;
}

function layerOf(tensors: readonly Tensor[], layer: number): Tensor {
  const found = tensors[layer];
  if (found === undefined) throw new RangeError(`Layer ${layer} is outside a trace of ${tensors.length}.`);
  return found;
}

function finite(resid: Tensor, layer: number): Tensor {
  if (!resid.data.every(Number.isFinite)) throw new UserError(`The model's numbers are not finite after layer ${layer}: its weights are damaged.`);
  return resid;
}

function floats(data: Float32Array | Int32Array | undefined): Float32Array {
  if (!(data instanceof Float32Array)) throw new Error('The graph returned no float32 numbers.');
  return data;
}
