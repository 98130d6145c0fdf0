import { KEPT_SHARES, keptBytes } from '../core/memory.ts';
import { runKey, startsWith, commonTokens, type Run, type RunKey } from '../core/run.ts';
import type { Tensor } from '../core/tensor.ts';
import type { HeadAttention } from '../model/run/headAttention.ts';
import type { LanguageModel, Sequence } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { Progress } from '../core/progress.ts';
import { lastResidual, rowsBetween } from './traceRows.ts';
import { readInto, type ReadText } from './generationStep.ts';
import { predict, type Predictions } from './predictions.ts';
import { recent } from './recent.ts';

/** Key of a cached head of a run. */
type HeadKey = `${number}.${number}:${RunKey}`;

/** A forward pass and its time, without loading. */
export interface TimedTrace {
  readonly trace: Trace;
  readonly forwardMs: number;
  /** Whether the trace came from the cache. */
  readonly kept: boolean;
  /** Tokens at the start that were not run for it, as they were known of another text. */
  readonly shared: number;
}

/** What is kept of a forward pass: its predictions too, once they were asked for, as texts that begin alike share them. */
interface KeptPass {
  readonly timed: TimedTrace;
  readonly predictions: Predictions | null;
}

/** Fewer shared tokens are not worth a search: nearly every text begins with the same special token. */
const FEWEST_SHARED = 8;

/** Least room for forward passes: some windows of a long text by a small model, so that one read before is shown at once. */
const LEAST_TRACES_BYTES = 128 * 1024 ** 2;

type OnProgress = (progress: Progress) => Promise<void>;

/** Forward passes, one generated text and attention heads of one model, computed on demand and cached. */
export interface TraceCache {
  /** Whether `wholePass` of `run` has nothing to run. */
  holds(run: Run): boolean;
  /**
   * A forward pass over `run`, timed for the explanation. Only the tokens after a start shared with a cached pass are run; `shared` counts
   * the others.
   */
  wholePass(run: Run, onProgress: OnProgress): Promise<TimedTrace>;
  /** Predictions of a forward pass; those of a shared start are copied. */
  predictions(trace: Trace, topK: number, onProgress: OnProgress): Promise<Predictions>;
  /** The trace of `run`: from a forward pass, or from the text being generated, which is read further if `run` continues it. */
  trace(run: Run, onProgress: OnProgress): Promise<Trace>;
  /** The last residual [1, D] at one position. */
  final(run: Run, position: number, onProgress: OnProgress): Promise<Tensor>;
  /** Reads `run` as the text being generated; only tokens that neither it nor a cached forward pass holds are run. */
  read(run: Run, onProgress: OnProgress): Promise<ReadText>;
  /** Attention of one head. */
  head(trace: Trace, layer: number, head: number): Promise<HeadAttention>;
}

/** An empty cache for `model`; its budget in bytes depends on the size of the model's weights. */
export function createTraceCache(model: LanguageModel): TraceCache {
  const budget = keptBytes(model.shape.loadedBytes);
  const traces = recent<RunKey, KeptPass>(Math.max(KEPT_SHARES.traces * budget, LEAST_TRACES_BYTES));
  const generated = recent<RunKey, Trace>(KEPT_SHARES.generated * budget);
  const heads = recent<HeadKey, HeadAttention>(KEPT_SHARES.heads * budget);
  let sequence: Sequence | null = null;

  const keepPass = (pass: KeptPass): void => {
    const { timed, predictions } = pass;
    traces.set(runKey(timed.trace.run), pass, bytesOf(timed.trace) + (predictions === null ? 0 : predictionBytes(predictions)));
  };
  /** The kept value whose text has most tokens at its start in common with `run`, and how many; null: too few. */
  const nearest = <Value>(
    values: readonly Value[],
    runFrom: (value: Value) => Run,
    run: Run,
  ): { readonly value: Value; readonly tokens: number } | null => {
    const [best] = values
      .map((value) => ({ value, tokens: model.sharedTokens(runFrom(value), run) }))
      .toSorted((a, b) => b.tokens - a.tokens);
    return best === undefined || best.tokens < FEWEST_SHARED ? null : best;
  };
  const wholePass = async (run: Run, onProgress: OnProgress): Promise<TimedTrace> => {
    const known = traces.get(runKey(run));
    if (known !== undefined) return { ...known.timed, kept: true };
    const start = nearest([...traces.values().map(({ timed }) => timed.trace), ...generated.values()], (trace) => trace.run, run);
    let begun = performance.now();
    const trace = await model.run(
      run,
      (progress) => {
        if (progress.stage === 'load') begun = performance.now();
        return onProgress(progress);
      },
      start?.value,
    );
    const timed = { trace, forwardMs: performance.now() - begun, kept: false, shared: start?.tokens ?? 0 };
    keepPass({ timed, predictions: null });
    return timed;
  };
  const predictionsOf: TraceCache['predictions'] = async (trace, topK, onProgress) => {
    const { run } = trace;
    const pass = traces.get(runKey(run));
    const candidates = Math.min(topK, model.info.vocab);
    if (pass?.predictions?.topK === candidates) return pass.predictions;
    const start = nearest(
      traces.values().filter(({ predictions }) => predictions?.topK === candidates),
      ({ timed }) => timed.trace.run,
      run,
    );
    const known = start?.value.predictions ?? null;
    const predictions = await predict(
      model,
      lastResidual(trace),
      run.ids,
      topK,
      onProgress,
      known === null ? null : { predictions: known, tokens: start?.tokens ?? 0 },
    );
    if (pass !== undefined) keepPass({ ...pass, predictions });
    return predictions;
  };
  const traceOf = async (run: Run, onProgress: OnProgress): Promise<Trace> => {
    const key = runKey(run);
    const known = traces.get(key)?.timed.trace ?? generated.get(key);
    if (known !== undefined) return known;
    const held = sequence?.run;
    if (held !== undefined && held.ids.length > 0 && startsWith(run, held)) await sequence?.read(run, onProgress);
    if (sequence?.covers(run) !== true) return (await wholePass(run, onProgress)).trace;
    const trace = sequence.trace(run.ids.length);
    generated.set(key, trace, bytesOf(trace));
    return trace;
  };
  const headKey = ({ run }: Trace, layer: number, head: number): HeadKey => `${layer}.${head}:${runKey(run)}`;
  const keep = (trace: Trace, layer: number, head: number, found: HeadAttention): HeadAttention => {
    heads.set(headKey(trace, layer, head), found, found.weights.data.byteLength);
    return found;
  };
  const headOf: TraceCache['head'] = async (trace, layer, head) =>
    heads.get(headKey(trace, layer, head)) ?? keep(trace, layer, head, await model.headAttention(trace, layer, head));
  return {
    holds: (run) => traces.has(runKey(run)),
    wholePass,
    predictions: predictionsOf,
    trace: traceOf,
    final: async (run, position, onProgress) => {
      const whole = traces.get(runKey(run))?.timed.trace;
      if (whole === undefined && sequence?.covers(run) === true) return sequence.final(position);
      return rowsBetween(lastResidual(whole ?? (await traceOf(run, onProgress))), position, position + 1);
    },
    read: async (run, onProgress) => {
      sequence ??= model.sequence();
      const shared = commonTokens(sequence.run, run);
      const starts = traces
        .values()
        .map(({ timed }) => timed.trace)
        .filter((trace) => startsWith(run, trace.run) && trace.run.ids.length > shared);
      const longest = starts.toSorted((a, b) => b.run.ids.length - a.run.ids.length)[0];
      if (longest !== undefined) sequence.adopt(longest);
      return readInto(sequence, run, onProgress);
    },
    head: headOf,
  };
}

function predictionBytes({ logprob, rank, entropy, topIds, topProbs }: Predictions): number {
  return [logprob, rank, entropy, topIds, topProbs].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function bytesOf(trace: Trace): number {
  const latent = (trace.latent ?? []).flatMap(({ compressed, sharedKey }) => [compressed, sharedKey]);
  const experts = (trace.experts ?? []).flatMap((choice) => (choice === null ? [] : [choice.weights, { data: choice.ids }]));
  return [trace.embedding, ...trace.resid, ...(trace.streams ?? []), ...trace.q, ...trace.k, ...trace.v, ...latent, ...experts].reduce(
    (sum, item) => sum + item.data.byteLength,
    0,
  );
}
