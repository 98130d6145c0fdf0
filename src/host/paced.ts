import type { Disposed } from './disposable.ts';

/** Milliseconds between two looks at how far something has come. */
const LOOK_MS = 100;

/**
 * Tells how far something has come as often as is looked at. Telling takes the time of the thread that draws, and what comes after waits
 * behind all that was told. Of what comes meanwhile the newest is told, never after the end.
 */
export class Paced<Told> implements Disposed {
  readonly #tell: (what: Told) => void;
  readonly #join: (before: Told, after: Told) => Told;
  #held: { readonly what: Told } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** By `performance.now()`: when it may be told next. */
  #due: number;
  #isBegun = false;
  #ended = false;

  /** `firstAfterMs`: work that ends within so long is not told of at all. `join`: what is told in place of two; the second, if absent. */
  constructor(tell: (what: Told) => void, firstAfterMs = 0, join: (before: Told, after: Told) => Told = (_, after) => after) {
    this.#tell = tell;
    this.#join = join;
    this.#due = performance.now() + firstAfterMs;
  }

  /** Tells this now, or soon. `isAwaited`: now, unless the work is not told of yet. */
  readonly tell = (what: Told, isAwaited = false): void => {
    if (this.#ended) return;
    this.#held = { what: this.#held === undefined ? what : this.#join(this.#held.what, what) };
    if (isAwaited && this.#isBegun) return this.#flush();
    if (this.#timer !== undefined) return;
    const wait = this.#due - performance.now();
    if (wait <= 0) this.#flush();
    else this.#timer = setTimeout(() => this.#flush(), wait);
  };

  /** Ends it with the newest, if the work is told of. */
  finish(): void {
    if (this.#isBegun && !this.#ended) this.#flush();
    this.dispose();
  }

  /** Ends it: nothing is told any more. */
  dispose(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    const held = this.#held;
    this.#isBegun = true;
    this.#timer = this.#held = undefined;
    this.#due = performance.now() + LOOK_MS;
    if (held !== undefined) this.#tell(held.what);
  }
}
