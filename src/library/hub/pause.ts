import { CancelledError } from '../../core/errors.ts';

const listenersOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when a signal aborts; returns a function that removes it. However many listen, the signal itself has one listener: Node
 * warns of a leak at more than ten.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const known = listenersOf.get(signal);
  const all = known ?? new Set<() => void>();
  if (known === undefined) {
    listenersOf.set(signal, all);
    signal.addEventListener('abort', () => {
      for (const each of all) each();
    });
  }
  all.add(listener);
  return () => void all.delete(listener);
}

/** Waits so many milliseconds. Rejects with CancelledError as soon as the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new CancelledError());
    const timer = setTimeout(() => {
      off();
      resolve();
    }, ms);
    const off = onAbort(signal, () => {
      off();
      clearTimeout(timer);
      reject(new CancelledError());
    });
  });
}
