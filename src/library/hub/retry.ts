import { setTimeout as delay } from 'node:timers/promises';
import { CancelledError } from '../../core/errors.ts';
import { Transient } from './problems.ts';

/** How long and how often a hub is borne with. */
export interface Patience {
  /** Failures in a row, without a byte between them, before giving up. */
  readonly attempts: number;
  /** Wait after the first failure; each further one waits twice as long, up to `longestMs`. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** A hub that asks to wait longer is told to the user instead: five minutes are a window of the public hub's rate limit. */
  readonly longestAskedMs: number;
  /** A connection on which nothing comes for so long is broken. */
  readonly idleMs: number;
  /** Answers other than files are small and must end within this. */
  readonly answerMs: number;
}

export const PATIENCE: Patience = { attempts: 6, firstMs: 1000, longestMs: 16_000, longestAskedMs: 310_000, idleMs: 30_000, answerMs: 60_000 };

/** A hub that breaks off after every few bytes is not one: no download needs so many connections. */
const MAX_FAILURES = 2000;

export interface RetryOptions {
  readonly patience: Patience;
  readonly signal: AbortSignal;
  /** Grows with what was achieved: a failure after progress counts as the first again. */
  progress?(): number;
  onWait?(ms: number): void;
}

/** `work`, again and again while it throws Transient. Throws the refusal of the last one, or what else `work` throws. */
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
      await sleep(wait, signal);
    }
  }
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch {
    throw new CancelledError();
  }
}
