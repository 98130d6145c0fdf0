import type { TextTokenizer } from '../model/tokenizer/textTokenizer.ts';
import { UsageError } from './optionValues.ts';

/**
 * The id of a token given on the command line: a number is an id; anything else is the token's text, to the character (a leading space is
 * part of it), which a JSON string may spell. Throws UsageError, naming `option`, for an id outside the vocabulary and for a text that is
 * not exactly one token, with how it is cut.
 */
export function namedToken(option: string, value: string, tokenizer: TextTokenizer | null, vocab: number): number {
  if (/^\d{1,10}$/.test(value)) {
    if (Number(value) < vocab) return Number(value);
    throw new UsageError(`--${option}: ${value} is outside the model's vocabulary of ${vocab}.`);
  }
  if (tokenizer === null)
    throw new UsageError(`--${option} is a token's id for a model without a tokenizer, not ${JSON.stringify(value)}.`);
  const text = spelled(value);
  const cut = tokenizer
    .encode(text)
    .tokens.filter(({ special }) => !special)
    .map(({ id }) => id);
  const [first] = cut;
  if (cut.length === 1 && first !== undefined && tokenizer.piece(first) === text) return first;
  // A tokenizer may put a space before a text, or cut it elsewhere: a token of exactly this text is meant all the same.
  for (let id = 0; id < vocab; id++) if (tokenizer.piece(id) === text) return id;
  if (cut.length === 1 && first !== undefined) return first;
  const pieces = cut.map((id) => `${JSON.stringify(tokenizer.piece(id))} (${id})`);
  throw new UsageError(`--${option}: ${JSON.stringify(text)} is ${cut.length} tokens, not one: ${pieces.join(', ')}.`);
}

/** The text of a JSON string, or the value as it is. */
function spelled(value: string): string {
  if (!/^".*"$/s.test(value)) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'string' && parsed !== '' ? parsed : value;
  } catch {
    return value;
  }
}
