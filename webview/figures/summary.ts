import { surprisalBits } from '../../src/core/probability.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation } from '../../src/core/trace.ts';

export interface Summary {
  /** All tokens, added ones included. */
  readonly tokens: number;
  readonly distinct: number;
  readonly bytes: number;
  readonly words: number;
  /** Tokens of the text per word of it; NaN without words. */
  readonly tokensPerWord: number;
  /** Mean surprisal of the text's predicted tokens; NaN where none is. */
  readonly bitsPerToken: number;
  /** Their surprisal over their bytes. */
  readonly bitsPerByte: number;
}

/** The text in numbers. Words are counted by the rules of the display language (Unicode TR 29 and dictionaries). */
export function summarise(explanation: Explanation, language: string): Summary {
  const { tokens, logprob, text } = explanation;
  let total = 0;
  let predicted = 0;
  let predictedBytes = 0;
  for (const token of tokens) {
    const value = at(logprob, token.index);
    if (token.special || Number.isNaN(value)) continue;
    total += surprisalBits(value);
    predicted++;
    predictedBytes += token.bytes.length;
  }
  const words = [...new Intl.Segmenter(language, { granularity: 'word' }).segment(text)].filter((part) => part.isWordLike === true).length;
  const own = tokens.filter((token) => !token.special).length;
  return {
    tokens: tokens.length,
    distinct: new Set(tokens.map((token) => token.id)).size,
    bytes: tokens.reduce((sum, token) => sum + token.bytes.length, 0),
    words,
    tokensPerWord: words === 0 ? Number.NaN : own / words,
    bitsPerToken: predicted === 0 ? Number.NaN : total / predicted,
    bitsPerByte: predictedBytes === 0 ? Number.NaN : total / predictedBytes,
  };
}
