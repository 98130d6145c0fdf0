import { CancelledError } from '../core/errors.ts';
import { onAbort, pause } from '../library/hub/pause.ts';

/** A limit on the requests that are open at once. */
export interface RequestSlots {
  /** Runs `work` once one of the slots is free and no wait holds. Throws CancelledError when `signal` aborts before. */
  readonly use: <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>;
  /** Lets no request begin for so long: what one was told to wait, all wait. */
  readonly hold: (ms: number) => void;
}

/** `limit` slots, taken in the order of asking. */
export function requestSlots(limit: number): RequestSlots {
  let open = 0;
  let heldUntil = 0;
  const waiting: (() => void)[] = [];
  const next = (): void => {
    open--;
    waiting.shift()?.();
  };
  const taken = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const begin = (): void => {
        off();
        open++;
        resolve();
      };
      const off = onAbort(signal, () => {
        off();
        const place = waiting.indexOf(begin);
        if (place !== -1) waiting.splice(place, 1);
        reject(new CancelledError());
      });
      if (open < limit) begin();
      else waiting.push(begin);
    });
  return {
    hold: (ms) => void (heldUntil = Math.max(heldUntil, Date.now() + ms)),
    use: async (signal, work) => {
      if (signal.aborted) throw new CancelledError();
      await taken(signal);
      try {
        for (let wait = heldUntil - Date.now(); wait > 0; wait = heldUntil - Date.now()) await pause(wait, signal);
        // It may have been cancelled in the moment before.
        if (signal.aborted) throw new CancelledError();
        return await work();
      } finally {
        next();
      }
    },
  };
}
