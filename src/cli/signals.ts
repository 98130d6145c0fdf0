/** Signals that stop a command, and the exit code that tells a shell which one it was: 128 plus the signal's number. */
export const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** Name of a signal that stops a command. */
export type StopSignal = keyof typeof EXIT_CODES;

const SIGNALS: readonly StopSignal[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];

/** The command was stopped by a signal. The message tells the user what became of the work so far; empty if there is nothing to tell. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
  readonly signal: StopSignal;

  constructor(signal: StopSignal, message: string) {
    super(message);
    this.signal = signal;
  }
}

/** `name` as a stop signal; undefined if it is not one. */
export function stopSignal(name: string | null): StopSignal | undefined {
  return SIGNALS.find((signal) => signal === name);
}

/**
 * Calls `listener` with the first stop signal instead of ending the process; a second one ends it at once. Returns a function that
 * removes the handlers.
 */
export function onStop(listener: (signal: StopSignal) => void): () => void {
  let stopped = false;
  const heard = (name: NodeJS.Signals): void => {
    const signal = stopSignal(name);
    if (signal === undefined) return;
    if (stopped) process.exit(EXIT_CODES[signal]);
    stopped = true;
    listener(signal);
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return () => {
    for (const signal of SIGNALS) process.off(signal, heard);
  };
}
