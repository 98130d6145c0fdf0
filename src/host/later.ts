import type { Disposed } from './disposable.ts';

/** Time without typing that is a pause: longer than between two keys of a quick typist, and hardly noticed. */
export const PAUSE_MS = 250;

/** Does something a while after it was asked for: once for all that ask meanwhile, and not any more after it is disposed. */
export class Later implements Disposed {
  readonly #afterMs: () => number;
  readonly #act: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  /** `afterMs`: milliseconds from the first that asks to the deed. */
  constructor(afterMs: number | (() => number), act: () => void) {
    this.#afterMs = typeof afterMs === 'number' ? () => afterMs : afterMs;
    this.#act = act;
  }

  /** Asks for it. A function of its own, so that events can be given it. */
  readonly ask = (): void => {
    if (this.#timer === undefined) this.#begin(this.#afterMs());
  };

  /**
   * Asks for it because of what was typed: it waits for a pause in typing then, whoever else asked for it. The editor itself moves what is
   * painted with the text, and is not held up between two keys.
   */
  readonly askInPause = (): void => this.#begin(Math.max(PAUSE_MS, this.#afterMs()));

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  #begin(afterMs: number): void {
    clearTimeout(this.#timer);
    if (this.#disposed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#act();
    }, afterMs);
  }
}
