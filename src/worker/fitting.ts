import { bytesText } from '../core/bytesText.ts';
import { NoMemoryError } from '../core/errors.ts';
import { memoryNeed, TYPICAL_TOKENS } from '../core/memory.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';

/** A model that needs less is always tried: the estimate is no better than that. */
const ALWAYS_TRIED_BYTES = 500e6;

/**
 * Throws NoMemoryError for a model that needs more than `free` bytes for a typical text, naming the numbers, and the native
 * runtime where that would do.
 */
export function checkFits({ info, shape }: Pick<LanguageModel, 'info' | 'shape'>, free: number): void {
  const tokens = Math.min(TYPICAL_TOKENS, info.contextLength);
  const need = memoryNeed(shape, info.runtime, tokens);
  if (need <= Math.max(free, ALWAYS_TRIED_BYTES)) return;
  const native = memoryNeed(shape, 'native', tokens);
  const sentence = msg`${info.name} needs about ${bytesText(need)} of memory for a text of ${tokens} tokens, and ${bytesText(free)} are free.`;
  throw new NoMemoryError(info.runtime === 'wasm' && native <= free ? msg`${sentence} The native runtime would need about ${bytesText(native)}.` : sentence);
}
