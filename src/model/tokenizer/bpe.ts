import { msg } from '../../core/translatable.ts';
import { asArray, asFlag, asObject, asTokenId, quoted, refuse, type Json } from './tokenizerJson.ts';
import { mergesOf, mergeSymbols, type Merges, type WordSymbol } from './merges.ts';
import { byteIds, misplaced, placedBytes, placedPart, type PieceEncoder, type Placed } from './piece.ts';
import type { SourcedText } from './sourcedText.ts';

/** Most merges per token; Gemma 3 has 2, one for each way to split a token in two. */
const MERGES_PER_TOKEN = 8;
const FEW_MERGES = 1000;

/**
 * Reads a BPE `model` entry of tokenizer.json. Throws UserError for options that change the tokens' spelling, and for invalid ids.
 */
export function readBpe(entry: Json, vocab: number): PieceEncoder {
  for (const option of ['continuing_subword_prefix', 'end_of_word_suffix', 'dropout'] as const) {
    const value = entry[option];
    if (value !== undefined && value !== null && value !== '' && value !== 0) refuse(msg`the BPE option ${option} is not supported.`);
  }
  const vocabulary = readVocabulary(entry);
  const options = {
    vocabulary,
    merges: readMerges(entry, vocabulary, vocab),
    byteFallback: asFlag(entry['byte_fallback'], 'byte_fallback', false),
    fuseUnknown: asFlag(entry['fuse_unk'], 'fuse_unk', false),
    ignoreMerges: asFlag(entry['ignore_merges'], 'ignore_merges', false),
    unknown: typeof entry['unk_token'] === 'string' ? vocabulary.get(entry['unk_token']) : undefined,
  };
  return { vocabulary, encode: (piece) => encode(piece, options) };
}

interface BpeOptions {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly merges: Merges;
  readonly byteFallback: boolean;
  readonly fuseUnknown: boolean;
  readonly ignoreMerges: boolean;
  readonly unknown: number | undefined;
}

/**
 * The tokens of a piece. A character outside the vocabulary becomes byte tokens (byte fallback) or the unknown token; merges apply
 * between such characters. Throws UserError where there is neither.
 */
function encode(piece: SourcedText, { vocabulary, merges, byteFallback, fuseUnknown, ignoreMerges, unknown }: BpeOptions): Placed[] {
  const { text } = piece;
  const whole = ignoreMerges ? vocabulary.get(text) : undefined;
  if (whole !== undefined) return [placedPart(whole, piece, 0, text.length)];
  const placed: Placed[] = [];
  let symbols: WordSymbol[] = [];
  let afterUnknown = false;
  const merge = (): void => {
    for (const { id, start, end } of mergeSymbols(symbols, merges)) placed.push(placedPart(id, piece, start, end));
    symbols = [];
  };
  for (let unit = 0; unit < text.length;) {
    const character = String.fromCodePoint(text.codePointAt(unit) ?? 0);
    const end = unit + character.length;
    const id = vocabulary.get(character);
    if (id !== undefined) {
      symbols.push({ id, start: unit, end });
      afterUnknown = false;
    } else {
      merge();
      const fallback = byteFallback ? byteIds(character, vocabulary) : null;
      if (fallback !== null) {
        for (const byte of placedBytes(fallback, piece, unit, end)) placed.push(byte);
        afterUnknown = false;
      } else {
        if (unknown === undefined) throw misplaced(text);
        const last = placed.at(-1);
        if (fuseUnknown && afterUnknown && last !== undefined) placed[placed.length - 1] = { ...last, end: piece.ends[unit] ?? last.end };
        else placed.push(placedPart(unknown, piece, unit, end));
        afterUnknown = true;
      }
    }
    unit = end;
  }
  merge();
  return placed;
}

function readVocabulary(entry: Json): Map<string, number> {
  const vocabulary = new Map<string, number>();
  for (const [token, id] of Object.entries(asObject(entry['vocab'], msg`the vocabulary`)))
    vocabulary.set(
      token,
      asTokenId(id, () => msg`the token ${quoted(token)}`),
    );
  if (vocabulary.size === 0) refuse(msg`the vocabulary is empty.`);
  return vocabulary;
}

function readMerges(entry: Json, vocabulary: ReadonlyMap<string, number>, vocab: number): Merges {
  const merges = asArray(entry['merges'], msg`the list of merges`);
  const most = MERGES_PER_TOKEN * vocab + FEW_MERGES;
  if (merges.length > most)
    refuse(msg`the list of merges has ${merges.length} entries, where at most ${most} make sense for the model's vocabulary.`);
  const pairs = merges.map((merge): readonly [number, number, number] => {
    const parts: readonly unknown[] = typeof merge === 'string' ? merge.split(' ') : asArray(merge, msg`a merge`);
    const [left, right] = parts;
    if (parts.length !== 2 || typeof left !== 'string' || typeof right !== 'string') refuse(msg`a merge is not a pair of tokens.`);
    const [leftId, rightId, joined] = [vocabulary.get(left), vocabulary.get(right), vocabulary.get(left + right)];
    if (joined === undefined) refuse(msg`the merge of ${quoted(left)} and ${quoted(right)} makes a token that is not in the vocabulary.`);
    if (leftId === undefined || rightId === undefined)
      refuse(msg`the merge of ${quoted(left)} and ${quoted(right)} is of a token that is not in the vocabulary.`);
    return [leftId, rightId, joined];
  });
  return mergesOf(pairs, 1 + [...vocabulary.values()].reduce((largest, id) => Math.max(largest, id), 0));
}
