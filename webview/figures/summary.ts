import { areAtLeast } from '../../src/core/atMost.ts';
import { textTotals } from '../../src/core/comparison.ts';
import type { Explanation } from '../../src/core/trace.ts';

/** A text in numbers. */
export interface Summary {
  /** Tokens of the text itself, as counted in the status bar. */
  readonly own: number;
  /** Tokens added by the tokenizer or the chat template. */
  readonly added: number;
  readonly distinct: number;
  readonly bytes: number;
  readonly words: number;
  /** Tokens of the text per word; NaN without words. */
  readonly tokensPerWord: number;
  /** Mean surprisal of the text's predicted tokens; NaN if none is predicted. */
  readonly bitsPerToken: number;
  /** Their total surprisal divided by their bytes. */
  readonly bitsPerByte: number;
  /** Whether both are what they are at least: an engine does not tell more of all tokens. */
  readonly atLeast: boolean;
}

/** A text in numbers. Words are counted by the rules of the display language (Unicode TR 29 and dictionaries). */
export function summarise(explanation: Explanation, language: string): Summary {
  const { tokens, text } = explanation;
  const { bitsPerToken, bitsPerByte } = textTotals(explanation);
  const words = [...new Intl.Segmenter(language, { granularity: 'word' }).segment(text)].filter((part) => part.isWordLike === true).length;
  const own = tokens.filter((token) => !token.special).length;
  return {
    own,
    added: tokens.length - own,
    distinct: new Set(tokens.map((token) => token.id)).size,
    bytes: tokens.reduce((sum, token) => sum + token.bytes.length, 0),
    words,
    tokensPerWord: words === 0 ? Number.NaN : own / words,
    bitsPerToken,
    bitsPerByte,
    atLeast: areAtLeast(explanation),
  };
}
