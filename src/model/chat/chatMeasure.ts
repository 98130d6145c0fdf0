import type { Interpreter } from '@huggingface/jinja';
import { msg, type Translatable } from '../../core/translatable.ts';

/** Deepest nesting of lists; messages with parts nest 4 deep. */
export const MAX_NESTING = 64;

/** A value of the template library's interpreter. */
export type Value = ReturnType<Interpreter['evaluate']>;

/** A template exceeds the limits of any sensible template. */
export class TemplateLimitError extends Error {
  override readonly name = 'TemplateLimitError';
  readonly reason: Translatable;

  constructor(reason: Translatable) {
    super('A chat template goes beyond a limit.');
    this.reason = reason;
  }
}

/** Reasons for which a template is refused. */
export const TOO_DEEP = msg`it nests too deeply, or calls itself`;
export const TOO_MUCH = msg`it writes too much`;

/** Whether a value is a string. */
export function isText(value: Value): value is Value & { readonly value: string } {
  return typeof value.value === 'string';
}

/** Growth factor that an argument can cause in a method's result: a string's length, a number of spaces. */
export function factor(argument: unknown): number {
  if (typeof argument === 'string') return argument.length;
  if (typeof argument === 'number') return Math.abs(argument);
  if (typeof argument !== 'object' || argument === null) return 1;
  const { value } = argument as { readonly value?: unknown };
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + factor(item), 1);
  if (value instanceof Map) return [...value.values()].reduce((most: number, item) => Math.max(most, factor(item)), 1);
  return value === argument ? 1 : factor(value);
}

/** Characters that an operator reads or writes. */
export function workOf(operator: string, left: Value, right: Value, leftSize: number, rightSize: number): number {
  // At worst a substring search looks at every position for each character of the substring.
  if (operator === 'in' || operator === 'not in') return isText(left) && isText(right) ? leftSize * rightSize : leftSize;
  if (operator === '+' || operator === '~') return leftSize + rightSize;
  return (isText(left) ? 1 : leftSize) + (isText(right) ? 1 : rightSize);
}

/** Name of a filter. */
export function filterName(filter: unknown): string {
  const { value, callee } = filter as { readonly value?: string; readonly callee?: { readonly value?: string } };
  return value ?? callee?.value ?? '';
}

/** Size of a value as written out, shared parts counted each time: characters and items, and items alone. */
export interface Measure {
  size: number;
  items: number;
}

/** Adds the size of a value to a measure, up to `most`. */
export function addTo(measure: Measure, value: Value, most: number, depth = 0): void {
  const inner: unknown = value.value;
  measure.size++;
  if (typeof inner === 'string') measure.size += inner.length;
  const held = Array.isArray(inner) ? (inner as Value[]) : inner instanceof Map ? (inner as ReadonlyMap<string, Value>).values() : null;
  if (held === null) return;
  if (depth > MAX_NESTING) throw new TemplateLimitError(TOO_DEEP);
  for (const item of held) {
    measure.items++;
    addTo(measure, item, most, depth + 1);
    if (measure.size > most) return;
  }
}
