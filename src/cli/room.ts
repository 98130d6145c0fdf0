import { boundOf, omissionOf } from '../core/omission.ts';
import { english, translated } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import { roomFor, shortageOf, type Room } from '../analysis/fitting.ts';
import { freeMemory } from '../worker/freeMemory.node.ts';

/** Room for a text in the memory of this process, which already holds the model. Throws NoMemoryError if there is none. */
export async function roomNow(model: LanguageModel): Promise<Room> {
  return roomFor(model, (await freeMemory()) + process.memoryUsage.rss());
}

/** Explanation of why the end of a text was left out. */
export interface Omission {
  /** The limit that the text exceeds, as the beginning of a sentence. */
  readonly bound: string;
  /** The limit and the length of the omitted part, as a whole sentence. */
  readonly sentence: string;
}

/** Why only the first `read` of a text's `length` UTF-16 units became `tokens` tokens; null if all of it was read. */
export function omission(
  model: LanguageModel,
  room: Room,
  text: { readonly tokens: number; readonly read: number; readonly length: number },
): Omission | null {
  if (text.read >= text.length) return null;
  const bound = boundOf(model.info, shortageOf(model, room, text));
  return { bound: translated(bound, english), sentence: translated(omissionOf(bound, text.length - text.read), english) };
}
