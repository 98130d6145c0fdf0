import { UserError } from '../../core/errors.ts';
import { msg, type Translatable } from '../../core/translatable.ts';

/** One JSON object of a tokenizer file, unchecked. */
export type Json = Readonly<Record<string, unknown>>;

/** The file of a tokenizer. */
export const TOKENIZER_FILE = 'tokenizer.json';

/** Tokenizer files of other programs and of older versions of transformers. */
const OTHER_FILES = [
  'tokenizer.model',
  'spiece.model',
  'sentencepiece.bpe.model',
  'tekken.json',
  'vocab.json',
  'merges.txt',
  'tiktoken.model',
];

/** The error for a folder of these files without tokenizer.json. */
export function withoutTokenizer(folder: string, names: readonly string[]): UserError {
  const other = OTHER_FILES.find((name) => names.includes(name)) ?? names.find((name) => /\.(tiktoken|spm)$/.test(name));
  if (other === undefined) return new UserError(msg`The folder ${folder} has no ${TOKENIZER_FILE}.`);
  return new UserError(
    msg`The folder ${folder} has no ${TOKENIZER_FILE}, only ${other}: transformers writes one of it \
(AutoTokenizer.from_pretrained, then save_pretrained).`,
  );
}

/** Throws UserError about tokenizer.json, with the reason. */
export function refuse(reason: Translatable): never {
  throw new UserError(msg`${TOKENIZER_FILE}: ${reason}`);
}

/** A value that must be an object; `what` names it in the message. Throws UserError. */
export function asObject(value: unknown, what: Translatable | string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(msg`${what} is not an object.`);
  return value as Json;
}

/** A value that must be a list. Throws UserError. */
export function asArray(value: unknown, what: Translatable | string): readonly unknown[] {
  if (!Array.isArray(value)) refuse(msg`${what} is not a list.`);
  return value;
}

/** A value that must be a string. Throws UserError. */
export function asString(value: unknown, what: Translatable | string): string {
  if (typeof value !== 'string') refuse(msg`${what} is not a text.`);
  return value;
}

/** An optional boolean; `missing` where it is absent. Throws UserError. */
export function asFlag(value: unknown, what: Translatable | string, missing: boolean): boolean {
  if (value === undefined || value === null) return missing;
  if (typeof value !== 'boolean') refuse(msg`${what} is neither true nor false.`);
  return value;
}

/** Upper bound of ids, far above the largest known vocabulary (262,144); two ids fit in one exact number. */
const IDS_END = 2 ** 24;

/**
 * A token id: a non-negative whole number, below the model's vocabulary `vocab` where that is given. Tokens without a row in the table
 * may be defined, but not read.
 */
export function asTokenId(value: unknown, what: () => Translatable | string, vocab?: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) refuse(msg`the id of ${what()} is not a whole number.`);
  if (vocab !== undefined && value >= vocab) refuse(msg`${what()} has id ${value}, but the model's vocabulary ends at ${vocab - 1}.`);
  if (value >= IDS_END) refuse(msg`${what()} has id ${value}, where ids below ${IDS_END} make sense.`);
  return value;
}

/** Throws UserError where there are more tokens than the model has ids for; called before anything is built from them. */
export function checkTokens(count: number, vocab: number): void {
  if (count > mostTokens(vocab)) refuse(msg`the vocabulary has ${count} tokens, but the model's ends at ${vocab - 1}.`);
}

/**
 * Most tokens of a tokenizer for a model of `vocab` rows. Fine-tunes may add tokens without resizing the model; a tokenizer with twice
 * as many belongs to another model.
 */
export function mostTokens(vocab: number): number {
  return 2 * vocab + 1000;
}

/** Most steps of normalizers, pre-tokenizers and post-processors; known tokenizers have up to 8. */
const MAX_STEPS = 64;

/** The steps of an entry in order; nested `Sequence` lists are flattened. `what` names the entry in messages. */
export function stepsOf(json: unknown, what: Translatable, list: string, whatList: Translatable): Json[] {
  const entry = asObject(json, what);
  if (entry['type'] !== 'Sequence') return [entry];
  const items = asArray(entry[list], whatList);
  if (items.length > MAX_STEPS) refuse(msg`${whatList} has ${items.length} entries, where at most ${MAX_STEPS} make sense.`);
  const steps = items.flatMap((item) => stepsOf(item, what, list, whatList));
  if (steps.length > MAX_STEPS) refuse(msg`${whatList} has ${steps.length} entries, where at most ${MAX_STEPS} make sense.`);
  return steps;
}

/** Name of an entry's `type` in a message. */
export function kindName(type: unknown): string {
  return typeof type === 'string' ? quoted(type) : 'without a name';
}

/** A token in a message: quoted and short. */
export function quoted(token: string): string {
  return JSON.stringify(token.length > 40 ? `${token.slice(0, 40)}…` : token);
}
