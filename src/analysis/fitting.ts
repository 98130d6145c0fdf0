import { bytesText } from '../core/bytesText.ts';
import { countText } from '../core/countText.ts';
import { NoMemoryError } from '../core/errors.ts';
import { memoryNeed, tokensThatFit, TYPICAL_TOKENS, WASM_MAX_BYTES } from '../core/memory.ts';
import type { Shortage } from '../core/trace.ts';
import { msg, type Translatable } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';

/** A model that needs less is always tried, because the estimate is not more precise than this. */
const ALWAYS_TRIED_BYTES = 500e6;

/**
 * Throws NoMemoryError for a model that needs more than `free` bytes for a typical text. The message states both numbers, and suggests
 * the native runtime where that would fit.
 */
export function checkFits({ info, shape }: Pick<LanguageModel, 'info' | 'shape'>, free: number): void {
  const tokens = Math.min(TYPICAL_TOKENS, info.contextLength);
  const need = memoryNeed(shape, info.runtime, tokens);
  if (need <= Math.max(free, ALWAYS_TRIED_BYTES)) return;
  const native = memoryNeed(shape, 'native', tokens);
  const sentence = tooMuch(info.name, need, tokens, free);
  throw new NoMemoryError(
    info.runtime === 'wasm' && native <= free ? msg`${sentence} The native runtime would need about ${bytesText(native)}.` : sentence,
  );
}

/** The longest text that the available memory allows. */
export interface Room {
  /** Most tokens of a text. */
  readonly tokens: number;
  /** Bytes that the model and a text may take together, including those that the model has allocated already. */
  readonly bytes: number;
}

/**
 * Room for a text when the model's process may take `available` bytes in total (null: no known limit). Throws NoMemoryError where not
 * even a single token fits.
 */
export function roomFor({ info, shape }: Pick<LanguageModel, 'info' | 'shape'>, available: number | null): Room {
  const bytes = Math.max(ALWAYS_TRIED_BYTES, Math.min(available ?? Infinity, info.runtime === 'wasm' ? WASM_MAX_BYTES : Infinity));
  const tokens = tokensThatFit(shape, info.runtime, bytes, info.contextLength);
  if (tokens > 0) return { tokens, bytes };
  throw new NoMemoryError(tooMuch(info.name, memoryNeed(shape, info.runtime, 1), 1, bytes));
}

/**
 * The shortage to report for a text of `length` UTF-16 units, of which the first `read` became `tokens` tokens; null where the text
 * was not cut, or not for lack of memory.
 */
export function shortageOf(
  { info, shape }: Pick<LanguageModel, 'info' | 'shape'>,
  room: Room,
  text: { readonly tokens: number; readonly read: number; readonly length: number },
): Shortage | null {
  if (text.read >= text.length || room.tokens >= info.contextLength) return null;
  return shortageOfTokens({ info, shape }, room, Math.ceil((text.tokens * text.length) / Math.max(1, text.read)));
}

/** The shortage to report for a text of `tokens` tokens that memory, not the context, kept from being read at once. */
export function shortageOfTokens({ info, shape }: Pick<LanguageModel, 'info' | 'shape'>, room: Room, tokens: number): Shortage {
  const wholeTokens = Math.min(info.contextLength, tokens);
  return { wholeTokens, neededBytes: memoryNeed(shape, info.runtime, wholeTokens), availableBytes: room.bytes };
}

/** Throws NoMemoryError for more ids than fit into memory. A text longer than the context is refused elsewhere. */
export function checkRoom(model: Pick<LanguageModel, 'info' | 'shape'>, room: Room, count: number): void {
  const { info, shape } = model;
  if (count <= room.tokens || count > info.contextLength) return;
  throw new NoMemoryError(tooMuch(info.name, memoryNeed(shape, info.runtime, count), count, room.bytes));
}

function tooMuch(name: string, needed: number, tokens: number, free: number): Translatable {
  return msg`${name} needs about ${bytesText(needed)} of memory for a text of ${countText(tokens)} tokens, \
and ${bytesText(free)} are free.`;
}
