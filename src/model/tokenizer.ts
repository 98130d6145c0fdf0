import { UserError, messageOf } from '../core/errors.ts';
import { wellFormed } from '../core/textSpans.ts';
import type { Token, TokenizedText } from '../core/trace.ts';
import { msg } from '../core/translatable.ts';
import { readChatTemplate, type ChatTemplate } from './chatTemplate.ts';
import { readJson, type ModelFiles } from './files.ts';
import { readAddedTokens } from './tokenizer/addedTokens.ts';
import { partChat } from './tokenizer/chat.ts';
import { continued } from './tokenizer/continuation.ts';
import { TOKENIZER_FILE, asObject, type Json } from './tokenizer/json.ts';
import type { Placed } from './tokenizer/piece.ts';
import { readModel, textEncoder } from './tokenizer/pipeline.ts';
import { isByteLevel } from './tokenizer/preTokenizer.ts';
import { readingsOf } from './tokenizer/reading.ts';
import { settle } from './tokenizer/settle.ts';
import { readTemplate, type Template } from './tokenizer/template.ts';

/** The largest known tokenizer.json (256,000 tokens) takes 34 MB; more is not a tokenizer. */
const MAX_TOKENIZER_BYTES = 64 * 1024 * 1024;
/** First guess of how many UTF-16 units a token stands for, and tokens before a cut whose shape the cut could change. */
const UNITS_PER_TOKEN = 16;
const CUT_MARGIN = 64;

/** From text to tokens and back, as the model's own tokenizer does it, with every token's exact place in the text. */
export interface TextTokenizer {
  /** Number of ids the tokenizer adds around every text (such as BOS). */
  readonly addedTokens: number;
  /** The whole text. Lone surrogates are read as U+FFFD. Throws UserError when a token cannot be placed exactly. */
  readonly encode: (text: string) => TokenizedText;
  /**
   * The first part of the text that takes at most `limit` tokens, with those added around it, ending at a whole
   * character; `length` is that part's number of UTF-16 units. No more of a long text is read than is needed.
   */
  readonly encodeFirst: (text: string, limit: number) => { readonly tokenized: TokenizedText; readonly length: number };
  /** Whether the model's folder has a chat template. */
  readonly hasChat: boolean;
  /**
   * The text as a user's message in the model's chat template, up to where its answer begins. The template's tokens are
   * `special`, at their side of the text; a token on the border is the text's, with the text's part of its bytes. What
   * the tokenizer adds around a text is not added, as in `apply_chat_template` of transformers. Throws UserError.
   */
  readonly encodeChat: (text: string) => TokenizedText;
  /** `encodeChat` of the first part of the text that fits `limit` tokens; `length` is that part's number of UTF-16 units. */
  readonly encodeChatFirst: (text: string, limit: number) => { readonly tokenized: TokenizedText; readonly length: number };
  /** Number of the text's own tokens, without those added around it. */
  readonly count: (text: string) => number;
  /** What a token reads as; part of a character shows as U+FFFD. Empty for an id without a token. */
  readonly piece: (id: number) => string;
  /** What tokens spell together as the text goes on: a character shared by several is whole, special tokens spell nothing. */
  readonly textOf: (ids: Int32Array) => string;
  /** A tokenized text and the tokens generated after it, which stay as they are, with their places in the whole. */
  readonly continued: (text: string, tokenized: TokenizedText, ids: readonly number[]) => { readonly text: string; readonly tokenized: TokenizedText };
}

/**
 * Opens tokenizer.json (BPE: byte-level, or SentencePiece style with ▁ and byte fallback; Unigram) and the chat template.
 * `vocab` is the number of rows of the model's unembedding. Throws UserError naming the file and the unsupported kind.
 */
export async function openTokenizer(files: ModelFiles, vocab: number): Promise<TextTokenizer> {
  if (!(await files.list()).includes(TOKENIZER_FILE)) throw new UserError(msg`The folder ${files.name} has no ${TOKENIZER_FILE}.`);
  const json = asObject(await readJson(files, TOKENIZER_FILE, MAX_TOKENIZER_BYTES), msg`the file`);
  // A template that cannot be used is told when a chat is asked for.
  const chat = await readChatTemplate(files).catch((error: unknown): ChatTemplate => () => {
    throw error;
  });
  try {
    return createTokenizer(json, vocab, chat);
  } catch (error) {
    // What is wrong in the file may show as any error of the library.
    throw error instanceof UserError ? error : new UserError(msg`${TOKENIZER_FILE} cannot be used: ${messageOf(error)}.`, { cause: error });
  }
}

/** The tokenizer of a parsed tokenizer.json; see `openTokenizer`. */
export function createTokenizer(json: Json, vocab: number, chat: ChatTemplate | null = null): TextTokenizer {
  const pieces = readModel(json['model'], vocab);
  const added = readAddedTokens(json['added_tokens'], vocab);
  const byteLevel = isByteLevel(json['pre_tokenizer']) || isByteLevel(json['normalizer']);
  const encodeText = textEncoder(json, pieces, added);
  const template = readTemplate(json['post_processor'], vocab);
  const { piece, textOf, spell } = readingsOf(pieces.vocabulary, added, byteLevel);
  const encodeChat = (text: string): TokenizedText => {
    if (chat === null) throw new UserError(msg`This model has no chat template.`);
    const whole = wellFormed(text);
    const rendered = chat(whole);
    const { before, own, after } = partChat(encodeText(rendered.text), whole, rendered);
    return withSpans(whole, own, { before, after }, piece);
  };
  return {
    hasChat: chat !== null,
    encodeChat,
    encodeChatFirst: (text, limit) => firstOfChat(text, limit, encodeChat),
    addedTokens: template.before.length + template.after.length,
    piece,
    textOf,
    continued: (text, tokenized, ids) => continued(text, tokenized, ids, spell),
    count: (text) => encodeText(wellFormed(text)).length,
    encode: (text) => withSpans(wellFormed(text), encodeText(wellFormed(text)), template, piece),
    encodeFirst: (text, limit) => {
      const { placed, length } = firstTokens(text, limit - template.before.length - template.after.length, encodeText);
      return { tokenized: withSpans(wellFormed(text.slice(0, length)), placed, template, piece), length };
    },
  };
}

/** At most `room` tokens from the start of the text, ending at a whole character. */
function firstTokens(text: string, room: number, encodeText: (text: string) => Placed[]): { readonly placed: Placed[]; readonly length: number } {
  for (let units = Math.max(1, room) * UNITS_PER_TOKEN; ; units *= 2) {
    const part = wellFormed(text.slice(0, wholeCharacters(text, units)));
    const placed = encodeText(part);
    const whole = part.length === text.length;
    if (whole && placed.length <= room) return { placed, length: part.length };
    if (!whole && placed.length < room + CUT_MARGIN) continue;
    const spans = settle(part, placed);
    for (let count = room; count > 0; count--) {
      const length = spans[count - 1]?.end ?? 0;
      if (length > 0 && (spans[count]?.start ?? length) >= length) return { placed: placed.slice(0, count), length };
    }
    throw new UserError(msg`The first character of the text takes more tokens than the model reads at once.`);
  }
}

/** The chat of as much of the text as fits: what is too much is cut off the end, at a token's start. */
function firstOfChat(text: string, limit: number, encodeChat: (text: string) => TokenizedText): { readonly tokenized: TokenizedText; readonly length: number } {
  for (let length = wholeCharacters(text, Math.max(1, limit) * UNITS_PER_TOKEN); ; ) {
    const tokenized = encodeChat(text.slice(0, length));
    const excess = tokenized.tokens.length - limit;
    if (excess <= 0) return { tokenized, length: Math.min(length, text.length) };
    const own = tokenized.tokens.filter((token) => !token.special);
    length = own.at(-excess)?.start ?? 0;
    if (own.length <= excess || length === 0) throw new UserError(msg`The chat template takes more tokens than the model reads at once.`);
  }
}

/** `units`, or one less where it would cut a surrogate pair. */
function wholeCharacters(text: string, units: number): number {
  return units < text.length && (text.codePointAt(units - 1) ?? 0) > 0xffff ? units - 1 : units;
}

function withSpans(text: string, placed: readonly Placed[], template: Template, piece: (id: number) => string): TokenizedText {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const tokens: Token[] = [];
  const add = (id: number, at: number): void => void tokens.push(addedToken(tokens.length, id, piece(id), at));
  for (const id of template.before) add(id, 0);
  for (const { id, firstByte, endByte, start, end, partial } of settle(text, placed)) {
    const own = bytes.subarray(firstByte, endByte);
    // A token that owns nothing of the text, such as a prefix space, has a reading.
    const reading = own.length === 0 ? piece(id) : decoder.decode(own);
    tokens.push({ index: tokens.length, id, text: reading, bytes: [...own], start, end, special: false, partial });
  }
  for (const id of template.after) add(id, text.length);
  return { ids: Int32Array.from(tokens, (token) => token.id), tokens };
}

function addedToken(index: number, id: number, text: string, at: number): Token {
  return { index, id, text, bytes: [], start: at, end: at, special: true, partial: false };
}
