/** Something that holds on to a resource until it is let go. */
export interface Disposed {
  dispose(): void;
}

/** Base of everything with a lifetime: what is registered goes when it goes, last first. */
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

  /** Keeps `held` for as long as this lives; lets it go at once where this is gone already. */
  protected register<T extends Disposed>(held: T): T {
    if (this.#disposed) held.dispose();
    else this.#held.push(held);
    return held;
  }
}
