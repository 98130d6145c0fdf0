/** Which keys a query sees, its own included: the last so many, those from the start of its chunk on, or null: all up to its own. */
export type KeyWindow = number | KeyChunk | null;

/** Chunks of so many positions, counted from the text's start. */
export interface KeyChunk {
  readonly chunk: number;
}

/** The first key that a query sees. */
export function firstSeen(window: KeyWindow, query: number): number {
  if (window === null) return 0;
  return typeof window === 'number' ? Math.max(0, query - window + 1) : query - (query % window.chunk);
}
