import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { msg, type Translatable } from '../../core/translatable.ts';
import { LINEAR_PATTERNS } from '../formats/gguf/preTokenizers.ts';
import { asObject, asString, quoted, refuse } from './tokenizerJson.ts';
import { withoutPossessives } from './possessive.ts';
import { matcher, type Pattern } from './regex/matcher.ts';
import { compile } from './regex/program.ts';
import { parsePattern } from './regex/syntax.ts';

/** Longest pattern; the longest known, DeepSeek's letters, has 500 characters. */
const MAX_PATTERN_UNITS = 8192;
/** Longest literal; the longest known tokens are runs of 512 spaces. At worst, searching takes the text's length times this. */
const MAX_LITERAL_UNITS = 1024;

/** The pattern of a `{"String": …}` or `{"Regex": …}` entry; the library translates Oniguruma's syntax. */
export function patternOf(json: unknown, what: Translatable | string): Pattern {
  const entry = asObject(json, what);
  if (entry['Regex'] !== undefined) return fromOniguruma(asString(entry['Regex'], what), what);
  const text = asString(entry['String'], what);
  if (text.length > MAX_LITERAL_UNITS) refuse(msg`${what} is ${text.length} letters long, where at most ${MAX_LITERAL_UNITS} make sense.`);
  return literally(text);
}

/** A pattern that matches exactly this text. */
export function literally(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'gu');
}

/** GPT-2's pattern: the library's own copy uses JavaScript's \s, which is not Unicode's white space. */
export const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** The pattern of the bundled model. */
export const BUNDLED_PATTERN = ownWords("(?:'(?:[sdmtSDMT]|ll|ve|re|LL|VE|RE))?");

function ownWords(contraction: string): string {
  const before = '[^\\r\\n\\p{L}\\p{N}]?';
  const [upper, lower] = ['[\\p{Lu}\\p{Lt}\\p{Lm}\\p{M}]', '[\\p{Ll}\\p{Lm}\\p{M}]'];
  return (
    `${before}${upper}*${lower}+${contraction}|${before}${upper}+${lower}*${contraction}|` +
    '\\p{Lo}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
  );
}

/**
 * A pattern that matches in linear time. JavaScript's engine, which is faster but may backtrack exponentially, runs only patterns known
 * to be safe; our own engine runs all others.
 */
export function fromOniguruma(source: string, what: Translatable | string): Pattern {
  if (source.length > MAX_PATTERN_UNITS)
    refuse(msg`${what} is ${source.length} letters long, where at most ${MAX_PATTERN_UNITS} make sense.`);
  const native = inJavaScript(source, what);
  if (source === GPT2_PATTERN || source === BUNDLED_PATTERN || LINEAR_PATTERNS.has(source)) return native;
  return steppedPattern(source, native.source, what);
}

/** The pattern in our own engine, which never retries a failed state. `translated`: `source` in JavaScript's syntax. */
export function steppedPattern(source: string, translated: string, what: Translatable | string): Pattern {
  const unsupported = (reason: Translatable): never => refuse(msg`${what}, ${quoted(source)}, is not supported: ${reason}.`);
  return matcher(compile(parsePattern(translated, unsupported), unsupported));
}

/** The pattern translated by the library to a RegExp with the flags g and u. */
export function inJavaScript(source: string, what: Translatable | string): RegExp {
  const greedy = withoutPossessives(source, what);
  try {
    const { pattern } = new SplitPreTokenizer({ type: 'Split', pattern: { Regex: greedy }, behavior: 'Isolated', invert: false });
    if (pattern !== null) return pattern;
  } catch {
    // JavaScript's own message repeats the whole pattern and would not help the user.
  }
  return refuse(msg`${what}, ${quoted(source)}, cannot be read.`);
}
