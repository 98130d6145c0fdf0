import type { AgentModel, AgentModels, ListedModel } from '../agents/agentTool.ts';
import { CancelledError, UserError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { WorkerEndedError, type Connection } from '../worker/rpc.ts';
import type { ModelLocation, WorkerApi } from '../worker/workerApi.ts';

/** Models that stay open at once; the one that was not asked for longest makes way. */
const MOST_OPEN = 2;
/** Time without a call after which a model's process ends and its memory is free. */
const IDLE_MS = 10 * 60_000;

/** A model's process, and the model in it once it is open. */
interface OpenWorker {
  readonly connection: Connection<WorkerApi>;
  readonly opened: Promise<unknown>;
}

/** The models of a server for agents, each in a process of its own while it is asked. */
export interface AgentWorkers extends AgentModels {
  readonly dispose: () => Promise<void>;
}

/**
 * Models that run in processes which are started when first asked. Calls run one after another, in the order of their arrival; a call whose
 * signal is aborted stops at its next checkpoint, and the model stays open. `locations`: by the names that agents use; `start`: starts a
 * process.
 */
export function agentWorkers(
  locations: ReadonlyMap<string, () => Promise<ModelLocation>>,
  start: () => Connection<WorkerApi>,
  idleMs = IDLE_MS,
): AgentWorkers {
  /** By name, the one that was asked last at the end. */
  const open = new Map<string, OpenWorker>();
  let last: Promise<unknown> = Promise.resolve();
  let idle: ReturnType<typeof setTimeout> | undefined;
  let waiting = 0;

  const close = async (name: string): Promise<void> => {
    const worker = open.get(name);
    open.delete(name);
    await worker?.connection.dispose();
  };
  const closeAll = async (): Promise<void> => {
    clearTimeout(idle);
    await Promise.all(Array.from(open.keys(), close));
  };
  const openWorker = async (name: string): Promise<OpenWorker> => {
    const known = open.get(name);
    if (known !== undefined) {
      open.delete(name);
      open.set(name, known);
      return known;
    }
    const [longest] = open.keys();
    if (open.size >= MOST_OPEN && longest !== undefined) await close(longest);
    const location = await locations.get(name)?.();
    if (location === undefined) throw new UserError(`There is no model ${JSON.stringify(name)}.`);
    const connection = start();
    const worker = { connection, opened: connection.remote.open(location) };
    // Awaited where the model is used; a failure before that is not unhandled.
    worker.opened.catch(() => undefined);
    open.set(name, worker);
    return worker;
  };
  /** Runs `work` after all earlier calls; `call`: the one that it belongs to. */
  const inTurn = <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    clearTimeout(idle);
    waiting++;
    const result = last.then(() => {
      if (signal.aborted) throw new CancelledError();
      return work();
    });
    const settled = (): void => {
      if (--waiting === 0) idle = setTimeout(() => void closeAll(), idleMs).unref();
    };
    last = result.then(settled, settled);
    return result;
  };

  return {
    names: () => [...locations.keys()],
    describe: (signal) =>
      inTurn(signal, async () => {
        const connection = start();
        try {
          const listed: ListedModel[] = [];
          for (const [name, locate] of locations) listed.push({ name, about: await described(connection, locate) });
          return listed;
        } finally {
          await connection.dispose();
        }
      }),
    use: (name, call, work) =>
      inTurn(call.signal, async () => {
        const worker = await openWorker(name);
        const { connection } = worker;
        const stop = (): void => connection.cancel();
        call.signal.addEventListener('abort', stop, { once: true });
        const off = connection.onProgress((progress) => call.tell(stageText(progress)));
        try {
          await worker.opened;
          return await work(connection.remote satisfies AgentModel);
        } catch (error) {
          if (call.signal.aborted && error instanceof CancelledError) throw error;
          if (error instanceof WorkerEndedError) {
            await close(name);
            throw new UserError(`The process of the model ${JSON.stringify(name)} ended (${error.reason}); the next call starts another.`, {
              cause: error,
            });
          }
          // A model that does not open is tried again by the next call: the user may have mended its files.
          if (!(await isOpen(worker))) await close(name);
          throw error;
        } finally {
          off();
          call.signal.removeEventListener('abort', stop);
        }
      }),
    dispose: closeAll,
  };
}

async function isOpen({ opened }: OpenWorker): Promise<boolean> {
  return opened.then(
    () => true,
    () => false,
  );
}

async function described(connection: Connection<WorkerApi>, locate: () => Promise<ModelLocation>): Promise<ListedModel['about']> {
  try {
    return await connection.remote.describe(await locate());
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

const STAGES: Readonly<Record<Progress['stage'], string>> = {
  load: 'Loading the model',
  forward: 'Running the model',
  predictions: 'Computing predictions',
  windows: 'Reading the text',
  gradient: 'Computing gradients',
  changed: 'Running the model on changed texts',
};

function stageText({ stage, done, total }: Progress): string {
  return total === 0 ? STAGES[stage] : `${STAGES[stage]}: ${Math.floor((100 * done) / total)} %`;
}
