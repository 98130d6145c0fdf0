import { SplitPreTokenizer } from '@huggingface/tokenizers';
import { UserError, messageOf } from '../../core/errors.ts';
import { toByteCharacters } from './byteLevel.ts';
import { asArray, asFlag, asObject, asString, refuse, type Json } from './json.ts';
import { prepend, replaceCharacter, sliceRun, type Run } from './run.ts';

/** Cuts a run into the pieces that are encoded one by one. `first`: the run begins the text. */
export type PreTokenizer = (run: Run, first: boolean) => Run[];

/** GPT-2's pattern, written as a Split: the library's own copy uses JavaScript's \s, which is not Unicode's white space. */
const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const encoder = new TextEncoder();

/** Steps of the `pre_tokenizer` entry, in order. */
export function readPreTokenizer(json: unknown): PreTokenizer[] {
  if (json === undefined || json === null) return [];
  const entry = asObject(json, 'the pre-tokenizer');
  switch (entry['type']) {
    case 'Sequence':
      return asArray(entry['pretokenizers'], 'the list of pre-tokenizers').flatMap(readPreTokenizer);
    case 'Split':
      return [readSplit(entry)];
    case 'Digits':
      return [split({ Regex: asFlag(entry['individual_digits'], 'individual_digits', false) ? '\\p{N}' : '\\p{N}+' }, false)];
    case 'ByteLevel':
      return readByteLevel(entry);
    case 'Metaspace':
      return [readMetaspace(entry)];
    default:
      return refuse(`the pre-tokenizer ${String(entry['type'])} is not supported.`);
  }
}

/** Whether a byte-level step is among those of the entry. */
export function isByteLevel(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false;
  const entry = json as Json;
  if (entry['type'] === 'Sequence' && Array.isArray(entry['pretokenizers'])) return entry['pretokenizers'].some(isByteLevel);
  return entry['type'] === 'ByteLevel';
}

function readSplit(entry: Json): PreTokenizer {
  const pattern = asObject(entry['pattern'], 'the pattern of the pre-tokenizer Split');
  const inverted = asFlag(entry['invert'], 'invert', false);
  const behavior = asString(entry['behavior'], 'the behavior of the pre-tokenizer Split');
  const source = pattern['Regex'] === undefined ? { String: asString(pattern['String'], 'the pattern of the pre-tokenizer Split') } : { Regex: asString(pattern['Regex'], 'the pattern of the pre-tokenizer Split') };
  // Isolated pieces are the same whichever side of them counts as the match.
  if (behavior === 'Isolated') return split(source, false);
  if (behavior === 'Removed' && inverted) return split(source, true);
  return refuse(`the pre-tokenizer Split with behavior ${behavior} is not supported.`);
}

type Pattern = { readonly Regex: string } | { readonly String: string };

/** Pieces at the pattern's matches. With `onlyMatches` what lies between them would be lost: such a text is refused. */
function split(pattern: Pattern, onlyMatches: boolean): PreTokenizer {
  const splitter = makeSplitter(pattern, onlyMatches);
  return (run) => {
    const pieces: Run[] = [];
    let start = 0;
    for (const piece of splitter.pre_tokenize_text(run.text)) {
      const end = start + piece.length;
      if (!run.text.startsWith(piece, start)) break;
      if (piece !== '') pieces.push(sliceRun(run, start, end));
      start = end;
    }
    if (start !== run.text.length) throw new UserError('The pattern of the pre-tokenizer in tokenizer.json leaves out part of this text.');
    return pieces;
  };
}

function makeSplitter(pattern: Pattern, invert: boolean): SplitPreTokenizer {
  try {
    return new SplitPreTokenizer({ type: 'Split', pattern, behavior: 'Isolated', invert });
  } catch (error) {
    return refuse(`the pattern of the pre-tokenizer Split cannot be read (${messageOf(error)}).`);
  }
}

function readByteLevel(entry: Json): PreTokenizer[] {
  const prefixed = asFlag(entry['add_prefix_space'], 'add_prefix_space', true);
  const steps: PreTokenizer[] = [];
  if (prefixed) steps.push((run) => [run.text.startsWith(' ') ? run : prepend(run, ' ')]);
  if (asFlag(entry['use_regex'], 'use_regex', true)) steps.push(split({ Regex: GPT2_PATTERN }, false));
  return [...steps, (run) => [toBytes(run)]];
}

/** The run in the byte-level alphabet. A prefix space stays without a source byte. */
function toBytes(run: Run): Run {
  const bytes = encoder.encode(run.text);
  const widths = new Uint8Array(bytes.length).fill(1);
  if (run.widths[0] === 0) widths[0] = 0;
  return { text: toByteCharacters(bytes), widths };
}

function readMetaspace(entry: Json): PreTokenizer {
  const mark = asString(entry['replacement'] ?? '▁', 'the replacement of the pre-tokenizer Metaspace');
  if (mark.length !== 1) refuse('the replacement of the pre-tokenizer Metaspace is not one character.');
  const never = entry['add_prefix_space'] === false;
  const scheme = never ? 'never' : asString(entry['prepend_scheme'] ?? 'always', 'prepend_scheme');
  if (scheme !== 'always' && scheme !== 'first' && scheme !== 'never') refuse(`the prepend_scheme ${quotedScheme(scheme)} is not supported.`);
  const cut = asFlag(entry['split'], 'split', true);
  return (run, first) => {
    const marked = replaceCharacter(run, ' ', mark);
    const wanted = scheme === 'always' || (scheme === 'first' && first);
    const whole = wanted && !marked.text.startsWith(mark) ? prepend(marked, mark) : marked;
    return cut ? cutBefore(whole, mark) : [whole];
  };
}

function quotedScheme(scheme: string): string {
  return JSON.stringify(scheme);
}

/** Pieces that each begin at a mark ("merged with next"). */
function cutBefore(run: Run, mark: string): Run[] {
  const pieces: Run[] = [];
  let start = 0;
  while (start < run.text.length) {
    const next = run.text.indexOf(mark, start + 1);
    const end = next < 0 ? run.text.length : next;
    pieces.push(sliceRun(run, start, end));
    start = end;
  }
  return pieces;
}
