import { isRecord } from '../core/records.ts';

// Messages from the page are untrusted. A check validates a value and copies the fields that it names, or returns undefined.

/** Validates a value: returns a copy of it as a T, or undefined if it is not one. */
export type Check<T> = (value: unknown) => T | undefined;
/** Checks by field name. */
export type Checks = Readonly<Record<string, Check<unknown>>>;
/** Type of an object whose fields have passed their checks. */
export type Checked<Shape extends Checks> = { readonly [Name in keyof Shape]: Shape[Name] extends Check<infer T> ? T : never };

/** Checks an index or a count: an integer from 0. */
export const count: Check<number> = (value) => (isCount(value) ? value : undefined);

/** Checks a finite number. */
export const number: Check<number> = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);

/** Checks a boolean. */
export const flag: Check<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);

/** Checks an integer from `least` to `most`. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value) => (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most ? Number(value) : undefined);
}

/** Checks a non-empty string of at most `most` UTF-16 units. */
export function text(most: number): Check<string> {
  return (value) => (typeof value === 'string' && value !== '' && value.length <= most ? value : undefined);
}

/** Checks that a value is one of `values`. */
export function oneOf<T extends string>(values: readonly T[]): Check<T> {
  return (value) => values.find((one) => one === value);
}

/** Checks a value with each of these until one accepts it. */
export function either<A, B, C>(first: Check<A>, second: Check<B>, third: Check<C>): Check<A | B | C> {
  return (value) => first(value) ?? second(value) ?? third(value);
}

/** Checks a value with `check`, but accepts null too. */
export function orNull<T>(check: Check<T>): Check<T | null> {
  return (value) => (value === null ? null : check(value));
}

/** Checks an array of `least` to `most` items, each by `check`. */
export function list<T>(check: Check<T>, most: number, least = 0): Check<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > most || value.length < least) return undefined;
    const items: T[] = [];
    for (const one of value as readonly unknown[]) {
      const item = check(one);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  };
}

/** Checks the own fields of an object by name; fields that `shape` does not name are dropped. */
export function fields<Shape extends Checks>(shape: Shape): Check<Checked<Shape>> {
  return (value) => {
    if (!isRecord(value)) return undefined;
    const entries = Object.entries(shape).map(([name, check]) => [name, Object.hasOwn(value, name) ? check(value[name]) : undefined]);
    return entries.some(([, field]) => field === undefined) ? undefined : (Object.fromEntries(entries) as Checked<Shape>);
  };
}

/** Whether a value is an integer from 0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
