import { userSentence, UserError } from '../core/errors.ts';
import type { Translate } from '../core/translatable.ts';
import type { ModelLocation, WorkerApi } from '../worker/api.ts';
import type { Connection } from '../worker/rpc.ts';
import { Disposable } from './disposable.ts';
import type { Log } from './log.ts';
import { UNKNOWN, type Known, type Resources } from './modelEntries.ts';

/** The worker is ended when nothing was asked of it for so long. */
const IDLE_MS = 20_000;

/** Describes models in a worker of its own: the model's may be at work for seconds. One after another, each once. */
export class ModelDescriber extends Disposable {
  readonly #connect: () => Promise<Connection<WorkerApi>>;
  readonly #log: Log;
  readonly #t: Translate;
  readonly #known = new Map<string, Promise<Known>>();
  #worker: Promise<Connection<WorkerApi>> | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connect: () => Promise<Connection<WorkerApi>>, log: Log, t: Translate) {
    super();
    this.#connect = connect;
    this.#log = log;
    this.#t = t;
  }

  /** What is known of the model under `key`, at `locate()`; described where it was not yet. */
  describe(key: string, locate: () => Promise<ModelLocation>): Promise<Known> {
    const known = this.#known.get(key) ?? this.#inTurn(() => this.#ask(locate));
    this.#known.set(key, known);
    return known;
  }

  /** Forgets everything: files, free memory and the settings of the runtime may have changed. */
  forget(): void {
    this.#known.clear();
    this.#end();
  }

  override dispose(): void {
    super.dispose();
    this.#end();
  }

  #inTurn(work: () => Promise<Known>): Promise<Known> {
    const result = this.#tail.then(work);
    this.#tail = result;
    return result;
  }

  async #ask(locate: () => Promise<ModelLocation>): Promise<Known> {
    if (this.disposed) return UNKNOWN;
    clearTimeout(this.#timer);
    try {
      const { remote } = await (this.#worker ??= this.#start());
      const description = await remote.describe(await locate());
      const resources: Resources = await remote.resources();
      return { kind: 'described', description, resources };
    } catch (error) {
      if (error instanceof UserError) return { kind: 'refused', reason: userSentence(error, this.#t) };
      this.#log.error('Describing a model', error);
      this.#end();
      return UNKNOWN;
    } finally {
      this.#timer = setTimeout(() => this.#end(), IDLE_MS);
    }
  }

  async #start(): Promise<Connection<WorkerApi>> {
    const connection = await this.#connect();
    connection.onFailure(() => this.#end());
    return connection;
  }

  #end(): void {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.then((connection) => connection.dispose()).catch(() => undefined);
  }
}
