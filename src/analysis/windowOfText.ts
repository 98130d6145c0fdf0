import { UserError } from '../core/errors.ts';
import type { ReadWindow, Shortage, TokenizedText } from '../core/trace.ts';
import { strideOf, textWindows, tokensOfWindow, windowHolding } from '../core/textWindows.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { TextTokenizer } from '../model/tokenizer/textTokenizer.ts';
import { shortageOfTokens, type Room } from './fitting.ts';

/** What is read of a text. */
export interface Part {
  /** The part's tokens, with their places in `text`. */
  readonly tokenized: TokenizedText;
  readonly text: string;
  /** The window that the part is; null: it is the whole text. */
  readonly window: ReadWindow | null;
  /** Why a window is shorter than the context; null: it is not. */
  readonly shortage: Shortage | null;
}

/** Which window of a text is wanted: the first one that holds this UTF-16 offset, or the one of this index. */
export type WantedWindow = { readonly at: number } | { readonly index: number };

/**
 * The last text that each tokenizer read as a whole, since the windows of one text are looked at one after another: it takes 5 to 30
 * MB at the panel's longest.
 */
const latest = new WeakMap<TextTokenizer, { readonly text: string; readonly tokenized: TokenizedText }>();

/** The tokens of a text as a whole. Throws UserError. */
function wholeOf(tokenizer: TextTokenizer, text: string): TokenizedText {
  const known = latest.get(tokenizer);
  if (known?.text === text) return known.tokenized;
  const tokenized = tokenizer.encode(text);
  latest.set(tokenizer, { text, tokenized });
  return tokenized;
}

/**
 * The whole text where the model has room for it, else the wanted window of it. The text is tokenized as a whole, so a window has the
 * tokens that the whole has there, and what the tokenizer puts before a text only where the text begins. Throws UserError for a text
 * that cannot be tokenized, and for an index without a window.
 */
export function windowOfText(model: LanguageModel, tokenizer: TextTokenizer, text: string, room: Room, wanted: WantedWindow): Part {
  const whole = wholeOf(tokenizer, text);
  const length = windowLength(model, room);
  const total = whole.tokens.length;
  const windows = total <= room.tokens ? [] : textWindows(whole.tokens, length);
  const index = 'index' in wanted ? wanted.index : windowHolding(whole.tokens, windows, wanted.at);
  const window = windows[index];
  if ('index' in wanted && index >= Math.max(1, windows.length))
    throw new UserError(msg`There is no window ${index + 1}: the last window of this text is number ${Math.max(1, windows.length)}.`);
  if (window === undefined) return { tokenized: whole, text, window: null, shortage: null };
  return {
    tokenized: tokensOfWindow(whole, window),
    text: text.slice(window.start, window.stop),
    window: { index, windows, tokens: total, length, stride: strideOf(length) },
    shortage: length < model.info.contextLength ? shortageOfTokens(model, room, total) : null,
  };
}

/**
 * Tokens of a window: the context, or where memory is short the largest power of two that fits, so that windows stay where they are
 * while a little more or less of it is free.
 */
function windowLength({ info }: Pick<LanguageModel, 'info'>, room: Room): number {
  return Math.max(2, room.tokens >= info.contextLength ? info.contextLength : 2 ** Math.floor(Math.log2(room.tokens)));
}
