import { UserError } from '../../core/errors.ts';
import { msg, type Translatable } from '../../core/translatable.ts';
import { isRecord } from '../../core/records.ts';

/**
 * Typed access to one JSON object of config.json. Every function throws UserError naming the option;
 * a missing option has the value `absent`, and `null` counts as missing only where a function says so.
 */
export interface Options {
  /** Own keys only: "constructor" is not an option. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Prefix of option names in messages, such as "rope_scaling.". */
  readonly path: string;
}

/** The options of a JSON object. Throws UserError for anything else. */
export function options(values: unknown, path = ''): Options {
  if (!isRecord(values))
    throw new UserError(path === '' ? msg`config.json is not a JSON object.` : msg`config.json: "${path}" is not a JSON object.`);
  return { values, path: path === '' ? '' : `${path}.` };
}

/** An option's value; undefined when absent. */
export function value(from: Options, name: string): unknown {
  return Object.hasOwn(from.values, name) ? from.values[name] : undefined;
}

/** Throws UserError about an option, with the reason. */
export function refuse(from: Options, name: string, reason: Translatable): never {
  throw new UserError(msg`config.json: "${from.path}${name}" ${reason}.`);
}

/** A whole number of at least `least`. */
export function count(from: Options, name: string, absent: number, least = 1): number {
  const found = value(from, name);
  if (found === undefined) return absent;
  if (typeof found !== 'number' || !Number.isSafeInteger(found) || found < least)
    refuse(from, name, msg`must be a whole number from ${least} on, not ${shown(found)}`);
  return found;
}

/** A whole number of at least 1; null counts as missing. */
export function optionalCount(from: Options, name: string, absent: number): number {
  return value(from, name) === null ? absent : count(from, name, absent);
}

/** A finite number above 0. */
export function positive(from: Options, name: string, absent: number): number {
  const found = number(from, name, absent);
  if (found <= 0) refuse(from, name, msg`must be above 0, not ${found}`);
  return found;
}

/** A finite number. */
export function number(from: Options, name: string, absent?: number): number {
  const found = value(from, name);
  if (found === undefined && absent !== undefined) return absent;
  if (typeof found !== 'number' || !Number.isFinite(found)) refuse(from, name, msg`must be a number, not ${shown(found)}`);
  return found;
}

/** A finite number; null where the option is missing or null. */
export function optionalNumber(from: Options, name: string): number | null {
  const found = value(from, name);
  return found === undefined || found === null ? null : number(from, name);
}

/** A boolean. */
export function flag(from: Options, name: string, absent: boolean): boolean {
  const found = value(from, name);
  if (found === undefined) return absent;
  if (typeof found !== 'boolean') refuse(from, name, msg`must be true or false, not ${shown(found)}`);
  return found;
}

/** A string. */
export function text(from: Options, name: string, absent: string): string {
  const found = value(from, name);
  if (found === undefined) return absent;
  if (typeof found !== 'string') refuse(from, name, msg`must be a text, not ${shown(found)}`);
  return found;
}

function shown(found: unknown): string {
  // NaN and infinities, which Python's JSON has, by their names.
  if (typeof found === 'number') return String(found);
  return (
    JSON.stringify(found, (_, item: unknown) => (typeof item === 'number' && !Number.isFinite(item) ? String(item) : item)) ?? 'absent'
  ).slice(0, 40);
}

/** An option under its family's own name or the common one (transformers' `attribute_map`). Throws UserError where the two differ. */
export function eitherCount(from: Options, own: string, common: string, absent: number): number {
  const found = count(from, own, count(from, common, absent));
  if (value(from, common) !== undefined && count(from, common, absent) !== found) refuse(from, common, msg`contradicts "${own}": ${found}`);
  return found;
}

/** A number, or null, which switches the feature off; `absent` where the option is missing. */
export function numberOrNull(from: Options, name: string, absent: number | null): number | null {
  return value(from, name) === undefined ? absent : optionalNumber(from, name);
}

/** A list of exactly `length` items that `isItem` accepts; null where the option is missing or null. */
export function list<Item>(
  from: Options,
  name: string,
  length: number | null,
  isItem: (item: unknown) => item is Item,
  what: Translatable | string,
): readonly Item[] | null {
  const found = value(from, name);
  if (found === undefined || found === null) return null;
  if (!Array.isArray(found)) return refuse(from, name, msg`must be a list, not ${shown(found)}`);
  const items: readonly unknown[] = found;
  if (length !== null && items.length !== length) refuse(from, name, msg`has ${items.length} entries for ${length} layers`);
  for (const item of items) if (!isItem(item)) refuse(from, name, msg`holds ${shown(item)}, where ${what} are supported`);
  return items as readonly Item[];
}

/** Throws UserError for an option with an unsupported value: only `expected`, null or absence are supported. */
export function only(from: Options, name: string, expected: string | number | boolean): void {
  const found = value(from, name);
  if (found !== undefined && found !== null && found !== expected) refuse(from, name, msg`is ${shown(found)}, which is not supported`);
}
