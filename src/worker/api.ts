import type { ForwardPath, StageName, WeightedSum } from '../core/forwardPath.ts';
import type { Continuation, GenerationStep, StepRequest } from '../core/generation.ts';
import type { ModelDescription, RuntimeKind } from '../core/memory.ts';
import type { PositionView } from '../core/positions.ts';
import type { AttentionCell, AttentionMap, AttentionPicture, AttentionRow, Distribution, ExpertRouting, Explanation, LatentVector, LensLayer, ModelInfo, Projection, Token } from '../core/trace.ts';
import type { LensTop, Neighbours, Similarity, TableVector, VectorMap, WordByLayer, Words } from '../core/vectors.ts';

/** Where a model's files are. */
export type ModelLocation =
  /** A folder in Hugging Face layout on the disk the worker can read. */
  | { readonly kind: 'folder'; readonly name: string; readonly path: string }
  /** The files themselves, where there is no disk (the web). */
  | { readonly kind: 'files'; readonly name: string; readonly files: Readonly<Record<string, Uint8Array>> };

export interface ExplainRequest {
  readonly text: string;
  /** Candidates kept per position. */
  readonly topK: number;
  /** Read the text as a user's message, where the model has a chat template. */
  readonly chat?: boolean;
  /** Explain these generated tokens too, as they are. Left out where another model, or another reading, generated them. */
  readonly continuation?: Continuation;
}

export interface TokenCount {
  readonly count: number;
  /** The text was longer than what is counted: `count` is a lower bound. */
  readonly atLeast: boolean;
}

/** How far a long call has come. `done` of `total` in the stage's own unit. */
export interface Progress {
  readonly stage: 'load' | 'forward' | 'predictions' | 'attention';
  readonly done: number;
  readonly total: number;
}

/**
 * The calls of the thread in which the model lives. Every call after `open` names its input in full (`ids`), so a
 * restarted worker answers the same; the last few forward passes are cached by ids.
 * Errors: UserError with a sentence for the user, or any other Error for a defect.
 */
export interface WorkerApi extends VectorApi, ComparisonApi {
  /**
   * Checks config, weights' header and tokenizer; the weights are loaded by the first forward pass. Throws NoMemoryError where a
   * typical text would take more memory than is free; `released` bytes more will be, once the model before is gone.
   */
  open(location: ModelLocation, released?: number): ModelInfo;
  /** A model that is not open, from its headers alone; every reason not to open it is a UserError, but for its tokenizer's kind. */
  describe(location: ModelLocation): ModelDescription;
  /** What would run a model here, and the bytes of memory it may take; null where the system does not tell. */
  resources(): { readonly runtime: RuntimeKind; readonly free: number | null };
  countTokens(text: string): TokenCount;
  explain(request: ExplainRequest): Explanation;
  attention(ids: Int32Array, layer: number, head: number): AttentionMap;
  attentionPicture(ids: Int32Array, layer: number, head: number): AttentionPicture;
  attentionRow(ids: Int32Array, layer: number, head: number, query: number): AttentionRow;
  attentionCell(ids: Int32Array, layer: number, head: number, query: number, key: number): AttentionCell;
  experts(ids: Int32Array, layer: number): ExpertRouting;
  latent(ids: Int32Array, layer: number, token: number): LatentVector;
  /** `layer` -1 is the static embedding; `skipFirst` finds the components without the first token. */
  projection(ids: Int32Array, layer: number, skipFirst: boolean): Projection;
  lens(ids: Int32Array, layer: number): LensLayer;
  distribution(ids: Int32Array, position: number): Distribution;
  /**
   * The token after `request.ids`: one step of generation. Of the ids only those are run whose keys and values are not held,
   * so a generation is a call a token, each with the ids of all before it. The caller decides how many; the step says when no
   * other may follow. Throws UserError for settings or a seed that mean nothing, and where the ids fill the model's context.
   */
  step(request: StepRequest): GenerationStep;
  /** The text that these tokens spell together, as it goes on from a text before it; special tokens spell nothing. Part of a character at either end shows as U+FFFD. */
  textOf(ids: Int32Array): string;
  /** The way of token `token`, inside layer `layer` as `head` sees it; of the layer's chosen experts number `expert` is shown inside. */
  forwardPath(ids: Int32Array, token: number, layer: number, head: number, expert: number): ForwardPath;
  /** What number `index` of a stage of that way is the sum of. */
  weightedSum(ids: Int32Array, token: number, layer: number, head: number, expert: number, stage: StageName, index: number): WeightedSum;
  /** How positions come into a layer, shown on one query and key of a head. */
  positions(ids: Int32Array, layer: number, head: number, query: number, key: number): PositionView;
}

/** Tokens read, and how long the part of the text was that fits the model, in UTF-16 units. */
export interface TextReading {
  readonly tokens: readonly Token[];
  readonly length: number;
}

/** One token of a text that the model reads. */
export interface TokenPlace {
  readonly ids: Int32Array;
  readonly token: number;
}

/** Calls about vectors: of the static embedding table, which need no text, and of tokens in their texts. */
export interface VectorApi {
  readText(text: string): TextReading;
  /** How each typed word can be taken. */
  words(texts: readonly string[]): Words;
  neighbours(vector: TableVector, count: number): Neighbours;
  vectorMap(vectors: readonly TableVector[]): VectorMap;
  lensTop(ids: Int32Array, layer: number, token: number, count: number): LensTop;
  /** `layer` -1 is the static embedding. */
  similarity(ids: Int32Array, layer: number): Similarity;
  wordByLayer(first: TokenPlace, second: TokenPlace): WordByLayer;
}

/** What next-token distributions are compared with: rows of another text read by the same model, or another model's logits [N, vocab]. */
export type OtherRows =
  | { readonly kind: 'ids'; readonly ids: Int32Array; readonly positions: Int32Array }
  | { readonly kind: 'logits'; readonly logits: Float32Array };

/** Calls for comparing two texts, or two models. */
export interface ComparisonApi {
  /** Equal for models whose ids mean the same. */
  vocabularyKey(): string;
  /** [N, vocab] after these positions. */
  logits(ids: Int32Array, positions: Int32Array): { readonly logits: Float32Array };
  /** [N] bits, KL(own || other) of the next-token distributions after the positions. */
  divergence(ids: Int32Array, positions: Int32Array, other: OtherRows): { readonly bits: Float32Array };
}

/** The same calls as seen from the other thread. */
export type Remote<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: infer Args) => infer Result ? (...args: Args) => Promise<Awaited<Result>> : never;
};
