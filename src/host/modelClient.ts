import { CancelledError, messageOf, userSentence, UserError } from '../core/errors.ts';
import type { Explanation, ModelInfo } from '../core/trace.ts';
import type { Query, QueryName, QueryResult } from '../protocol/messages.ts';
import type { ExplainRequest, Progress, Remote, TokenCount, WorkerApi } from '../worker/api.ts';
import type { Connection } from '../worker/rpc.ts';
import { ask } from './ask.ts';
import { Disposable } from './disposable.ts';
import type { Translate } from '../core/translatable.ts';
import { liveWorker, type LiveWorker, type WantedModel } from './liveWorker.ts';

export type ModelState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'loading'; readonly name: string }
  | { readonly kind: 'ready'; readonly info: ModelInfo }
  | { readonly kind: 'failed'; readonly message: string };

export interface ModelClientOptions {
  /** Starts a worker for `model`. */
  readonly connect: (model: WantedModel) => Promise<Connection<WorkerApi>>;
  /** The model of the settings, as they are now. */
  readonly wanted: () => WantedModel;
  readonly onState: (state: ModelState) => void;
  /** `refused` could not be opened; `kept` goes on working. Called once for each change of the settings. */
  readonly onRefused: (refused: WantedModel, kept: WantedModel, error: unknown) => void;
  /** The worker died with nothing asked of it: for the log. */
  readonly onIdleFailure: (error: Error) => void;
  readonly t: Translate;
  /** A worker nothing was asked of for so long is ended; the next request starts another. */
  readonly idleMs?: number;
}

/** An explanation, and the key of the model that made it: questions about it must go to the same model. */
export interface ExplainedBy {
  readonly explanation: Explanation;
  readonly modelKey: string;
}

const IDLE_MS = 10 * 60_000;

/**
 * The extension's side of the model: starts the worker when first needed, one call in it at a time. A model that cannot
 * be opened leaves the one before working. Cancelling ends the worker, because a run cannot be stopped otherwise.
 */
export class ModelClient extends Disposable {
  readonly #options: ModelClientOptions;
  #live: LiveWorker | undefined;
  #starting: LiveWorker | undefined;
  #good: WantedModel | undefined;
  #refusedKey: string | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #busy = 0;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ModelClientOptions) {
    super();
    this.#options = options;
  }

  /** Runs the model over a text. Aborting ends a run in progress. Rejects with CancelledError, UserError or a defect. */
  explain(request: ExplainRequest, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<ExplainedBy> {
    return this.#enqueue(signal, onProgress, async (live) => {
      const stop = (): void => this.#end(live, new CancelledError());
      signal.addEventListener('abort', stop, { once: true });
      try {
        const explanation = await live.whileAlive(live.connection.remote.explain(request));
        return { explanation, modelKey: live.model.key };
      } finally {
        signal.removeEventListener('abort', stop);
      }
    });
  }

  /** Counts tokens without loading weights. */
  countTokens(text: string, signal: AbortSignal): Promise<TokenCount> {
    return this.#enqueue(signal, undefined, (live) => live.whileAlive(live.connection.remote.countTokens(text)));
  }

  /** Asks about an explanation of `ids` made by the model of `modelKey`. Refused once another model has taken its place. */
  query(modelKey: string, ids: Int32Array, query: Query, signal: AbortSignal): Promise<QueryResult<QueryName>> {
    return this.call(modelKey, signal, (remote) => ask(remote, ids, query));
  }

  /** Any other call to the model of `modelKey`. Refused once another model has taken its place. */
  call<T>(modelKey: string, signal: AbortSignal, call: (remote: Remote<WorkerApi>) => Promise<T>): Promise<T> {
    return this.#enqueue(signal, undefined, (live) => {
      if (live.model.key !== modelKey) throw new UserError(this.#options.t('The model was changed since this text was explained: run again.'));
      return live.whileAlive(call(live.connection.remote));
    });
  }

  /** Ends whatever the worker is doing, loading included. */
  stop(): void {
    const running = this.#starting ?? (this.#busy > 0 ? this.#live : undefined);
    if (running) this.#end(running, new CancelledError());
  }

  /** After a change of the settings: opens their model, where one is in use. Key of the model in use then, if any. */
  async reopen(): Promise<string | undefined> {
    this.#refusedKey = undefined;
    if (!this.#live) return undefined;
    return this.#enqueue(new AbortController().signal, undefined, async (live) => live.model.key);
  }

  override dispose(): void {
    super.dispose();
    clearTimeout(this.#idleTimer);
    for (const live of [this.#starting, this.#live]) live?.end(new CancelledError());
    this.#starting = this.#live = undefined;
  }

  /** Runs `job` after those before it; one whose signal is aborted by then is never started. */
  #enqueue<T>(signal: AbortSignal, onProgress: LiveWorker['progress'], job: (live: LiveWorker) => Promise<T>): Promise<T> {
    clearTimeout(this.#idleTimer);
    this.#busy++;
    const result = this.#tail.then(async () => {
      throwIfAborted(signal);
      const live = await this.#open(onProgress);
      throwIfAborted(signal);
      live.progress = onProgress;
      try {
        return await job(live);
      } finally {
        live.progress = undefined;
      }
    });
    this.#tail = result.catch(() => undefined).then(() => this.#settled());
    return untilAborted(result, signal);
  }

  #settled(): void {
    this.#busy--;
    if (this.#busy > 0 || this.disposed) return;
    this.#idleTimer = setTimeout(() => {
      if (this.#live && this.#busy === 0) this.#end(this.#live, new CancelledError());
    }, this.#options.idleMs ?? IDLE_MS);
  }

  /** The worker of the wanted model, started where it is not there yet; that of the model before where it cannot be. */
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
      const info = await live.whileAlive(live.connection.remote.open(location, weightBytes(this.#live?.info)));
      live.info = info;
      this.#live?.end(new CancelledError());
      this.#live = live;
      this.#good = model;
      this.#options.onState({ kind: 'ready', info });
      return live;
    } catch (error) {
      live?.end(new CancelledError());
      if (error instanceof CancelledError) this.#options.onState({ kind: 'idle' });
      else this.#options.onState({ kind: 'failed', message: error instanceof UserError ? userSentence(error, this.#options.t) : messageOf(error) });
      throw error;
    } finally {
      this.#starting = undefined;
    }
  }

  #watch(live: LiveWorker): LiveWorker {
    live.connection.onFailure((error) => {
      if (this.#busy === 0) this.#options.onIdleFailure(error);
      this.#end(live, new Error(this.#options.t('The model stopped unexpectedly: {0}', error.message), { cause: error }));
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

/** What is free again once a model is gone: about its weights as float32. */
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
