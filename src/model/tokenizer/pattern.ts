import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { messageOf } from '../../core/errors.ts';
import { msg, type Translatable } from '../../core/translatable.ts';
import { asObject, asString, refuse } from './json.ts';
import { withoutPossessives } from './possessive.ts';

/** The regular expression (flags g and u) of a `{"String": …}` or `{"Regex": …}` entry; the library translates Oniguruma's syntax. */
export function patternOf(json: unknown, what: Translatable | string): RegExp {
  const entry = asObject(json, what);
  if (entry['Regex'] === undefined) return literally(asString(entry['String'], what));
  return fromOniguruma(asString(entry['Regex'], what), what);
}

export function literally(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'gu');
}

export function fromOniguruma(source: string, what: Translatable | string): RegExp {
  const greedy = withoutPossessives(source, what);
  try {
    const { pattern } = new SplitPreTokenizer({ type: 'Split', pattern: { Regex: greedy }, behavior: 'Isolated', invert: false });
    if (pattern !== null) return pattern;
  } catch (error) {
    return refuse(msg`${what} cannot be read (${messageOf(error)}).`);
  }
  return refuse(msg`${what} cannot be read.`);
}
