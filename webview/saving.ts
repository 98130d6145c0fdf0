import type { PersistedState } from '../src/protocol/messages.ts';
import { changeDetector } from './parts/dom.ts';
import { persisted, type ViewState } from './state.ts';

/** Milliseconds within which changes are saved together. */
const TOGETHER = 100;

/**
 * Saver of the state: calls `save` shortly after anything that is kept has changed. It receives every state; most of them (pointer moves,
 * download progress) change nothing that is kept, and what is kept includes whole texts.
 */
export function createSaver(save: (kept: PersistedState) => void): (state: ViewState) => void {
  const changed = changeDetector();
  let latest: ViewState | undefined;
  return (state) => {
    if (!changed(state.shown, state.settings, state.comparison, state.generation.tree)) return;
    // Not a debounce: a generation changes the state more often than this, and would put saving off until its end.
    if (latest === undefined)
      setTimeout(() => {
        const kept = latest && persisted(latest);
        latest = undefined;
        if (kept !== undefined) save(kept);
      }, TOGETHER);
    latest = state;
  };
}
