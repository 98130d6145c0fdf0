import type { MemoryShape } from '../core/memory.ts';
import type { Tensor } from '../core/tensor.ts';
import type { ModelInfo } from '../core/trace.ts';
import { openAttention, type AttentionCalls } from './attention.ts';
import { checkAddressable, readModel } from './describeModel.ts';
import { openEmbeddingTable, type EmbeddingCalls } from './embeddingTable.ts';
import type { ModelFiles } from './files.ts';
import { NO_PAST, checkIds, forward } from './forward.ts';
import { openPath, type PathCalls } from './forwardPath.ts';
import { openPositions, type PositionCalls } from './positions.ts';
import type { Runtime } from './runtime.ts';
import { openSequence, type Sequence } from './sequence.ts';
import { openSessions } from './sessions.ts';
import { openUnembedding, type UnembedStats } from './unembedding.ts';

export type { Sequence } from './sequence.ts';
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
  /** Per layer [kvHeads, T, valueDim]; valueDim is headDim but with latent attention. */
  readonly v: readonly Tensor[];
  /** Per layer, which experts each token was sent to; null for a layer without. Absent where no layer has experts. */
  readonly experts?: readonly (ExpertChoice | null)[];
  /** Per layer, what latent attention makes keys and values from. Absent where there is none. */
  readonly latent?: readonly LatentVectors[];
}

/** The experts of one layer that each token was sent to. */
export interface ExpertChoice {
  /** [T, chosen] ids. */
  readonly ids: Int32Array;
  /** [T, chosen] what each expert's output is multiplied by. */
  readonly weights: Tensor;
}

/** What latent attention keeps of each token: all heads' keys and values are made from it. */
export interface LatentVectors {
  /** [T, rank], after its norm. */
  readonly compressed: Tensor;
  /** [T, rotated], the part of the key that all heads share, after positions. */
  readonly sharedKey: Tensor;
}

/** A decoder whose every number can be asked for. Calls may overlap; they run one after another. */
export interface LanguageModel extends AttentionCalls, EmbeddingCalls, PathCalls, PositionCalls {
  readonly info: ModelInfo;
  /** Parsed config.json. */
  readonly config: unknown;
  /** What its need of memory depends on. */
  readonly shape: MemoryShape;
  /** Loads the weights on the first call. Throws UserError for no ids, ids outside the vocabulary, or more of them than learned positions. */
  run(ids: Int32Array, onProgress?: (progress: LayerProgress) => void): Promise<Trace>;
  /** A text that grows, read with a cache of keys and values; none of it yet. */
  sequence(): Sequence;
  /** Next-token statistics of residual rows [N, D], before the final norm; `targets` [N] ids. */
  unembed(rows: Tensor, topK: number, targets: Int32Array): Promise<UnembedStats>;
  /** The same, and KL(final || rows) in bits; `final` [N, D] are the last layer's rows at the same positions. */
  lens(rows: Tensor, final: Tensor, topK: number, targets: Int32Array): Promise<UnembedStats & { readonly klBits: Float32Array }>;
  /** [N, V] of residual rows [N, D]. */
  logits(rows: Tensor): Promise<Tensor>;
  dispose(): Promise<void>;
}

/**
 * Checks config.json and the weights' headers, and describes the model. No weights are read before the first call.
 * Throws UserError naming the file, option or tensor at fault.
 */
export async function openLanguageModel(files: ModelFiles, runtime: Runtime): Promise<LanguageModel> {
  const read = await readModel(files, runtime.kind, runtime.dequantizedMaxBytes);
  if (runtime.kind === 'wasm') checkAddressable(read);
  const { config, spec } = read;
  const info = { ...read.facts, runtime: runtime.kind, threads: runtime.threads };
  const sessions = openSessions(spec, files, runtime);
  const attention = openAttention(spec, files, sessions);
  const unembedding = openUnembedding(spec, () => sessions.unembed());
  return {
    info,
    config,
    shape: read.shape,
    run: async (ids, onProgress) => {
      checkIds(ids, spec);
      return forward(spec, files, sessions, ids, NO_PAST, onProgress);
    },
    sequence: () => openSequence(spec, files, sessions, attention.lastRow),
    attention: attention.attention,
    headAttention: attention.headAttention,
    scoreSteps: attention.scoreSteps,
    ...openEmbeddingTable(spec, files),
    ...openPath(spec, files, sessions),
    ...openPositions(spec, files, sessions),
    ...unembedding,
    dispose: () => sessions.dispose(),
  };
}
