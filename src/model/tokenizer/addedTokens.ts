import { msg } from '../../core/translatable.ts';
import { asArray, asFlag, asObject, asString, asTokenId, quoted } from './json.ts';
import { sliceRun, type Run } from './run.ts';
import { SPACE, WORD } from './unicode.ts';

/** A token that is matched in the text before any splitting. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly singleWord: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  /** Marks something about the text, and is not part of it. */
  readonly special: boolean;
}

/** Part of a run: text still to be encoded, or one added token with the white space it takes in. */
export type Section = { readonly run: Run; readonly token: AddedToken | null };

export function readAddedTokens(json: unknown, vocab: number): AddedToken[] {
  if (json === undefined || json === null) return [];
  return asArray(json, 'added_tokens').map((item) => {
    const entry = asObject(item, msg`an added token`);
    const content = asString(entry['content'], msg`the content of an added token`);
    const special = asFlag(entry['special'], 'special', false);
    return {
      id: asTokenId(entry['id'], () => msg`the added token ${quoted(content)}`, vocab),
      content,
      singleWord: asFlag(entry['single_word'], 'single_word', false),
      lstrip: asFlag(entry['lstrip'], 'lstrip', false),
      rstrip: asFlag(entry['rstrip'], 'rstrip', false),
      normalized: asFlag(entry['normalized'], 'normalized', !special),
      special,
    };
  });
}

/** Cuts a run at added tokens, the leftmost first and the longest where several begin together. */
export type AddedTokenSplitter = (run: Run) => Section[];

/** `tokens` by the text they are matched as. As `AddedVocabulary::find_matches` of the `tokenizers` library. */
export function addedTokenSplitter(tokens: ReadonlyMap<string, AddedToken>): AddedTokenSplitter {
  const contents = [...tokens.keys()].filter((content) => content !== '').sort((a, b) => b.length - a.length);
  if (contents.length === 0) return (run) => [{ run, token: null }];
  const pattern = new RegExp(contents.map((content) => content.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'gu');
  return (run) => {
    const sections: Section[] = [];
    let done = 0;
    for (const match of run.text.matchAll(pattern)) {
      const token = tokens.get(match[0]);
      let start = match.index;
      let end = start + match[0].length;
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

/** The library asks Rust's regex crate what a word is. */
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
