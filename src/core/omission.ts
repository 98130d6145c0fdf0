import { bytesText } from './bytesText.ts';
import { countText } from './countText.ts';
import type { ModelInfo, ReadWindow, Shortage } from './trace.ts';
import { msg, type Translatable } from './translatable.ts';

// Sentences, in the panel and on the command line, about a text that was not read to its end.

/** The limit that cut a text short, as the beginning of a sentence: free memory, or the context. */
export function boundOf({ name, contextLength }: Pick<ModelInfo, 'name' | 'contextLength'>, shortage: Shortage | null): Translatable {
  if (shortage === null) return msg`${name} reads ${countText(contextLength)} tokens at once`;
  const { neededBytes, wholeTokens, availableBytes } = shortage;
  return msg`${name} needs about ${bytesText(neededBytes)} of memory for a text of ${countText(wholeTokens)} tokens, \
and ${bytesText(availableBytes)} are free`;
}

/** The sentence about `omitted` characters (UTF-16 units) of a text that `bound` kept from being read. */
export function omissionOf(bound: Translatable, omitted: number): Translatable {
  return msg`${bound}: the last ${countText(omitted)} characters of the text were left out.`;
}

/** The same of a text that is read as a chat message: no part of it can be moved to. */
export function chatOmissionOf(bound: Translatable, omitted: number): Translatable {
  return msg`${omissionOf(bound, omitted)} A chat message is read from its beginning, since the chat template stands around all of it; \
explained as plain text, it is read in windows.`;
}

/** The sentence about a text that `bound` keeps from being read at once: how its windows lie. */
export function windowsOf(bound: Translatable, { tokens, length, stride }: Pick<ReadWindow, 'tokens' | 'length' | 'stride'>): Translatable {
  return msg`${bound}: this text of ${countText(tokens)} tokens is read in windows of ${countText(length)}, which begin \
${countText(stride)} tokens apart and so share ${countText(length - stride)} with the next.`;
}

/** The sentence about the end of a text that is longer than what the panel takes from a document. */
export function beyondPanel(most: number, omitted: number): Translatable {
  return msg`The panel takes at most ${countText(most)} characters from a document: the last \
${countText(omitted)} characters of the text were left out.`;
}
