import type { Token } from './trace.ts';

/** Callbacks that a caller gives to a long computation. */
export interface CallContext {
  /**
   * Reports how far the call has come, and waits until messages that arrived meanwhile are handled. Rejects with CancelledError if one
   * of them was a cancellation.
   */
  readonly progress: (progress: Progress) => Promise<void>;
  /** The same without a report. */
  readonly checkpoint: () => Promise<void>;
}

/** A context that neither tells anybody nor can be cancelled. */
export const UNWATCHED: CallContext = { progress: async () => undefined, checkpoint: async () => undefined };

/** How far a long call has come: `done` of `total` in the stage's own unit. */
export interface Progress {
  readonly stage: 'load' | 'forward' | 'predictions' | 'windows' | 'gradient' | 'changed';
  readonly done: number;
  readonly total: number;
  /** The tokens of the text about to be run; present once, as soon as they are known. */
  readonly tokens?: readonly Token[];
}
