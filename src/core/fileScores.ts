import { surprisalBits } from './probability.ts';
import { firstTokenBeyond, type PackedTokens } from './packedTokens.ts';
import { runOf, UNCHANGED, type Run } from './run.ts';
import { scoringWindows, type ScoringWindow, type TextScores, type WindowRule } from './scoringWindows.ts';
import type { ScoreTotals } from './textScores.ts';
import { wholeCharacters } from './textSpans.ts';
import type { ModelInfo } from './trace.ts';

/** A text made into tokens, before anything of it is scored. */
export interface TextLayout {
  readonly model: ModelInfo;
  readonly tokens: PackedTokens;
  readonly rule: WindowRule;
  /** Whether the first tokens of a window have the same numbers however long it is: not where frequencies of positions depend on that. */
  readonly startsAlike: boolean;
  /** UTF-16 units of the text that became tokens; fewer than it has where its end cannot be cut for the tokenizer. */
  readonly read: number;
}

/** Scores of some tokens in order; axes and units as in `TextScores`. */
export type PartScores = Pick<TextScores, 'logprob' | 'rank' | 'entropy'>;

/** Tokens `begin` to `end` - 1 of a text, to be read so that those from `from` on are scored. */
export interface WindowPart {
  /** Index of the window that it is a beginning of. */
  readonly window: number;
  readonly begin: number;
  readonly from: number;
  readonly end: number;
}

/** What is known of a token: nothing yet, a score by the present text, or one by a text before it that was edited since. */
export const UNREAD = 0;
export const READ = 1;
export const OLDER = 2;

/** The scores of a text while it is read part by part. The arrays are written in place; `version` tells when. */
export interface FileScores extends PartScores {
  readonly tokens: PackedTokens;
  readonly windows: readonly ScoringWindow[];
  /** [N] `UNREAD`, `READ` or `OLDER`. */
  readonly known: Uint8Array;
  /** [windows] how many of the tokens that each window scores, from `scoredFrom` to `end`, are not `READ`. */
  readonly left: Int32Array;
  /** Increases with each part that was read. */
  version: number;
  /** Index of the window of which a part was read last; null: nothing of this text was read. */
  latest: number | null;
}

/** Tokens scored by one question: few enough for the first of them to be there soon, and for other questions to come between. */
export const PART_TOKENS = 256;
/** The same of the first question at a place where the reading begins: it is the one that is waited for. */
export const FIRST_TOKENS = 64;

/** UTF-16 units behind the place where the reading begins that become tokens before the others: enough for `FIRST_TOKENS`. */
const FIRST_UNITS = 4096;

/**
 * UTF-16 units of the beginning of a text that is to become tokens before all of it does, so that its first scores are there soon; null:
 * nothing is gained by that. `near`: the offset where the reading begins. The tokens behind the place may be others once the text goes on
 * after it, which `carriedScores` finds out.
 */
export function beginningOf(text: string, near: number): number | null {
  const units = near + FIRST_UNITS;
  return 2 * units <= text.length ? wholeCharacters(text, units) : null;
}

/** The scores of a text of which nothing was read yet. */
export function unreadScores({ tokens, rule }: Pick<TextLayout, 'tokens' | 'rule'>): FileScores {
  const { length } = tokens.ids;
  const windows = scoringWindows(length, rule);
  return {
    tokens,
    windows,
    logprob: new Float32Array(length).fill(NaN),
    rank: new Int32Array(length),
    entropy: new Float32Array(length).fill(NaN),
    known: new Uint8Array(length),
    left: Int32Array.from(windows, ({ scoredFrom, end }) => Math.max(0, end - scoredFrom)),
    version: 0,
    latest: null,
  };
}

/**
 * What to read next: of the first window that is not whole and scores a token from `near` on, else of the last before; of a window what it
 * scores from `near` on, and then what is before. The order in which tokens are scored changes no number. Null: all is read.
 */
export function nextPart({ windows, known, left, latest }: FileScores, near: number): WindowPart | null {
  const isOpen = (_: ScoringWindow, index: number): boolean => (left[index] ?? 0) > 0;
  const after = windows.findIndex((window, index) => window.end > near && isOpen(window, index));
  const index = after === -1 ? windows.findLastIndex(isOpen) : after;
  const window = windows[index];
  if (window === undefined) return null;
  const { begin, scoredFrom, end } = window;
  const unread = (first: number): number => {
    let token = first;
    while (token < end && known[token] === READ) token++;
    return token;
  };
  const ahead = unread(Math.min(end, Math.max(near, scoredFrom)));
  const from = ahead < end ? ahead : unread(scoredFrom);
  const goesOn = latest !== null && Math.abs(index - latest) <= 1;
  const most = Math.min(from + (goesOn ? PART_TOKENS : FIRST_TOKENS), end);
  let to = from + 1;
  while (to < most && known[to] !== READ) to++;
  return { window: index, begin, from, end: to };
}

/** The question that gives a part its scores: the run is its whole window, whose length may count, and `from` and `to` are places in it. */
export function partQuestion(
  { tokens, windows }: Pick<FileScores, 'tokens' | 'windows'>,
  { window, begin, from, end }: WindowPart,
): { readonly run: Run; readonly args: { readonly from: number; readonly to: number } } {
  const run = runOf(tokens.ids.slice(begin, windows[window]?.end), UNCHANGED);
  return { run, args: { from: from - begin, to: end - begin } };
}

/** Writes the scores of a part that was read. */
export function addPart(file: FileScores, { window, from, end }: WindowPart, scores: PartScores): void {
  file.logprob.set(scores.logprob, from);
  file.rank.set(scores.rank, from);
  file.entropy.set(scores.entropy, from);
  const fresh = file.known.subarray(from, end).reduce((count, known) => count + (known === READ ? 0 : 1), 0);
  file.known.fill(READ, from, end);
  file.left[window] = (file.left[window] ?? 0) - fresh;
  file.version++;
  file.latest = window;
}

/** Share of a text's tokens that were read, 0 to 1. */
export function shareRead({ windows, left }: FileScores): number {
  const all = windows.reduce((sum, { scoredFrom, end }) => sum + Math.max(0, end - scoredFrom), 0);
  return all === 0 ? 1 : 1 - left.reduce((sum, count) => sum + count, 0) / all;
}

/** Surprisal of a token in bits; NaN where it has none. */
export function fileBits({ logprob }: Pick<FileScores, 'logprob'>, index: number): number {
  return Math.max(0, surprisalBits(logprob[index] ?? NaN));
}

/** The totals of the tokens that were read; those of a part of the text where `from` and `to` say so. */
export function fileTotals({ tokens, logprob, known }: FileScores, from = 0, to = tokens.ids.length): ScoreTotals {
  let [count, scored, bytes, bits] = [0, 0, 0, 0];
  // Not by `withToken`: this is done often, for many tokens.
  for (let index = from; index < to; index++) {
    if (tokens.special[index] === 1) continue;
    count++;
    const value = logprob[index] ?? NaN;
    if (known[index] === UNREAD || Number.isNaN(value)) continue;
    scored++;
    bytes += tokens.bytes[index] ?? 0;
    bits += surprisalBits(value);
  }
  return { tokens: count, scored, bytes, bits };
}

/** The token whose text holds the UTF-16 unit at `offset`; -1: none. */
export function tokenAt({ tokens }: Pick<FileScores, 'tokens'>, offset: number): number {
  const index = firstTokenBeyond(tokens, offset);
  return (tokens.start[index] ?? Infinity) <= offset ? index : -1;
}

/**
 * The scores of a text that was edited, before it is read again. Tokens before the first that changed keep theirs, as nothing before them
 * changed. Those after the last that changed keep theirs as `OLDER`, until they are read in the new text. The rest is unread. `rule`: that
 * of both texts, read by one model whose windows start alike.
 */
export function carriedScores(old: FileScores, layout: Pick<TextLayout, 'tokens' | 'rule'>): FileScores {
  const now = unreadScores(layout);
  const [before, after] = [old.tokens.ids, layout.tokens.ids];
  const shorter = Math.min(before.length, after.length);
  let same = 0;
  while (same < shorter && before[same] === after[same] && old.tokens.start[same] === layout.tokens.start[same]) same++;
  let tail = 0;
  while (tail < shorter - same && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const copy = (from: number, to: number, shift: number): void => {
    now.logprob.set(old.logprob.subarray(from, to), from + shift);
    now.rank.set(old.rank.subarray(from, to), from + shift);
    now.entropy.set(old.entropy.subarray(from, to), from + shift);
    now.known.set(old.known.subarray(from, to), from + shift);
  };
  copy(0, same, 0);
  copy(before.length - tail, before.length, after.length - before.length);
  for (let index = after.length - tail; index < after.length; index++) if (now.known[index] === READ) now.known[index] = OLDER;
  // The windows before the change are those of the old text, and score the same tokens.
  for (const [index, { scoredFrom, end }] of now.windows.entries())
    for (let token = scoredFrom; token < Math.min(end, same); token++)
      if (now.known[token] === READ) now.left[index] = (now.left[index] ?? 0) - 1;
  now.version = old.version + 1;
  return now;
}
