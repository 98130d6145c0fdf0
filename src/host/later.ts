import type { Disposed } from './disposable.ts';

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
    if (this.#disposed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#act();
    }, this.#afterMs());
  };

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }
}
