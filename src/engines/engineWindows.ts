import { UserError } from '../core/errors.ts';
import { strideOf, textWindows, tokensOfWindow, windowHolding } from '../core/textWindows.ts';
import type { ReadWindow, Token } from '../core/trace.ts';
import type { Protocol, ServerToken } from './engineApi.ts';
import { expertsAsked, joined, placed, textOf, type EngineText, type EngineTextOptions } from './engineText.ts';

/** A window of a text that an engine does not read at once. */
export interface EngineWindow {
  readonly window: ReadWindow;
  readonly tokens: readonly Token[];
  /** [N] the same as the engine told them. */
  readonly told: readonly ServerToken[];
  readonly ids: Int32Array;
}

/**
 * The window that holds offset `at` of a text of which the engine told the tokens, `most` at once. Null where it takes no ids, so that it
 * reads a beginning alone, or its tokens cannot be placed before they are scored.
 */
export async function windowAt(
  text: string,
  told: readonly ServerToken[],
  { at, most }: { readonly at: number; readonly most: number },
  protocol: Protocol,
  options: EngineTextOptions,
): Promise<EngineWindow | null> {
  if (protocol.scoreIds === null || !protocol.abilities.takesIds) return null;
  let tokens: readonly Token[];
  try {
    tokens = await placed(text, told, options);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
  const windows = textWindows(tokens, most);
  const index = windowHolding(tokens, windows, at);
  const window = windows[index];
  if (window === undefined) return null;
  const all = { ids: Int32Array.from(told, ({ id }) => id ?? -1), tokens };
  const own = tokensOfWindow(all, window);
  return {
    ...own,
    told: told.slice(window.begin, window.end),
    window: { index, windows, tokens: tokens.length, length: most, stride: strideOf(most) },
  };
}

/** Scores a window, whose first token nothing precedes. */
export async function readWindow(
  { scoreIds, abilities }: Protocol,
  { ids, tokens, told }: EngineWindow,
  options: EngineTextOptions,
): Promise<EngineText> {
  const { signal, alternatives, onProgress, onRequests } = options;
  if (scoreIds === null) throw new Error('This engine takes no ids.');
  const all = ids.length - 1;
  if (abilities.scores === 'requests') await onRequests?.(all);
  const onRequest = (done: number): void => onProgress?.(done / all);
  const scored = await scoreIds(ids, { from: 1, alternatives, signal, onRequest, ...expertsAsked(options) });
  onProgress?.(1);
  return { ...textOf(tokens, scored, null), told: told.map((token, index) => joined(token, scored[index]?.token)) };
}
