import type { ModelInfo } from '../core/trace.ts';
import type { ModelLocation, Progress, WorkerApi } from '../worker/api.ts';
import type { Connection } from '../worker/rpc.ts';

/** A model the user wants. Equal keys: the same model run the same way. */
export interface WantedModel {
  readonly key: string;
  readonly name: string;
  locate(): Promise<ModelLocation>;
}

/** One worker with one model in it, from its start to its end. */
export interface LiveWorker {
  readonly model: WantedModel;
  readonly connection: Connection<WorkerApi>;
  /** Who hears of the progress of the call going on. */
  progress: ((progress: Progress) => void) | undefined;
  /** What the model is, once it is open. */
  info: ModelInfo | undefined;
  /** What comes of `work` while the worker lives; rejects with the reason of its end otherwise. */
  whileAlive<T>(work: Promise<T>): Promise<T>;
  /** Ends the worker for `reason`; the first reason counts. */
  end(reason: Error): void;
}

/** The life of a worker that was just started for `model`. */
export function liveWorker(model: WantedModel, connection: Connection<WorkerApi>): LiveWorker {
  let endedFor: Error | undefined;
  let reject: (error: Error) => void = () => undefined;
  const ended = new Promise<never>((_resolve, rejectEnded) => {
    reject = rejectEnded;
  });
  // Ending an idle worker is no one's failure.
  ended.catch(() => undefined);
  const live: LiveWorker = {
    model,
    connection,
    progress: undefined,
    info: undefined,
    whileAlive: async (work) => {
      try {
        return await Promise.race([work, ended]);
      } catch (error) {
        throw endedFor ?? error;
      }
    },
    end: (reason) => {
      endedFor ??= reason;
      reject(endedFor);
      void connection.dispose();
    },
  };
  connection.onProgress((progress) => live.progress?.(progress));
  return live;
}
