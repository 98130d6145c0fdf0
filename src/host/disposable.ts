/** Something that holds a resource until it is disposed. */
export interface Disposed {
  dispose(): void;
}

/** Base class of everything with a lifetime: it disposes what is registered with it, last first. */
export abstract class Disposable implements Disposed {
  readonly #held: Disposed[] = [];
  #disposed = false;

  get disposed(): boolean {
    return this.#disposed;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const held of this.#held.splice(0).reverse()) held.dispose();
  }

  /** Disposes `held` together with this object, at once if this object is disposed already. Returns `held`. */
  protected register<T extends Disposed>(held: T): T {
    if (this.#disposed) held.dispose();
    else this.#held.push(held);
    return held;
  }
}
