import { CancelledError, messageOf, RuntimeFailedError, userSentence, UserError } from '../../core/errors.ts';
import type { Explanation, ModelInfo } from '../../core/trace.ts';
import type { TextLayout } from '../../core/fileScores.ts';
import type { Run } from '../../core/run.ts';
import type { ExplainRequest } from '../../protocol/explainRequest.ts';
import type { QueryArgs, QueryName, QueryResult } from '../../protocol/queries.ts';
import type { ModelLocation, TokenCount, WorkerApi } from '../../worker/workerApi.ts';
import type { Progress } from '../../core/progress.ts';
import { WorkerEndedError, type Connection } from '../../worker/rpc.ts';
import { Disposable } from '../disposable.ts';
import type { Translate } from '../../core/translatable.ts';
import { liveWorker, type LiveWorker, type WantedModel } from './liveWorker.ts';
import { runJob, SilentError, type Terms } from './workerJob.ts';

/** State of the model in use. */
export type ModelState =
  | { readonly kind: 'idle' }
  /** `name`: the model that is being opened. */
  | { readonly kind: 'loading'; readonly name: string }
  | { readonly kind: 'ready'; readonly info: ModelInfo }
  | { readonly kind: 'failed'; readonly message: string };

/** Parts of the extension that a `ModelClient` uses. */
export interface ModelClientOptions {
  /** Starts a worker for `model`. */
  readonly connect: (model: WantedModel) => Promise<Connection<WorkerApi>>;
  /** The model that the settings name now. */
  readonly wanted: () => WantedModel;
  /** Called when the state of the model changes. */
  readonly onState: (state: ModelState) => void;
  /** Called once for each change of the settings whose model, `refused`, could not be opened; `kept` stays in use. */
  readonly onRefused: (refused: WantedModel, kept: WantedModel, error: unknown) => void;
  /** Called when a worker without a request died: for the log. */
  readonly onIdleFailure: (error: Error) => void;
  /** Resolves once work that nobody waits for may begin; absent: at once. */
  readonly pause?: () => Promise<void>;
  readonly t: Translate;
  /** Time in ms without a request after which the worker is ended; the next request starts another. Ten minutes if absent. */
  readonly idleMs?: number;
}

/** An explanation with the key of the model that made it, which questions about the explanation must name. */
export interface ExplainedBy {
  readonly explanation: Explanation;
  readonly modelKey: string;
}

const IDLE_MS = 10 * 60_000;
/** Longest time for counting tokens, which follows each change of the selection; 100,000 characters take a tenth of it. */
const COUNT_MAX_MS = 2000;
/** Time without progress or answer after which a call that the user cannot cancel counts as lost. */
const SILENCE_MAX_MS = 120_000;

/**
 * The extension's access to the model. It starts the worker when first needed and runs one call at a time. If a new model cannot be
 * opened, the previous one stays in use. Cancelling asks the worker to stop between two layers, which keeps its model loaded; a worker
 * that does not stop is ended. Every call ends: counting at its deadline, an explanation when the user cancels, any other call after a long
 * silence. No call delays the change to another model.
 */
export class ModelClient extends Disposable {
  readonly #options: ModelClientOptions;
  #live: LiveWorker | undefined;
  #starting: LiveWorker | undefined;
  #good: WantedModel | undefined;
  #refusedKey: string | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #busy = 0;
  /** Stops each of the works that make way for others. */
  readonly #behind = new Set<AbortController>();
  /** Stops the current job. */
  #stopJob: (() => void) | undefined;
  /** Key of a model whose tokenizer is too slow for counting. */
  #slowCounter: string | undefined;
  #idleTimer: Timer | undefined;

  constructor(options: ModelClientOptions) {
    super();
    this.#options = options;
  }

  /** Runs the model over a text. Aborting ends a run in progress. Rejects with CancelledError, UserError or a defect. */
  explain(request: ExplainRequest, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<ExplainedBy> {
    this.#makeWay();
    return this.#enqueue({ signal, onProgress, maxMs: Infinity, endsWorker: true }, async (live) => {
      const explanation = await live.connection.remote.explain(request);
      return { explanation, modelKey: live.model.key };
    });
  }

  /**
   * Counts tokens without loading weights. Rejects with UserError if that takes too long; the model's tokenizer is then not used for
   * counting again.
   */
  countTokens(text: string, signal: AbortSignal): Promise<TokenCount> {
    const { key, engine, name } = this.#options.wanted();
    if (engine !== undefined)
      return Promise.reject(
        new UserError(
          this.#options.t('To count its tokens, {0} would have to be sent the text: only what you explain is sent there.', name),
        ),
      );
    const tooLong = new UserError(this.#options.t('The tokenizer of this model takes too long to count with.'));
    if (this.#slowCounter === key) return Promise.reject(tooLong);
    return this.#enqueue({ signal, onProgress: undefined, maxMs: COUNT_MAX_MS, endsWorker: false }, (live) =>
      live.connection.remote.countTokens(text),
    ).catch((error: unknown) => {
      if (!(error instanceof SilentError)) throw error;
      this.#slowCounter = key;
      throw tooLong;
    });
  }

  /** Asks the model of `modelKey` a question about a run. Rejects with UserError once another model has taken its place. */
  ask<Name extends QueryName>(
    modelKey: string,
    run: Run,
    name: Name,
    args: QueryArgs<Name>,
    signal: AbortSignal,
  ): Promise<QueryResult<Name>> {
    this.#makeWay();
    return this.#ask(modelKey, run, name, args, signal);
  }

  /**
   * Makes a text into tokens, to be scored by `askBehind`. `stride`: tokens from a window to the next; null: half a window. Rejects as
   * `askBehind` does.
   */
  layOut(text: string, stride: number | null, signal: AbortSignal): Promise<{ readonly layout: TextLayout; readonly modelKey: string }> {
    return this.#inBackground(signal, (turn) =>
      this.#enqueue(background(turn), async (live) => ({
        layout: await live.connection.remote.layOut(text, stride),
        modelKey: live.model.key,
      })),
    );
  }

  /**
   * `ask`, for a work that nobody waits for: it begins in a pause of the typing, makes way for explanations and questions, and begins again
   * after them. Rejects with CancelledError where it was aborted, or the model is being changed.
   */
  askBehind<Name extends QueryName>(
    modelKey: string,
    run: Run,
    name: Name,
    args: QueryArgs<Name>,
    signal: AbortSignal,
  ): Promise<QueryResult<Name>> {
    return this.#inBackground(signal, (turn) => this.#ask(modelKey, run, name, args, turn));
  }

  #ask<Name extends QueryName>(
    modelKey: string,
    run: Run,
    name: Name,
    args: QueryArgs<Name>,
    signal: AbortSignal,
  ): Promise<QueryResult<Name>> {
    return this.#enqueue(background(signal), async (live) => {
      if (live.model.key !== modelKey)
        throw new UserError(this.#options.t('The model was changed since this text was explained: run again.'));
      return live.connection.remote.ask(run, name, args);
    });
  }

  /** Runs `job` until it is done, again each time that it had to make way. */
  async #inBackground<T>(signal: AbortSignal, job: (turn: AbortSignal) => Promise<T>): Promise<T> {
    for (;;) {
      // What an engine does takes nothing from the editor.
      if (!this.isElsewhere) await this.#options.pause?.();
      throwIfAborted(signal);
      const turn = new AbortController();
      const stop = (): void => turn.abort();
      signal.addEventListener('abort', stop, { once: true });
      this.#behind.add(turn);
      try {
        return await job(turn.signal);
      } catch (error) {
        const madeWay = error instanceof CancelledError && turn.signal.aborted && !signal.aborted;
        if (!madeWay || this.disposed) throw error;
      } finally {
        this.#behind.delete(turn);
        signal.removeEventListener('abort', stop);
      }
    }
  }

  #makeWay(): void {
    for (const turn of this.#behind) turn.abort();
  }

  /** Stops whatever the worker is doing, including loading. */
  stop(): void {
    if (this.#starting) this.#end(this.#starting, new CancelledError());
    else this.#stopJob?.();
  }

  /** After a change of the settings, opens their model if a model is in use. Returns the key of the model in use then, if any. */
  async reopen(): Promise<string | undefined> {
    this.#refusedKey = undefined;
    if (!this.#live) return undefined;
    return this.#enqueue(background(new AbortController().signal), async (live) => live.model.key);
  }

  override dispose(): void {
    super.dispose();
    clearTimeout(this.#idleTimer);
    for (const live of [this.#starting, this.#live]) live?.end(new CancelledError());
    this.#starting = this.#live = undefined;
  }

  /**
   * Runs `job` after the jobs before it, unless its signal is aborted by then. Work of a model that is no longer wanted is stopped for
   * it.
   */
  #enqueue<T>(terms: Terms, job: (live: LiveWorker) => Promise<T>): Promise<T> {
    const { signal, onProgress } = terms;
    clearTimeout(this.#idleTimer);
    this.#busy++;
    this.#stopOthers();
    const result = this.#tail.then(async () => {
      throwIfAborted(signal);
      const live = await this.#open(onProgress);
      throwIfAborted(signal);
      const { result: done, stop } = runJob(live, terms, job, (reason) => this.#end(live, reason), this.#options.t);
      this.#stopJob = stop;
      try {
        return await done;
      } catch (error) {
        if (error instanceof RuntimeFailedError) this.#end(live, error);
        throw error;
      } finally {
        this.#stopJob = undefined;
      }
    });
    this.#tail = result.catch(() => undefined).then(() => this.#settled());
    return untilAborted(result, signal);
  }

  /** Stops work of a model that is no longer wanted. */
  #stopOthers(): void {
    const { key } = this.#options.wanted();
    if (this.#refusedKey === key) return;
    if (this.#starting && this.#starting.model.key !== key) this.#end(this.#starting, new CancelledError());
    else if (!this.#starting && this.#live && this.#live.model.key !== key) this.#stopJob?.();
  }

  /** Name of the model that the settings name, loaded or not. */
  get wantedName(): string {
    return this.#options.wanted().name;
  }

  /** Whether an engine elsewhere serves the model that the settings name, so that what it reads leaves this machine. */
  get isElsewhere(): boolean {
    return this.#options.wanted().engine !== undefined;
  }

  /** Key of the model that the settings name: with another one, there are other numbers. */
  get wantedKey(): string {
    return this.#options.wanted().key;
  }

  #settled(): void {
    this.#busy--;
    if (this.#busy > 0 || this.disposed) return;
    this.#idleTimer = setTimeout(() => {
      if (this.#live && this.#busy === 0) this.#end(this.#live, new CancelledError());
    }, this.#options.idleMs ?? IDLE_MS);
  }

  /** The worker of the wanted model, started if necessary; the previous model's if the wanted one cannot be opened. */
  async #open(onProgress: LiveWorker['progress']): Promise<LiveWorker> {
    if (this.disposed) throw new CancelledError();
    const wanted = this.#options.wanted();
    if (this.#live && (this.#live.model.key === wanted.key || this.#refusedKey === wanted.key)) return this.#live;
    if (this.#refusedKey === wanted.key && this.#good) return this.#start(this.#good, onProgress);
    try {
      const live = await this.#start(wanted, onProgress);
      this.#refusedKey = undefined;
      return live;
    } catch (error) {
      const good = this.#good;
      if (error instanceof CancelledError || this.disposed || !good || good.key === wanted.key) throw error;
      this.#refusedKey = wanted.key;
      this.#options.onRefused(wanted, good, error);
      const kept = this.#live ?? (await this.#start(good, onProgress));
      if (kept.info) this.#options.onState({ kind: 'ready', info: kept.info });
      return kept;
    }
  }

  async #start(model: WantedModel, onProgress: LiveWorker['progress']): Promise<LiveWorker> {
    this.#options.onState({ kind: 'loading', name: model.name });
    let live: LiveWorker | undefined;
    try {
      live = this.#watch(liveWorker(model, await this.#options.connect(model)));
      live.progress = onProgress;
      this.#starting = live;
      if (this.disposed) throw new CancelledError();
      const location = await live.whileAlive(model.locate());
      const info = await this.#opened(live, location);
      live.info = info;
      this.#live?.end(new CancelledError());
      this.#live = live;
      this.#good = model;
      this.#options.onState({ kind: 'ready', info });
      return live;
    } catch (error) {
      live?.end(new CancelledError());
      if (error instanceof CancelledError) this.#options.onState({ kind: 'idle' });
      else
        this.#options.onState({
          kind: 'failed',
          message: error instanceof UserError ? userSentence(error, this.#options.t) : messageOf(error),
        });
      throw error;
    } finally {
      this.#starting = undefined;
    }
  }

  /** Opens the model at `location`. A worker that takes longer than `SILENCE_MAX_MS` is ended. */
  async #opened(live: LiveWorker, location: ModelLocation): Promise<ModelInfo> {
    const deadline = setTimeout(
      () =>
        live.end(
          new UserError(this.#options.t('The model {0} could not be opened within {1} seconds.', live.model.name, SILENCE_MAX_MS / 1000)),
        ),
      SILENCE_MAX_MS,
    );
    try {
      return await live.whileAlive(live.connection.remote.open(location, weightBytes(this.#live?.info)));
    } finally {
      clearTimeout(deadline);
    }
  }

  #watch(live: LiveWorker): LiveWorker {
    live.connection.onFailure((error) => {
      if (this.#busy === 0) this.#options.onIdleFailure(error);
      this.#end(live, new UserError(endSentence(error, this.#options.t), { cause: error }));
    });
    return live;
  }

  /** Ends a worker; the next request starts another. */
  #end(live: LiveWorker, error: Error): void {
    live.end(error);
    if (this.#live !== live) return;
    this.#live = undefined;
    this.#options.onState({ kind: 'idle' });
  }
}

function endSentence(error: Error, t: Translate): string {
  const { reason, lacksMemory } = error instanceof WorkerEndedError ? error : { reason: error.message, lacksMemory: false };
  return lacksMemory
    ? t(
        'The model’s process ended unexpectedly ({0}), as when there is no memory left: run again, with a shorter text or a smaller model.',
        reason,
      )
    : t('The model’s process ended unexpectedly ({0}): run again to start another.', reason);
}

/** Terms of a call that is not shown: aborting it does not justify ending the worker. */
function background(signal: AbortSignal): Terms {
  return { signal, onProgress: undefined, maxMs: SILENCE_MAX_MS, endsWorker: false };
}

type Timer = ReturnType<typeof setTimeout>;

/** Bytes that ending a model frees: about its weights as float32. */
function weightBytes(info: ModelInfo | undefined): number {
  return 4 * (info?.parameters ?? 0);
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new CancelledError();
}

/** `result`, or CancelledError as soon as `signal` is aborted. */
function untilAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new CancelledError());
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void result.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
