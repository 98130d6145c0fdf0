import { utf8Length } from '../../core/textSpans.ts';
import type { RenderedChat } from '../chatTemplate.ts';
import type { Placed } from './piece.ts';

/** Tokens of a rendered chat: the template's ids around those of the user's text, which are placed in that text. */
export interface ChatTokens {
  readonly before: readonly number[];
  readonly own: readonly Placed[];
  readonly after: readonly number[];
}

/**
 * Parts the tokens of a rendered chat. A token that holds anything of the user's text is the text's, and stands for that
 * part of its bytes alone, even where it begins or ends in the template.
 */
export function partChat(placed: readonly Placed[], text: string, rendered: RenderedChat): ChatTokens {
  const start = byteLength(rendered.text.slice(0, rendered.start));
  const end = start + byteLength(rendered.text.slice(rendered.start, rendered.end));
  const shift = byteLength(text.slice(0, rendered.skipped)) - start;
  const before: number[] = [];
  const own: Placed[] = [];
  const after: number[] = [];
  for (const token of placed) {
    // A mark that was put in stands for no byte: it is the text's where the text's first character follows it.
    const within = token.start === token.end ? token.start >= start && token.start < end : token.start < end && token.end > start;
    if (within) own.push({ ...token, start: Math.max(token.start, start) + shift, end: Math.min(token.end, end) + shift });
    else (own.length === 0 && token.end <= start ? before : after).push(token.id);
  }
  return { before, own, after };
}

function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += utf8Length(character.codePointAt(0) ?? 0);
  return bytes;
}
