import type { Run } from '../../core/run.ts';
import type { Tensor } from '../../core/tensor.ts';

/** How far a call has come: `done` of `total` sessions loaded, or layers run. */
export interface LayerProgress {
  readonly stage: 'load' | 'forward';
  readonly done: number;
  readonly total: number;
}

/** Receives the progress of a call. The call awaits it, and rejects with what it throws, so it is a place to cancel. */
export type OnLayerProgress = (progress: LayerProgress) => unknown;

/** Values that one forward pass over T tokens keeps. */
export interface Trace {
  /** The run of T tokens. */
  readonly run: Run;
  /** [T, D] static rows of the embedding table, before positions. */
  readonly embedding: Tensor;
  /**
   * layers + 1 of [T, D]: 0 is the input of the first block, i comes after block i; before the final norm. Of several streams the active
   * one.
   */
  readonly resid: readonly Tensor[];
  /** layers + 1 of [T, n * D], all streams side by side. Absent where the residual is one stream. */
  readonly streams?: readonly Tensor[];
  /** Per layer [heads, T, headDim], after positions; here and below [0, T, 0] of a layer without attention. */
  readonly q: readonly Tensor[];
  /** Per layer [kvHeads, T, headDim], after positions; of a layer that reads another one's, those. */
  readonly k: readonly Tensor[];
  /** Per layer [kvHeads, T, valueDim]; valueDim equals headDim except with latent attention. */
  readonly v: readonly Tensor[];
  /** [T, layers * width], vectors that each layer reads besides the residual. Absent where none does. */
  readonly perLayer?: Tensor;
  /** Per layer, the experts that each token was routed to; null for a layer without experts. Absent where no layer has any. */
  readonly experts?: readonly (ExpertChoice | null)[];
  /** Per layer, the latent vectors that keys and values are computed from. Absent without latent attention. */
  readonly latent?: readonly LatentVectors[];
  /** Per layer, what one without attention keeps of the run's tokens. Absent where no layer keeps any, or it is not known. */
  readonly states?: readonly LayerState[];
}

/** What layers hand on, layers + 1 of [T, D], or of n streams [T, n * D]: what the next layer and the unembedding read. */
export function carriedIn({ resid, streams }: Pick<Trace, 'resid' | 'streams'>): readonly Tensor[] {
  return streams ?? resid;
}

/** The experts of one layer that each token was routed to. */
export interface ExpertChoice {
  /** [T, chosen] ids. */
  readonly ids: Int32Array;
  /** [T, chosen] weight of each expert's output. */
  readonly weights: Tensor;
}

/** Latent attention's vectors of each token, from which all heads' keys and values are computed. */
export interface LatentVectors {
  /** [T, rank], after its norm. */
  readonly compressed: Tensor;
  /** [T, rotated], the part of the key that all heads share, after rotation. */
  readonly sharedKey: Tensor;
}

/** What a layer without attention keeps of the tokens before, by the names and sizes of `stateSizes`. */
export type LayerState = Readonly<Partial<Record<'window' | 'state', Float32Array>>>;

/** Cached keys and values of earlier tokens: per layer [kvHeads, room, .], of which the first `tokens` rows are in use. */
export interface Past {
  readonly tokens: number;
  readonly room: number;
  readonly k: readonly Float32Array[];
  readonly v: readonly Float32Array[];
  /** Per layer, what one without attention keeps of these tokens; empty before any token. */
  readonly states: readonly LayerState[];
}
