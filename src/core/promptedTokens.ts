import type { TokenizedText } from './trace.ts';

/** The tokens of a text, and which of them can be asked for with the text before them as a prompt. */
export interface PromptedTokens extends TokenizedText {
  /** [N] 1: the text before the token is not empty and is, by itself, cut into just the tokens before it; 0: it is not. */
  readonly prompted: Uint8Array;
}

/**
 * Cuts a text, and each text before one of its tokens again: a tokenizer may cut the end of a text otherwise where nothing follows it, and
 * what ends within a character is no text.
 */
export function promptedTokens(encode: (text: string) => TokenizedText, text: string): PromptedTokens {
  const whole = encode(text);
  const prompted = Uint8Array.from(whole.tokens, ({ start, special }, index) => {
    if (special || start === 0) return 0;
    const { ids } = encode(text.slice(0, start));
    return ids.length === index && ids.every((id, place) => id === whole.ids[place]) ? 1 : 0;
  });
  return { ...whole, prompted };
}
