import { CancelledError } from '../../src/core/errors.ts';
import type { Host } from '../vscodeApi.ts';

/** Long work of many questions: one piece of work at a time, which can be stopped between two answers. */
export interface LongRun {
  readonly isRunning: () => boolean;
  /**
   * Begins work and stops what was running; resolves when it has ended, was stopped or has failed. `wanted`: whether anybody still waits
   * for it, asked after each answer.
   */
  readonly start: (work: (wanted: () => boolean) => Promise<void>) => Promise<void>;
  readonly stop: () => void;
  /** Stops without a word: what it was about is no longer shown. */
  readonly halt: () => void;
}

/**
 * Creates the runs of one view, which ask in `slot`. `changed` is called whenever one begins or ends, `failed` with what went wrong in one
 * that nobody has stopped.
 */
export function createLongRun({ drop }: Pick<Host, 'drop'>, slot: string, changed: () => void, failed: (error: unknown) => void): LongRun {
  /** Number of runs begun and stopped: answers to those before are ignored. */
  let turn = 0;
  let running = false;

  function halt(): void {
    turn++;
    running = false;
    drop(slot);
  }
  return {
    isRunning: () => running,
    start: async (work) => {
      halt();
      const own = turn;
      running = true;
      changed();
      try {
        await work(() => turn === own);
      } catch (error) {
        if (turn === own && !(error instanceof CancelledError)) failed(error);
      }
      if (turn !== own) return;
      running = false;
      changed();
    },
    stop: () => {
      halt();
      changed();
    },
    halt,
  };
}
