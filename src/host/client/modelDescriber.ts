import { userSentence, UserError } from '../../core/errors.ts';
import { inertSentence } from '../../core/inertText.ts';
import type { Translate } from '../../core/translatable.ts';
import type { ModelLocation, WorkerApi } from '../../worker/workerApi.ts';
import type { Connection } from '../../worker/rpc.ts';
import { Disposable } from '../disposable.ts';
import type { Log } from '../log.ts';
import { UNKNOWN, type Known, type Resources } from '../models/modelEntries.ts';

/** Time without a request after which the worker is ended. */
const IDLE_MS = 20_000;
/** Longest time for one description, so that other models need not wait; the largest vocabulary of a GGUF file takes half of it. */
const DESCRIBE_MAX_MS = 2000;

/** Describes models one by one, each once, in a separate worker, since the model's own may be busy for seconds. */
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

  /** Description of the model at `locate()`, kept under `key`. */
  describe(key: string, locate: () => Promise<ModelLocation>): Promise<Known> {
    const known = this.#known.get(key) ?? this.#inTurn(() => this.#ask(locate));
    this.#known.set(key, known);
    return known;
  }

  /** Forgets all descriptions, since files, free memory or the settings of the runtime may have changed. */
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
    let late = false;
    try {
      const { remote } = await (this.#worker ??= this.#start());
      // The worker answers this once it has started, so its start does not count towards the deadline below.
      const resources: Resources = await remote.resources();
      const location = await locate();
      const deadline = setTimeout(() => {
        late = true;
        this.#end();
      }, DESCRIBE_MAX_MS);
      try {
        return { kind: 'described', description: await remote.describe(location), resources };
      } finally {
        clearTimeout(deadline);
      }
    } catch (error) {
      if (error instanceof UserError) return { kind: 'refused', reason: inertSentence(userSentence(error, this.#t)) };
      if (late)
        return {
          kind: 'refused',
          reason: inertSentence(
            this.#t('Its description takes longer than {0} seconds: the files may be damaged.', DESCRIBE_MAX_MS / 1000),
          ),
        };
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
