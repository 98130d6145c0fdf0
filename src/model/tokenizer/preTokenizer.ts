import { msg } from '../../core/translatable.ts';
import { toBytes } from './byteLevel.ts';
import { asFlag, asString, kindName, quoted, refuse, stepsOf, type Json } from './tokenizerJson.ts';
import { GPT2_PATTERN, fromOniguruma, literally, patternOf } from './pattern.ts';
import { prepend, replaceMatches, type SourcedText } from './sourcedText.ts';
import { isSplitBehavior, split } from './splitText.ts';
import { PUNCTUATION, SPACE, WORD } from './unicode.ts';

/** Splits a run into the pieces that are encoded separately. */
export type PreTokenizer = (run: SourcedText) => SourcedText[];

/** Steps of the `pre_tokenizer` entry, in order. */
export function readPreTokenizer(json: unknown): PreTokenizer[] {
  if (json === undefined || json === null) return [];
  return stepsOf(json, msg`the pre-tokenizer`, 'pretokenizers', msg`the list of pre-tokenizers`).flatMap(readStep);
}

function readStep(entry: Json): PreTokenizer[] {
  const type = entry['type'];
  switch (type) {
    case 'Split':
      return [readSplit(entry)];
    case 'Digits':
      return [split(/\p{N}/gu, asFlag(entry['individual_digits'], 'individual_digits', false) ? 'Isolated' : 'Contiguous', false)];
    case 'Punctuation':
      return [split(PUNCTUATION, readBehavior(entry, 'Isolated'), false)];
    case 'Whitespace':
      return [split(new RegExp(`[${WORD}]+|[^${WORD}${SPACE}]+`, 'gu'), 'Removed', true)];
    case 'WhitespaceSplit':
      return [split(new RegExp(`[${SPACE}]+`, 'gu'), 'Removed', false)];
    case 'CharDelimiterSplit':
      return [split(literally(asString(entry['delimiter'], msg`the delimiter of the pre-tokenizer CharDelimiterSplit`)), 'Removed', false)];
    case 'ByteLevel':
      return readByteLevel(entry);
    case 'Metaspace':
      return [readMetaspace(entry)];
    default:
      return refuse(msg`the pre-tokenizer ${kindName(type)} is not supported.`);
  }
}

/** Whether a byte-level step is among those of a normalizer or pre-tokenizer entry. */
export function isByteLevel(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false;
  const entry = json as Json;
  const steps = entry['pretokenizers'] ?? entry['normalizers'];
  return entry['type'] === 'Sequence' && Array.isArray(steps) ? steps.some(isByteLevel) : entry['type'] === 'ByteLevel';
}

function readBehavior(entry: Json, missing?: string): Parameters<typeof split>[1] {
  const what = msg`the behavior of the pre-tokenizer ${String(entry['type'])}`;
  const behavior = asString(entry['behavior'] ?? missing, what);
  return isSplitBehavior(behavior) ? behavior : refuse(msg`${what} is ${quoted(behavior)}, which is not supported.`);
}

function readSplit(entry: Json): PreTokenizer {
  return split(
    patternOf(entry['pattern'], msg`the pattern of the pre-tokenizer Split`),
    readBehavior(entry),
    asFlag(entry['invert'], 'invert', false),
  );
}

function readByteLevel(entry: Json): PreTokenizer[] {
  const prefixed = asFlag(entry['add_prefix_space'], 'add_prefix_space', true);
  const steps: PreTokenizer[] = [];
  if (prefixed) steps.push((run) => [run.text.startsWith(' ') ? run : prepend(run, ' ')]);
  if (asFlag(entry['use_regex'], 'use_regex', true))
    steps.push(split(fromOniguruma(GPT2_PATTERN, msg`the pattern of GPT-2`), 'Isolated', false));
  return [...steps, (run) => [toBytes(run)]];
}

function readMetaspace(entry: Json): PreTokenizer {
  const mark = asString(entry['replacement'] ?? '▁', msg`the replacement of the pre-tokenizer Metaspace`);
  if (Array.from(mark).length !== 1) refuse(msg`the replacement of the pre-tokenizer Metaspace is not one character.`);
  const never = entry['add_prefix_space'] === false;
  const scheme = never ? 'never' : asString(entry['prepend_scheme'] ?? 'always', 'prepend_scheme');
  if (scheme !== 'always' && scheme !== 'first' && scheme !== 'never') refuse(msg`the prepend_scheme ${quoted(scheme)} is not supported.`);
  const cut = asFlag(entry['split'], 'split', true) ? split(literally(mark), 'MergedWithNext', false) : (run: SourcedText) => [run];
  return (run) => {
    const marked = replaceMatches(run, / /gu, mark);
    const wanted = scheme === 'always' || (scheme === 'first' && run.starts[0] === 0);
    return cut(wanted && !marked.text.startsWith(mark) ? prepend(marked, mark) : marked);
  };
}
