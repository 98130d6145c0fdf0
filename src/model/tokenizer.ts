import { UserError, messageOf } from '../core/errors.ts';
import { textSpans, wellFormed } from '../core/textSpans.ts';
import type { Token, TokenizedText } from '../core/trace.ts';
import { readJson, type ModelFiles } from './files.ts';
import { addedTokenSplitter, readAddedTokens, type AddedToken } from './tokenizer/addedTokens.ts';
import { byteToken, readBpe, type Placed } from './tokenizer/bpe.ts';
import { fromByteCharacters } from './tokenizer/byteLevel.ts';
import { TOKENIZER_FILE, asObject, refuse, type Json } from './tokenizer/json.ts';
import { readNormalizer } from './tokenizer/normalizer.ts';
import { isByteLevel, readPreTokenizer } from './tokenizer/preTokenizer.ts';
import { sourceRun, widthBetween, type Run } from './tokenizer/run.ts';
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
  /** Number of the text's own tokens, without those added around it. */
  readonly count: (text: string) => number;
  /** What a token reads as; part of a character shows as U+FFFD. Empty for an id without a token. */
  readonly piece: (id: number) => string;
}

/**
 * Opens tokenizer.json (BPE: byte-level, or SentencePiece style with ▁ and byte fallback).
 * `vocab` is the number of rows of the model's unembedding. Throws UserError naming the file and the unsupported kind.
 */
export async function openTokenizer(files: ModelFiles, vocab: number): Promise<TextTokenizer> {
  if (!(await files.list()).includes(TOKENIZER_FILE)) throw new UserError(`The folder ${files.name} has no ${TOKENIZER_FILE}.`);
  const json = asObject(await readJson(files, TOKENIZER_FILE, MAX_TOKENIZER_BYTES), 'the file');
  try {
    return createTokenizer(json, vocab);
  } catch (error) {
    // What is wrong in the file may show as any error of the library.
    throw error instanceof UserError ? error : new UserError(`${TOKENIZER_FILE} cannot be used: ${messageOf(error)}.`, { cause: error });
  }
}

/** The tokenizer of a parsed tokenizer.json; see `openTokenizer`. */
export function createTokenizer(json: Json, vocab: number): TextTokenizer {
  const pieces = readBpe(json['model'], vocab);
  const added = readAddedTokens(json['added_tokens'], vocab);
  const byteLevel = isByteLevel(json['pre_tokenizer']);
  const encodeText = textEncoder(json, pieces, added, byteLevel);
  const template = readTemplate(json['post_processor'], vocab);
  const piece = pieceReader(pieces.vocabulary, added, byteLevel);
  return {
    addedTokens: template.before.length + template.after.length,
    piece,
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
    const spans = textSpans(part, placed.map((token) => token.bytes));
    for (let count = room; count > 0; count--) {
      const length = spans[count - 1]?.end ?? 0;
      if (length > 0 && (spans[count]?.start ?? length) >= length) return { placed: placed.slice(0, count), length };
    }
    throw new UserError('The first character of the text takes more tokens than the model reads at once.');
  }
}

/** `units`, or one less where it would cut a surrogate pair. */
function wholeCharacters(text: string, units: number): number {
  return units < text.length && (text.codePointAt(units - 1) ?? 0) > 0xffff ? units - 1 : units;
}

/** The text's own tokens with their source bytes: added tokens first, then normalizer, pre-tokenizer and merges on what lies between. */
function textEncoder(json: Json, pieces: ReturnType<typeof readBpe>, added: readonly AddedToken[], byteLevel: boolean): (text: string) => Placed[] {
  const normalizers = readNormalizer(json['normalizer']);
  const preTokenizers = readPreTokenizer(json['pre_tokenizer']);
  if (byteLevel && normalizers.length > 0) refuse('a normalizer before byte-level tokens is not supported.');
  const normalize = (run: Run): Run => normalizers.reduce((current, step) => step(current), run);
  const inSource = addedTokenSplitter(new Map(added.filter((token) => !token.normalized).map((token) => [token.content, token])));
  const inNormalized = addedTokenSplitter(new Map(added.filter((token) => token.normalized).map((token) => [normalize(sourceRun(token.content)).text, token])));
  return (text) => {
    const placed: Placed[] = [];
    for (const section of inSource(sourceRun(text))) {
      if (section.token !== null) {
        placed.push(wholeRun(section.token, section.run));
        continue;
      }
      for (const part of inNormalized(normalize(section.run))) {
        if (part.token !== null) {
          placed.push(wholeRun(part.token, part.run));
          continue;
        }
        const first = section.start === 0 && part.start === 0;
        const runs = preTokenizers.reduce((current, step) => current.flatMap((run, index) => step(run, first && index === 0)), [part.run]);
        for (const run of runs) for (const token of pieces.encode(run)) placed.push(token);
      }
    }
    return placed;
  };
}

function wholeRun(token: AddedToken, run: Run): Placed {
  return { id: token.id, bytes: widthBetween(run, 0, run.text.length) };
}

function withSpans(text: string, placed: readonly Placed[], template: Template, piece: (id: number) => string): TokenizedText {
  const bytes = new TextEncoder().encode(text);
  const total = placed.reduce((sum, token) => sum + token.bytes, 0);
  if (total !== bytes.length) throw new UserError(`${TOKENIZER_FILE}: its tokens hold ${total} bytes, the text ${bytes.length}, so no token can be placed exactly.`);
  const spans = textSpans(text, placed.map((token) => token.bytes));
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const tokens: Token[] = [];
  const add = (id: number, at: number): void => void tokens.push({ index: tokens.length, id, text: piece(id), bytes: [], start: at, end: at, special: true, partial: false });
  for (const id of template.before) add(id, 0);
  let offset = 0;
  placed.forEach((token, i) => {
    const own = bytes.subarray(offset, offset + token.bytes);
    offset += token.bytes;
    const span = spans[i] ?? { start: text.length, end: text.length, partial: false };
    // A prefix space that became a token of its own stands for nothing in the text, but it has a reading.
    const reading = own.length === 0 ? piece(token.id) : decoder.decode(own);
    tokens.push({ index: tokens.length, id: token.id, text: reading, bytes: [...own], ...span, special: false });
  });
  for (const id of template.after) add(id, text.length);
  return { ids: Int32Array.from(tokens, (token) => token.id), tokens };
}

/** Readings of ids. Added tokens read as they are written; the others as their bytes. */
function pieceReader(vocabulary: ReadonlyMap<string, number>, added: readonly AddedToken[], byteLevel: boolean): (id: number) => string {
  const tokenOf = new Map<number, string>();
  for (const [token, id] of vocabulary) tokenOf.set(id, token);
  const literal = new Map(added.map((token) => [token.id, token.content]));
  const byteOf = new Map(Array.from({ length: 256 }, (_, byte) => [byteToken(byte), byte]));
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return (id) => {
    const token = tokenOf.get(id);
    const written = literal.get(id);
    if (written !== undefined || token === undefined) return written ?? '';
    if (byteLevel) {
      const bytes = fromByteCharacters(token);
      return bytes === null ? token : decoder.decode(bytes);
    }
    const byte = byteOf.get(token);
    return byte === undefined ? token.replaceAll('▁', ' ') : decoder.decode(Uint8Array.of(byte));
  };
}
