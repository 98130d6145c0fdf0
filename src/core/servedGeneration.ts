/** Most tokens that an engine is asked for at once. */
export const MOST_SERVED = 4096;

/** A token that an engine generated, or might have, and its probability before any sampling. */
export interface ServedCandidate {
  /** Its text as decoded alone: what is no whole character is U+FFFD. */
  readonly text: string;
  readonly prob: number;
}

/** A token that an engine generated. `top`: the alternatives that it returned, best first. */
export interface ServedToken extends ServedCandidate {
  readonly top: readonly ServedCandidate[];
}

/** What an engine wrote after a text, drawn by its own sampling. */
export interface ServedGeneration {
  readonly text: string;
  /** Empty where the engine returns no log-probabilities. */
  readonly tokens: readonly ServedToken[];
  /** Why it ended, in the engine's word; null: it does not say. */
  readonly end: string | null;
  /** Milliseconds in which the engine answered. */
  readonly ms: number;
}
