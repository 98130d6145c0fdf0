import { wellFormed } from '../../core/textSpans.ts';
import { msg } from '../../core/translatable.ts';
import { asArray, asFlag, asObject, asString, asTokenId, quoted, refuse } from './tokenizerJson.ts';
import { sliceRun, type SourcedText } from './sourcedText.ts';
import { SPACE, WORD } from './unicode.ts';
import { sortedTokens } from './unigram.ts';

/** A token that is matched in the text before any splitting. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly singleWord: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  /** Whether the token is special, such as BOS, and not part of the text. */
  readonly special: boolean;
}

/** Part of a run: text still to be encoded, or one added token with the white space it absorbs. */
export type Section = { readonly run: SourcedText; readonly token: AddedToken | null };

/** Longest added token; the longest known are runs of 512 spaces. */
const MAX_TOKEN_UNITS = 1024;

/** The added tokens of tokenizer.json. Throws UserError. */
export function readAddedTokens(json: unknown, vocab: number): AddedToken[] {
  if (json === undefined || json === null) return [];
  const items = asArray(json, 'added_tokens');
  if (items.length > vocab) refuse(msg`it has ${items.length} added tokens, but the model's vocabulary ends at ${vocab - 1}.`);
  return items.map((item) => {
    const entry = asObject(item, msg`an added token`);
    const content = asString(entry['content'], msg`the content of an added token`);
    if (content.length > MAX_TOKEN_UNITS)
      refuse(msg`an added token is ${content.length} letters long, where at most ${MAX_TOKEN_UNITS} make sense.`);
    const special = asFlag(entry['special'], 'special', false);
    return {
      id: asTokenId(entry['id'], () => msg`the added token ${quoted(content)}`),
      content,
      singleWord: asFlag(entry['single_word'], 'single_word', false),
      lstrip: asFlag(entry['lstrip'], 'lstrip', false),
      rstrip: asFlag(entry['rstrip'], 'rstrip', false),
      normalized: asFlag(entry['normalized'], 'normalized', !special),
      special,
    };
  });
}

/** Splits a run at added tokens, leftmost first, and the longest where several begin at the same place. */
export type AddedTokenSplitter = (run: SourcedText) => Section[];

/** The splitter for `tokens`, keyed by the text they match, as `AddedVocabulary::find_matches` of the `tokenizers` library. */
export function addedTokenSplitter(tokens: ReadonlyMap<string, AddedToken>): AddedTokenSplitter {
  const contents = [...tokens.keys()].filter((content) => content !== '' && wellFormed(content) === content);
  if (contents.length === 0) return (run) => [{ run, token: null }];
  const places = finder(contents);
  return (run) => {
    const sections: Section[] = [];
    let done = 0;
    for (const place of places(run.text)) {
      const token = tokens.get(run.text.slice(place.start, place.end));
      let { start, end } = place;
      if (token === undefined || start < done || (token.singleWord && !standsAlone(run.text, start, end))) continue;
      if (token.lstrip) start = Math.max(done, spaceBefore(run.text, start));
      if (token.rstrip) end = spaceAfter(run.text, end);
      if (done < start) sections.push({ run: sliceRun(run, done, start), token: null });
      sections.push({ run: sliceRun(run, start, end), token });
      done = end;
    }
    if (done < run.text.length) sections.push({ run: sliceRun(run, done, run.text.length), token: null });
    return sections;
  };
}

/** Finds the longest of `contents` at each place, in time independent of their number and common prefixes. */
function finder(contents: readonly string[]): (text: string) => Generator<{ start: number; end: number }> {
  const sorted = sortedTokens(new Map(contents.map((content, i) => [content, i])));
  const begins = new Uint8Array(0x10000);
  for (const content of contents) begins[content.charCodeAt(0)] = 1;
  return function* (text) {
    for (let start = 0; start < text.length;) {
      let end = start;
      if (begins[text.charCodeAt(start)] === 1) sorted.prefixes(text, start, (reached) => (end = reached));
      if (end > start) yield { start, end };
      start = end > start ? end : start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
    }
  };
}

/** Word characters as the library's Rust regex crate defines them. */
const IN_WORD = new RegExp(`[${WORD}]`, 'u');
const IS_SPACE = new RegExp(SPACE, 'u');

function standsAlone(text: string, start: number, end: number): boolean {
  const before = lastCharacter(text, start);
  const after = text.codePointAt(end);
  return !IN_WORD.test(before) && (after === undefined || !IN_WORD.test(String.fromCodePoint(after)));
}

function lastCharacter(text: string, end: number): string {
  const codePoint = end >= 2 ? (text.codePointAt(end - 2) ?? 0) : 0;
  return codePoint > 0xffff ? String.fromCodePoint(codePoint) : text.slice(Math.max(0, end - 1), end);
}

function spaceBefore(text: string, start: number): number {
  let from = start;
  while (from > 0 && IS_SPACE.test(text.charAt(from - 1))) from--;
  return from;
}

function spaceAfter(text: string, end: number): number {
  let to = end;
  while (to < text.length && IS_SPACE.test(text.charAt(to))) to++;
  return to;
}
