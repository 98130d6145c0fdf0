import { UserError } from '../../../core/errors.ts';
import { msg, type Translatable } from '../../../core/translatable.ts';
import type { GgufMetadata, GgufValue } from './ggufHeader.ts';

/** Twice the largest vocabulary known (Gemma 3: 262,144 tokens). */
const MAX_TOKENS = 524_288;
/** The longest tokens known are runs of 512 spaces. */
const MAX_TOKEN_UNITS = 1024;
/** Text by which converters mark unused ids. */
const UNFILLED = /^\[PAD\d+\]$/;
/** Names of byte fallback tokens. */
const BYTE = /^<0x[0-9A-F]{2}>$/;
/** "No token", written as an unsigned number by some converters. */
const NO_TOKEN = 0xffffffff;

/** Types of tokens: ggml's `llama_token_type`, from 1. */
const TOKEN_TYPES = ['normal', 'unknown', 'control', 'user defined', 'unused', 'byte'] as const;
/** Type of a token. */
export type TokenType = (typeof TOKEN_TYPES)[number];

/** A token of a GGUF file. */
export interface GgufToken {
  readonly id: number;
  readonly text: string;
  readonly type: TokenType;
}

/** The tokens of a GGUF file. */
export interface Vocabulary {
  readonly tokens: readonly GgufToken[];
  /** One for each id; undefined where the id has no token. */
  readonly byId: readonly (GgufToken | undefined)[];
}

/** Throws UserError about the tokenizer of a file. */
export function refuse(reason: Translatable): never {
  throw new UserError(msg`The tokenizer of this GGUF file cannot be used: ${reason}.`);
}

const TOKENS = 'tokenizer.ggml.tokens';
const TYPES = 'tokenizer.ggml.token_type';

/** The tokens of a file that have a text, in order of their ids, and the number of ids. Throws UserError. */
export function readTokens(metadata: GgufMetadata): Vocabulary {
  const texts = readList(metadata, TOKENS);
  const types = metadata.has(TYPES) ? readList(metadata, TYPES) : null;
  if (texts.length === 0 || texts.length > MAX_TOKENS) refuse(msg`it has ${texts.length} tokens, where 1 to ${MAX_TOKENS} make sense`);
  if (types !== null && types.length !== texts.length) refuse(msg`it has ${texts.length} tokens, but the types of ${types.length}`);
  const tokens: GgufToken[] = [];
  const byId: (GgufToken | undefined)[] = Array.from({ length: texts.length });
  texts.forEach((text, id) => {
    if (typeof text !== 'string') return refuse(msg`token ${id} is not a text`);
    if (text.length > MAX_TOKEN_UNITS) refuse(msg`token ${id} is ${text.length} letters long, where at most ${MAX_TOKEN_UNITS} make sense`);
    const number = types === null ? 0 : types[id];
    if (typeof number !== 'number')
      return refuse(msg`token ${id} has the type ${JSON.stringify(number).slice(0, 40)}, which is not a number`);
    // As in llama.cpp: a token with a missing or unknown type is a normal one.
    const type = TOKEN_TYPES[number - 1] ?? (BYTE.test(text) ? 'byte' : 'normal');
    if (text === '' || (type === 'unused' && UNFILLED.test(text))) return;
    tokens.push((byId[id] = { id, text, type }));
  });
  return { tokens, byId };
}

/** Scores of all tokens. Throws UserError. */
export function readScores(metadata: GgufMetadata, count: number): readonly number[] {
  const scores = readList(metadata, 'tokenizer.ggml.scores');
  if (scores.length !== count) refuse(msg`it has ${count} tokens, but the scores of ${scores.length}`);
  return scores.map((score, id) =>
    typeof score === 'number' && Number.isFinite(score) ? score : refuse(msg`the score of token ${id} is not a number`),
  );
}

/** A list of metadata. */
export function readList(metadata: GgufMetadata, key: string): readonly GgufValue[] {
  const value = metadata.get(key);
  if (value === undefined) return refuse(msg`${key} is missing`);
  return isList(value) ? value : refuse(msg`${key} is not a list`);
}

function isList(value: GgufValue): value is readonly GgufValue[] {
  return Array.isArray(value);
}

/** A string of metadata; '' where there is none. */
export function readString(metadata: GgufMetadata, key: string): string {
  const value = metadata.get(key) ?? '';
  return typeof value === 'string' ? value : refuse(msg`${key} is not a text`);
}

/** A boolean of metadata; `missing` where there is none. */
export function readFlag(metadata: GgufMetadata, key: string, missing: boolean): boolean {
  const value = metadata.get(key) ?? missing;
  return typeof value === 'boolean' ? value : refuse(msg`${key} is neither true nor false`);
}

/**
 * The token that `tokenizer.ggml.KEY` names, null where it names none; `missing`: the id where it says nothing, or, as in
 * llama.cpp, an id beyond all tokens.
 */
export function readToken(metadata: GgufMetadata, key: string, { byId }: Vocabulary, missing: number | null): GgufToken | null {
  const value = metadata.get(`tokenizer.ggml.${key}`);
  if (value === -1 || value === NO_TOKEN) return null;
  const beyond = typeof value === 'number' && Number.isInteger(value) && value >= byId.length;
  if (value === undefined || beyond) return missing === null ? null : (byId[missing] ?? null);
  const token = typeof value === 'number' ? byId[value] : undefined;
  return token ?? refuse(msg`tokenizer.ggml.${key} is ${JSON.stringify(value).slice(0, 40)}, which is no token's id`);
}
