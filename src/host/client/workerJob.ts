import { CancelledError, UserError } from '../../core/errors.ts';
import type { Translate } from '../../core/translatable.ts';
import type { LiveWorker } from './liveWorker.ts';

/**
 * Time that a worker has to stop after it was asked to. Otherwise it is ended, and the next request loads its model again.
 */
const GRACE_MS = 1000;

/** Conditions under which a job runs. */
export interface Terms {
  /** Cancels the job. */
  readonly signal: AbortSignal;
  readonly onProgress: LiveWorker['progress'];
  /** Longest time in ms without an answer or a sign of progress. */
  readonly maxMs: number;
  /** Whether aborting ends a worker that does not stop in time. */
  readonly endsWorker: boolean;
}

/** A call gave no answer or sign of progress within its time. */
export class SilentError extends UserError {}

/**
 * Runs `job` in the worker. The returned `stop` asks the worker to stop, and ends it if it does not; after `maxMs` of silence the worker
 * is ended with SilentError. `end` ends the worker.
 */
export function runJob<T>(
  live: LiveWorker,
  { signal, onProgress, maxMs, endsWorker }: Terms,
  job: (live: LiveWorker) => Promise<T>,
  end: (reason: Error) => void,
  t: Translate,
): { readonly result: Promise<T>; readonly stop: () => void } {
  let grace: ReturnType<typeof setTimeout> | undefined;
  let deadline: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(deadline);
    if (maxMs === Infinity) return;
    deadline = setTimeout(
      () => end(new SilentError(t('The model did not answer for {0} seconds and was ended: run again.', maxMs / 1000))),
      maxMs,
    );
  };
  const stop = (): void => {
    live.connection.cancel();
    grace ??= setTimeout(() => end(new CancelledError()), GRACE_MS);
  };
  // A question that is no longer wanted does not justify ending the worker and loading the model again.
  const abort = endsWorker ? stop : () => live.connection.cancel();
  live.progress = (progress) => {
    heard();
    onProgress?.(progress);
  };
  signal.addEventListener('abort', abort, { once: true });
  heard();
  const result = live.whileAlive(job(live)).finally(() => {
    clearTimeout(grace);
    clearTimeout(deadline);
    signal.removeEventListener('abort', abort);
    live.progress = undefined;
  });
  return { result, stop };
}
