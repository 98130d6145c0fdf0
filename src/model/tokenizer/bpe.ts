import { BPE } from '@huggingface/tokenizers';
import { asArray, asFlag, asObject, asTokenId, quoted, refuse, type Json } from './json.ts';
import { byteIds, misplaced, placedBytes, placedPart, type PieceEncoder, type Placed } from './piece.ts';
import type { Run } from './run.ts';

/** Reads a BPE `model` entry of tokenizer.json. Throws UserError for options that change the tokens' spelling, and for ids outside the vocabulary. */
export function readBpe(entry: Json, vocab: number): PieceEncoder {
  for (const option of ['continuing_subword_prefix', 'end_of_word_suffix', 'dropout'] as const) {
    const value = entry[option];
    if (value !== undefined && value !== null && value !== '' && value !== 0) refuse(`the BPE option ${option} is not supported.`);
  }
  const vocabulary = readVocabulary(entry, vocab);
  const merges = readMerges(entry, vocabulary);
  const byteFallback = asFlag(entry['byte_fallback'], 'byte_fallback', false);
  const fuseUnknown = asFlag(entry['fuse_unk'], 'fuse_unk', false);
  const ignoreMerges = asFlag(entry['ignore_merges'], 'ignore_merges', false);
  const unknown = typeof entry['unk_token'] === 'string' ? vocabulary.get(entry['unk_token']) : undefined;
  const bpe = new BPE({
    type: 'BPE',
    vocab: Object.fromEntries(vocabulary),
    merges,
    byte_fallback: byteFallback,
    ignore_merges: ignoreMerges,
    unk_token: typeof entry['unk_token'] === 'string' ? entry['unk_token'] : null,
  });
  return { vocabulary, encode: (piece) => place(piece, bpe.encode([piece.text]), { vocabulary, byteFallback, fuseUnknown, ignoreMerges, unknown }) };
}

interface PlaceOptions {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly byteFallback: boolean;
  readonly fuseUnknown: boolean;
  readonly ignoreMerges: boolean;
  readonly unknown: number | undefined;
}

/**
 * Lays the tokens over the piece. A character outside the vocabulary is the only reason for a token that does not spell
 * its text: it is written byte by byte (byte fallback) or as the unknown token; everything else must match literally.
 */
function place(piece: Run, tokens: readonly string[], options: PlaceOptions): Placed[] {
  const placed: Placed[] = [];
  let unit = 0;
  let next = 0;
  let afterUnknown = false;
  while (unit < piece.text.length) {
    const codePoint = piece.text.codePointAt(unit) ?? 0;
    const character = String.fromCodePoint(codePoint);
    const token = tokens[next];
    const id = token === undefined ? undefined : options.vocabulary.get(token);
    if (token === undefined || id === undefined) throw misplaced(piece.text);
    if (piece.text.startsWith(token, unit) && (options.vocabulary.has(character) || (options.ignoreMerges && token === piece.text))) {
      placed.push(placedPart(id, piece, unit, unit + token.length));
      unit += token.length;
      next++;
      afterUnknown = false;
      continue;
    }
    const fallback = options.byteFallback ? byteIds(character, options.vocabulary) : null;
    if (fallback !== null) {
      for (const byte of placedBytes(fallback, piece, unit, unit + character.length)) placed.push(byte);
      next += fallback.length;
      afterUnknown = false;
    } else {
      if (id !== options.unknown) throw misplaced(piece.text);
      const last = placed.at(-1);
      if (options.fuseUnknown && afterUnknown && last !== undefined) placed[placed.length - 1] = { ...last, end: piece.ends[unit] ?? last.end };
      else placed.push(placedPart(id, piece, unit, unit + character.length));
      next++;
      afterUnknown = true;
    }
    unit += character.length;
  }
  if (next !== tokens.length) throw misplaced(piece.text);
  return placed;
}

function readVocabulary(entry: Json, vocab: number): Map<string, number> {
  const vocabulary = new Map<string, number>();
  for (const [token, id] of Object.entries(asObject(entry['vocab'], 'the vocabulary'))) vocabulary.set(token, asTokenId(id, `the token ${quoted(token)}`, vocab));
  if (vocabulary.size === 0) refuse('the vocabulary is empty.');
  return vocabulary;
}

function readMerges(entry: Json, vocabulary: ReadonlyMap<string, number>): [string, string][] {
  return asArray(entry['merges'], 'the list of merges').map((merge) => {
    const parts: readonly unknown[] = typeof merge === 'string' ? merge.split(' ') : asArray(merge, 'a merge');
    const [left, right] = parts;
    if (parts.length !== 2 || typeof left !== 'string' || typeof right !== 'string') refuse('a merge is not a pair of tokens.');
    if (!vocabulary.has(left + right)) refuse(`the merge of ${quoted(left)} and ${quoted(right)} makes a token that is not in the vocabulary.`);
    return [left, right];
  });
}
