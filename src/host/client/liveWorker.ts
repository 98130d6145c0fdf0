import type { ModelInfo } from '../../core/trace.ts';
import type { EngineModel } from '../../engines/engineSetting.ts';
import type { ModelLocation, WorkerApi } from '../../worker/workerApi.ts';
import type { Progress } from '../../core/progress.ts';
import type { Connection } from '../../worker/rpc.ts';

/** A model that the user chose. Equal keys mean the same model with the same runtime. */
export interface WantedModel {
  readonly key: string;
  /** Name shown to the user. */
  readonly name: string;
  /** The engine elsewhere that serves it; absent: it runs on this machine. */
  readonly engine?: EngineModel;
  /** Finds the model's files. Throws UserError if they cannot be read. */
  locate(): Promise<ModelLocation>;
}

/** A worker and its one model, from start to end. */
export interface LiveWorker {
  readonly model: WantedModel;
  readonly connection: Connection<WorkerApi>;
  /** Listener for the progress of the current call. */
  progress: ((progress: Progress) => void) | undefined;
  /** Description of the model, once it is open. */
  info: ModelInfo | undefined;
  /** Resolves or rejects as `work` does; rejects with the reason of the worker's end if that comes first. */
  whileAlive<T>(work: Promise<T>): Promise<T>;
  /** Ends the worker. The first reason is the one that `whileAlive` rejects with. */
  end(reason: Error): void;
}

/** Wraps the connection to a worker that was just started for `model`. */
export function liveWorker(model: WantedModel, connection: Connection<WorkerApi>): LiveWorker {
  let endedFor: Error | undefined;
  let reject: (error: Error) => void = () => undefined;
  const ended = new Promise<never>((_resolve, rejectEnded) => {
    reject = rejectEnded;
  });
  // No call fails when an idle worker ends, so the rejection has no other handler.
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
