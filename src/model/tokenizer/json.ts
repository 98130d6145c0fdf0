import { UserError } from '../../core/errors.ts';
import { msg, type Translatable } from '../../core/translatable.ts';

/** One JSON object of a tokenizer file, not yet believed. */
export type Json = Readonly<Record<string, unknown>>;

export const TOKENIZER_FILE = 'tokenizer.json';

/** Refuses the tokenizer with a sentence that names the file. */
export function refuse(reason: Translatable): never {
  throw new UserError(msg`${TOKENIZER_FILE}: ${reason}`);
}

export function asObject(value: unknown, what: Translatable | string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(msg`${what} is not an object.`);
  return value as Json;
}

export function asArray(value: unknown, what: Translatable | string): readonly unknown[] {
  if (!Array.isArray(value)) refuse(msg`${what} is not a list.`);
  return value;
}

export function asString(value: unknown, what: Translatable | string): string {
  if (typeof value !== 'string') refuse(msg`${what} is not a text.`);
  return value;
}

/** A true or false that may be left out. */
export function asFlag(value: unknown, what: Translatable | string, missing: boolean): boolean {
  if (value === undefined || value === null) return missing;
  if (typeof value !== 'boolean') refuse(msg`${what} is neither true nor false.`);
  return value;
}

/** A token id: a whole number from 0 below the model's vocabulary. */
export function asTokenId(value: unknown, what: () => Translatable | string, vocab: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) refuse(msg`the id of ${what()} is not a whole number.`);
  if (value >= vocab) refuse(msg`${what()} has id ${value}, but the model's vocabulary ends at ${vocab - 1}.`);
  return value;
}

/** How the `type` of an entry is named in a message. */
export function kindName(type: unknown): string {
  return typeof type === 'string' ? quoted(type) : 'without a name';
}

/** How a token is named in a message: quoted and short. */
export function quoted(token: string): string {
  return JSON.stringify(token.length > 40 ? `${token.slice(0, 40)}…` : token);
}
