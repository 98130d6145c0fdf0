import { utf8Bytes } from '../../core/textSpans.ts';
import type { RenderedChat } from '../chat/chatTemplate.ts';
import type { Placed } from './piece.ts';

/** Tokens of a rendered chat: the template's ids before and after, and the tokens of the user's text with their places in it. */
export interface ChatTokens {
  readonly before: readonly number[];
  readonly own: readonly Placed[];
  readonly after: readonly number[];
}

/**
 * Separates the tokens of a rendered chat. A token that covers any part of the user's text belongs to the text and stands only for
 * that part, even where it begins or ends in the template.
 */
export function partChat(placed: readonly Placed[], text: string, rendered: RenderedChat): ChatTokens {
  const start = utf8Bytes(rendered.text.slice(0, rendered.start));
  const end = start + utf8Bytes(rendered.text.slice(rendered.start, rendered.end));
  const shift = utf8Bytes(text.slice(0, rendered.skipped)) - start;
  const before: number[] = [];
  const own: Placed[] = [];
  const after: number[] = [];
  for (const token of placed) {
    // An inserted mark stands for no byte: it belongs to the text where the text's first character follows it.
    const within = token.start === token.end ? token.start >= start && token.start < end : token.start < end && token.end > start;
    if (within) own.push({ ...token, start: Math.max(token.start, start) + shift, end: Math.min(token.end, end) + shift });
    else (own.length === 0 && token.end <= start ? before : after).push(token.id);
  }
  return { before, own, after };
}
