import { UserError, messageOf } from '../../core/errors.ts';
import { emptyTokens, type PackedTokens } from '../../core/packedTokens.ts';
import { wellFormed, wholeCharacters } from '../../core/textSpans.ts';
import type { Token, TokenizedText } from '../../core/trace.ts';
import { msg } from '../../core/translatable.ts';
import { readChatTemplate, type ChatTemplate } from '../chat/chatTemplate.ts';
import { parseJson, readText, type ModelFiles } from '../formats/modelFiles.ts';
import { jsonShape } from '../formats/jsonShape.ts';
import { readAddedTokens } from './addedTokens.ts';
import { partChat } from './chat.ts';
import { continued } from './continuation.ts';
import { TOKENIZER_FILE, asObject, mostTokens, quoted, refuse, withoutTokenizer, type Json } from './tokenizerJson.ts';
import { readNamedTokens, withNamedTokens } from './namedTokens.ts';
import type { Placed } from './piece.ts';
import { readModel, textEncoder } from './pipeline.ts';
import { isByteLevel } from './preTokenizer.ts';
import { readingsOf } from './reading.ts';
import { settle, settleEach, wholeTokens } from './settle.ts';
import { inPieces, type EncodedPiece } from './textPieces.ts';
import { safeCuts, type SafeCut } from './safeCuts.ts';
import { readTemplate, type Template } from './template.ts';

/** Largest tokenizer.json; the largest known (256,000 tokens) takes 34 MB. */
const MAX_TOKENIZER_BYTES = 64 * 1024 * 1024;
/** Most keys per object other than the vocabulary. */
const KEYS_PER_OBJECT = 8;
const OTHER_ENTRIES = 1000;
/** Most lists per token: a pair for each merge, of which there are at most 8 per token. */
const LISTS_PER_TOKEN = 9;
/** First guess of how many UTF-16 units a token stands for, and tokens before a cut whose shape the cut could change. */
const UNITS_PER_TOKEN = 16;
const CUT_MARGIN = 64;

/** Conversion between text and tokens equal to the model's own tokenizer, with every token's exact place in the text. */
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
  /**
   * The tokens of the whole text, as `encode` has them, in parts: a long text is encoded in pieces, so that the tokens of all of it are
   * never in memory at once. Where a tokenizer or a text cannot be cut safely, what is beyond 8 million UTF-16 units is left out,
   * as the end of the last token tells.
   */
  readonly encodeInPieces: (text: string) => Generator<readonly Token[]>;
  /** The same tokens and parts, without their texts: in a fraction of the time. */
  readonly packInPieces: (text: string) => Generator<PackedTokens>;
  /** Whether the model's folder has a chat template. */
  readonly hasChat: boolean;
  /**
   * The text as a user's message in the model's chat template, up to the beginning of the answer. The template's tokens are
   * `special`, at their side of the text; a token on the border is the text's, with the text's part of its bytes. What
   * the tokenizer adds around a text is not added, as in `apply_chat_template` of transformers. Throws UserError.
   */
  readonly encodeChat: (text: string) => TokenizedText;
  /** `encodeChat` of the first part of the text that fits `limit` tokens; `length` is that part's number of UTF-16 units. */
  readonly encodeChatFirst: (text: string, limit: number) => { readonly tokenized: TokenizedText; readonly length: number };
  /** Number of the text's own tokens, without those added around it. */
  readonly count: (text: string) => number;
  /** Text of one token; part of a character shows as U+FFFD. Empty for an id without a token. */
  readonly piece: (id: number) => string;
  /** Text of consecutive tokens within a text: characters shared by several tokens are whole, special tokens add nothing. */
  readonly textOf: (ids: Int32Array) => string;
  /** A tokenized text followed by generated tokens, which stay as generated, with their places in the whole. */
  readonly continued: (
    text: string,
    tokenized: TokenizedText,
    ids: readonly number[],
  ) => { readonly text: string; readonly tokenized: TokenizedText };
}

/**
 * Opens tokenizer.json (BPE: byte-level, or SentencePiece style with ▁ and byte fallback; Unigram) and the chat template.
 * `vocab` is the number of rows of the model's unembedding: a text with a token beyond them is refused. Throws UserError naming the
 * file and the unsupported kind.
 */
export async function openTokenizer(files: ModelFiles, vocab: number): Promise<TextTokenizer> {
  const names = await files.list();
  if (!names.includes(TOKENIZER_FILE)) throw withoutTokenizer(files.name, names);
  const text = await readText(files, TOKENIZER_FILE, MAX_TOKENIZER_BYTES);
  checkEntries(text, vocab);
  const whole = asObject(parseJson(text, TOKENIZER_FILE), msg`the file`);
  const named = await readNamedTokens(files);
  // A GGUF file's own tokenizer is complete; no other files define tokens.
  const json = files.tokenizerMade === true ? whole : withNamedTokens(whole, named);
  // An unusable template is reported only when a chat is requested.
  const chat = await readChatTemplate(files, named).catch((error: unknown): ChatTemplate => () => {
    throw error;
  });
  try {
    return createTokenizer(json, vocab, chat);
  } catch (error) {
    // A faulty file may cause any error in the library.
    if (error instanceof RangeError) return tooMuch(error);
    throw error instanceof UserError ? error : new UserError(msg`${TOKENIZER_FILE} cannot be used: ${messageOf(error)}.`, { cause: error });
  }
}

/**
 * Throws UserError for more entries than a model of this vocabulary has, before any is made: each object but the vocabulary has few keys
 * (an added token has 7), and there are no more objects than tokens.
 */
function checkEntries(text: string, vocab: number): void {
  const { keys, objects, lists } = jsonShape(text);
  const tokens = Math.max(keys - KEYS_PER_OBJECT * objects, objects);
  if (tokens > mostTokens(vocab)) refuse(msg`it lists ${tokens} tokens or more, but the model's vocabulary ends at ${vocab - 1}.`);
  const most = LISTS_PER_TOKEN * vocab + OTHER_ENTRIES;
  if (lists > most) refuse(msg`it holds ${lists} lists, where at most ${most} make sense for the model's vocabulary.`);
}

/** Reports JavaScript's own limits of stack and lengths as too large a tokenizer. */
function tooMuch(cause: RangeError): never {
  throw new UserError(msg`${TOKENIZER_FILE}: it nests too deeply, or makes too much of the text.`, { cause });
}

/** The tokenizer of a parsed tokenizer.json; see `openTokenizer`. */
export function createTokenizer(json: Json, vocab: number, chat: ChatTemplate | null = null): TextTokenizer {
  const pieces = readModel(json['model'], vocab);
  const added = readAddedTokens(json['added_tokens'], vocab);
  const encodeWhole = textEncoder(json, pieces, added);
  const encodeText = (text: string): Placed[] => {
    try {
      return encodeWhole(text);
    } catch (error) {
      if (error instanceof RangeError) return tooMuch(error);
      throw error;
    }
  };
  const byteLevel = isByteLevel(json['pre_tokenizer']) || isByteLevel(json['normalizer']);
  const template = readTemplate(json['post_processor'], vocab);
  const { piece, textOf, spell } = readingsOf(pieces.vocabulary, added, byteLevel, json['twins']);
  /** Where texts can be cut: known once a text is. */
  let cuts: { readonly isSafe: SafeCut | null } | undefined;
  const placedIn = (text: string, placed: readonly Placed[], around: Template): TokenizedText =>
    withRows(withSpans(text, placed, around, piece), vocab);
  const piecesOf = (text: string): Iterable<EncodedPiece> =>
    inPieces(wellFormed(text), (cuts ??= { isSafe: safeCuts(json, added) }).isSafe, encodeText, template);
  const encodeChat = (text: string): TokenizedText => {
    if (chat === null) throw new UserError(msg`This model has no chat template.`);
    const whole = wellFormed(text);
    const rendered = chat(whole);
    const { before, own, after } = partChat(encodeText(rendered.text), whole, rendered);
    return placedIn(whole, own, { before, after });
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
    encode: (text) => placedIn(wellFormed(text), encodeText(wellFormed(text)), template),
    *encodeInPieces(text) {
      let index = 0;
      for (const { piece: part, from, placed, around } of piecesOf(text)) {
        const { tokens } = placedIn(part, placed, around);
        const first = index;
        yield tokens.map((token) => ({ ...token, index: token.index + first, start: token.start + from, end: token.end + from }));
        index += tokens.length;
      }
    },
    *packInPieces(text) {
      for (const { piece: part, from, placed, around } of piecesOf(text)) {
        const packed = packedPlaces(part, from, placed, around);
        // Says which token the model has no row for.
        if (packed.ids.some((id) => id >= vocab)) placedIn(part, placed, around);
        yield packed;
      }
    },
    encodeFirst: (text, limit) => {
      const { placed, length } = firstTokens(text, limit - template.before.length - template.after.length, encodeText);
      return { tokenized: placedIn(wellFormed(text.slice(0, length)), placed, template), length };
    },
  };
}

/** The first tokens of the text, at most `room`, ending at a whole character. */
function firstTokens(
  text: string,
  room: number,
  encodeText: (text: string) => Placed[],
): { readonly placed: Placed[]; readonly length: number } {
  for (let units = Math.max(1, room) * UNITS_PER_TOKEN; ; units *= 2) {
    const part = wellFormed(text.slice(0, wholeCharacters(text, units)));
    const placed = encodeText(part);
    const whole = part.length === text.length;
    if (whole && placed.length <= room) return { placed, length: part.length };
    if (!whole && placed.length < room + CUT_MARGIN) continue;
    const first = wholeTokens(part, placed, room);
    if (first === null) throw new UserError(msg`The first character of the text takes more tokens than the model reads at once.`);
    return first;
  }
}

/** The chat with as much of the text as fits; the rest is cut off the end, at a token's start. */
function firstOfChat(
  text: string,
  limit: number,
  encodeChat: (text: string) => TokenizedText,
): { readonly tokenized: TokenizedText; readonly length: number } {
  for (let length = wholeCharacters(text, Math.max(1, limit) * UNITS_PER_TOKEN); ;) {
    const tokenized = encodeChat(text.slice(0, length));
    const excess = tokenized.tokens.length - limit;
    if (excess <= 0) return { tokenized, length: Math.min(length, text.length) };
    const own = tokenized.tokens.filter((token) => !token.special);
    length = own.at(-excess)?.start ?? 0;
    if (own.length <= excess || length === 0) throw new UserError(msg`The chat template takes more tokens than the model reads at once.`);
  }
}

/** Throws UserError for a token without a row in the model's table: files may define tokens that the model was never trained on. */
function withRows(tokenized: TokenizedText, vocab: number): TokenizedText {
  const token = tokenized.tokens.find(({ id }) => id >= vocab);
  if (token === undefined) return tokenized;
  const { id, special, text } = token;
  throw new UserError(
    special
      ? msg`What is put around the text holds the token ${quoted(text)} (id ${id}), for which this model has no row: its \
vocabulary ends at ${vocab - 1}.`
      : msg`The text holds the token ${quoted(text)} (id ${id}), for which this model has no row: its vocabulary ends \
at ${vocab - 1}. Leave it out of the text.`,
  );
}

function withSpans(text: string, placed: readonly Placed[], template: Template, piece: (id: number) => string): TokenizedText {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const tokens: Token[] = [];
  const add = (id: number, at: number): void => void tokens.push(addedToken(tokens.length, id, piece(id), at));
  for (const id of template.before) add(id, 0);
  for (const { id, firstByte, endByte, start, end, partial } of settle(text, placed)) {
    const own = bytes.subarray(firstByte, endByte);
    // A token that owns no bytes of the text, such as a prefix space, still has a text.
    const reading = own.length === 0 ? piece(id) : decoder.decode(own);
    tokens.push({ index: tokens.length, id, text: reading, bytes: [...own], start, end, special: false, partial });
  }
  for (const id of template.after) add(id, text.length);
  return { ids: Int32Array.from(tokens, (token) => token.id), tokens };
}

/** The tokens of a part of a text that begins at `from`. */
function packedPlaces(text: string, from: number, placed: readonly Placed[], { before, after }: Template): PackedTokens {
  const packed = emptyTokens(before.length + placed.length + after.length);
  let index = 0;
  const add = (id: number, start: number, end: number, bytes: number, special: boolean, partial: boolean): void => {
    packed.ids[index] = id;
    packed.start[index] = start + from;
    packed.end[index] = end + from;
    packed.bytes[index] = bytes;
    packed.special[index] = Number(special);
    packed.partial[index++] = Number(partial);
  };
  for (const id of before) add(id, 0, 0, 0, true, false);
  settleEach(text, placed, ({ id, start, end, firstByte, endByte, partial }) => add(id, start, end, endByte - firstByte, false, partial));
  for (const id of after) add(id, text.length, text.length, 0, true, false);
  return packed;
}

function addedToken(index: number, id: number, text: string, at: number): Token {
  return { index, id, text, bytes: [], start: at, end: at, special: true, partial: false };
}
