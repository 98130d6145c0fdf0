import { CancelledError } from '../../core/errors.ts';
import { pause } from './pause.ts';
import { Transient } from './problems.ts';

/** Limits on retries and waiting. */
export interface Patience {
  /** Consecutive failures, without a byte received in between, before giving up. */
  readonly attempts: number;
  /** Wait after the first failure; each further one waits twice as long, up to `longestMs`. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** Longest wait that the hub may ask for; a longer one becomes an error. The public hub's rate limit has windows of five minutes. */
  readonly longestAskedMs: number;
  /** Time without data after which a connection counts as broken. */
  readonly idleMs: number;
  /** Longest duration of a response that is not a file; those are small. */
  readonly answerMs: number;
}

/** The limits used outside of tests. */
export const PATIENCE: Patience = {
  attempts: 6,
  firstMs: 1000,
  longestMs: 16_000,
  longestAskedMs: 310_000,
  idleMs: 30_000,
  answerMs: 60_000,
};

/** Most failures in total, for a hub that breaks off after every few bytes; no honest download needs so many connections. */
const MAX_FAILURES = 2000;

/** Settings and callbacks of `retrying`. */
export interface RetryOptions {
  readonly patience: Patience;
  readonly signal: AbortSignal;
  /** A measure of progress, such as bytes received; a failure after progress counts as the first again. */
  progress?(): number;
  /** Called before each wait. */
  onWait?(ms: number): void;
}

/**
 * Runs `work` until it succeeds, waiting and trying again while it throws Transient. Throws the `refusal` of the last Transient once
 * the limits of `patience` are reached, any other error of `work`, and CancelledError.
 */
export async function retrying<T>(work: () => Promise<T>, { patience, signal, progress = () => 0, onWait }: RetryOptions): Promise<T> {
  let achieved = progress();
  for (let inRow = 0, all = 1; ; all++) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw new CancelledError();
      if (!(error instanceof Transient)) throw error;
      const now = progress();
      inRow = now > achieved ? 1 : inRow + 1;
      achieved = now;
      const wait = error.waitMs ?? Math.min(patience.longestMs, patience.firstMs * 2 ** (inRow - 1));
      if (inRow >= patience.attempts || all >= MAX_FAILURES || wait > patience.longestAskedMs) throw error.refusal;
      onWait?.(wait);
      await pause(wait, signal);
    }
  }
}
