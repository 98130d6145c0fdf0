import type { Architecture } from '../core/architecture.ts';
import type { MemoryShape } from '../core/memory.ts';
import type { RecipeScope } from '../core/recipe.ts';
import type { Run } from '../core/run.ts';
import { tensor, type Tensor } from '../core/tensor.ts';
import type { ModelInfo } from '../core/trace.ts';
import { openAttention, type AttentionCalls } from './run/headAttention.ts';
import { architectureOf } from './decoderParts.ts';
import { checkAddressable, readModel } from './describeModel.ts';
import { openEmbeddingTable, type EmbeddingCalls } from './run/embeddingTable.ts';
import type { ModelFiles } from './formats/modelFiles.ts';
import { openGradient, type GradientCalls, type LayerOutputCalls } from './run/gradientCalls.ts';
import { openDirect, type DirectCalls } from './path/directCalls.ts';
import { openProjectedValues, type ProjectedValueCalls } from './path/projectedValues.ts';
import { openMixing, type MixingCalls } from './path/mixing.ts';
import { openEffective, type EffectiveCalls } from './path/effectiveAttention.ts';
import { openPath, type PathCalls } from './path/pathCalls.ts';
import { openPositions, type PositionCalls } from './run/positionView.ts';
import { readRows } from './run/embeddingRows.ts';
import { firstResidual, recipeScope } from './run/forward.ts';
import { piecesOf, type CutText } from './run/pieces.ts';
import { runFrom, runWhole, sharedTokens, type OtherInput } from './run/pieceByPiece.ts';
import { finalRow, type FinalRow } from './run/finalRow.ts';
import type { Runtime } from './run/runtime.ts';
import { openLayerSteps, type LayerStepCalls } from './run/layerSteps.ts';
import { openSequence, type Sequence } from './run/sequence.ts';
import type { OnLayerProgress, Trace } from './run/forwardTrace.ts';
import { openSessions } from './run/sessions.ts';
import { openUnembedding, type UnembedCalls } from './run/unembedding.ts';

export type { Sequence } from './run/sequence.ts';
export type { UnembedStats } from './run/unembedding.ts';

/** A decoder with access to all its internal values. Calls may overlap; they run one after another. */
export interface LanguageModel
  extends
    AttentionCalls,
    DirectCalls,
    EffectiveCalls,
    EmbeddingCalls,
    GradientCalls,
    LayerOutputCalls,
    LayerStepCalls,
    MixingCalls,
    PathCalls,
    PositionCalls,
    ProjectedValueCalls,
    UnembedCalls {
  readonly info: ModelInfo;
  /** Its parts with their sizes. */
  readonly architecture: Architecture;
  /** Parsed config.json. */
  readonly config: unknown;
  /** Properties that determine its memory use. */
  readonly shape: MemoryShape;
  /** What a recipe for this model may name. */
  readonly recipeScope: Omit<RecipeScope, 'tokens'>;
  /** The unembedding's row of a token [D], where it reads the residual through no more than a norm: `recipeScope.vocab` is not 0. */
  unembeddingRow(token: number): Promise<Float32Array>;
  /**
   * Runs a forward pass, a long text in pieces; the first call loads the weights. The tokens that `run` shares with `known` are copied from
   * there and not run. Throws UserError for no ids, ids outside the vocabulary, or more ids than learned positions.
   */
  run(run: Run, onProgress?: OnLayerProgress, known?: Trace): Promise<Trace>;
  /** The same where the first block reads another input than that of the ids. Such a trace is of no text. */
  runFrom(run: Run, start: OtherInput, onProgress?: OnLayerProgress): Promise<Trace>;
  /**
   * The residual after the last block [1, D] at one position of a run that differs from a known one: what both compute alike, and what
   * comes after the position, is not computed. Throws UserError as `run` does.
   */
  finalRow(asked: FinalRow, checkpoint?: () => unknown): Promise<Tensor>;
  /** [T, D], what the first block would read of T tokens whose row of the embedding table is the mean of all rows: `embeddingMean`. */
  averageInput(tokens: number): Promise<Tensor>;
  /** Number of tokens at the start of `run` that are not run where a trace of `known` is there. */
  sharedTokens(known: Run, run: Run): number;
  /** An empty sequence that grows by tokens, with a cache of keys and values. `tokens`: how many it will hold, where that is known. */
  sequence(tokens?: number): Sequence;
  dispose(): Promise<void>;
}

/**
 * Checks config.json and the weights' headers, and describes the model. No weights are read before the first call.
 * `cut`: how a long text is cut into pieces that are run one after another. Throws UserError naming the file, option or tensor at fault.
 */
export async function openLanguageModel(files: ModelFiles, runtime: Runtime, cut: CutText = piecesOf): Promise<LanguageModel> {
  const read = await readModel(files, runtime.kind, runtime.dequantizedMaxBytes);
  if (runtime.kind === 'wasm') checkAddressable(read);
  const { config, spec } = read;
  const info: ModelInfo = { ...read.facts, ...runtimeFacts(runtime) };
  const sessions = openSessions(spec, files, runtime, read.shape.loadedBytes);
  const runnable = { spec, files, sessions, cut };
  const attention = openAttention(spec, files, sessions);
  const table = openEmbeddingTable(spec, files);
  const unembedding = openUnembedding(spec, () => sessions.unembed(), read.shape.loadedBytes);
  return {
    // What became of an execution provider may change with any run.
    get info() {
      const provider = runtime.use?.() ?? null;
      return provider === null ? info : { ...info, provider };
    },
    // Walks through all weights, and only a picture of the model asks for it.
    get architecture() {
      return architectureOf(spec);
    },
    config,
    shape: read.shape,
    recipeScope: recipeScope(spec),
    unembeddingRow: async (token) => (await readRows(files, spec.unembed.weight, Int32Array.of(token))).data,
    run: (run, onProgress, known) => runWhole(runnable, run, known ?? null, onProgress),
    runFrom: (run, start, onProgress) => runFrom(runnable, run, start, onProgress),
    finalRow: (asked, checkpoint) => finalRow(runnable, asked, checkpoint),
    averageInput: async (tokens) => {
      const mean = await table.embeddingMean();
      const rows = new Float32Array(tokens * mean.length);
      for (let token = 0; token < tokens; token++) rows.set(mean, token * mean.length);
      return firstResidual(runnable, tensor([tokens, mean.length], rows), 0);
    },
    sharedTokens: (known, run) => sharedTokens(spec, known, run),
    sequence: (tokens) => openSequence(runnable, attention.lastRow, tokens),
    attention: attention.attention,
    headAttention: attention.headAttention,
    readHeads: attention.readHeads,
    scoreSteps: attention.scoreSteps,
    ...table,
    ...openDirect(spec, sessions, unembedding),
    ...openEffective(spec, files, sessions),
    ...openGradient(runnable, unembedding),
    ...openLayerSteps(spec, sessions, unembedding),
    ...openMixing(runnable, attention),
    ...openPath(spec, files, sessions),
    ...openProjectedValues(spec, sessions, attention),
    ...openPositions(spec, files, sessions),
    ...unembedding,
    dispose: () => sessions.dispose(),
  };
}

function runtimeFacts({ kind, threads, nativeFailure }: Runtime): Pick<ModelInfo, 'runtime' | 'threads' | 'nativeFailure'> {
  return { runtime: kind, threads, ...(nativeFailure === undefined ? {} : { nativeFailure }) };
}
