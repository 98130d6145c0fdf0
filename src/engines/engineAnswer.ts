import { UserError } from '../core/errors.ts';
import { msg, type Translatable } from '../core/translatable.ts';

/** Part of an engine's JSON, read strictly: what is not of the kind asked for is an error that names its place. */
export interface AnswerPart {
  readonly value: unknown;
  /** Whether there is something other than null. */
  readonly isThere: boolean;
  /** A member or element; a part that is not there where this one is no object or list. */
  readonly at: (...path: readonly (string | number)[]) => AnswerPart;
  /** These throw UserError. */
  readonly text: () => string;
  readonly number: () => number;
  readonly list: () => readonly AnswerPart[];
  /** Members in their order. */
  readonly entries: () => readonly (readonly [string, AnswerPart])[];
  /** A log-probability. NaN where it is null and `optional`. */
  readonly logprob: (optional?: boolean) => number;
  /** A token's id. */
  readonly id: () => number;
}

/** The text at a member; null: there is no text. */
export function textAt(answer: AnswerPart | null, name: string): string | null {
  const value = answer?.at(name).value;
  return typeof value === 'string' ? value : null;
}

/** Rounding may take the logarithm of a probability of 1 above 0 by so much. */
const ROUNDING = 1e-3;
const MOST_ID = 2 ** 31 - 1;

/** The answer of `host`; `place`: its name in errors. */
export function answerPart(host: string, value: unknown, place = ''): AnswerPart {
  const wrong = (what: Translatable): never => {
    throw new UserError(msg`${host} gives an answer that cannot be used: ${place === '' ? msg`it` : place} is not ${what}.`);
  };
  const inside = (key: string | number): AnswerPart => {
    const own =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : null;
    return answerPart(host, own, typeof key === 'number' ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`);
  };
  const number = (): number => (typeof value === 'number' && Number.isFinite(value) ? value : wrong(msg`a number`));
  const part: AnswerPart = {
    value,
    isThere: value !== null && value !== undefined,
    at: (...path) => {
      const [key, ...rest] = path;
      return key === undefined ? part : inside(key).at(...rest);
    },
    text: () => (typeof value === 'string' ? value : wrong(msg`a text`)),
    number,
    list: () => (Array.isArray(value) ? value.map((_, index) => inside(index)) : wrong(msg`a list`)),
    entries: () =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.keys(value).map((name) => [name, inside(name)] as const)
        : wrong(msg`an object`),
    logprob: (optional = false) => {
      if (optional && (value === null || value === undefined)) return Number.NaN;
      const found = number();
      return found > ROUNDING ? wrong(msg`a log-probability`) : Math.min(0, found);
    },
    id: () => {
      const found = number();
      return Number.isInteger(found) && found >= 0 && found <= MOST_ID ? found : wrong(msg`the id of a token`);
    },
  };
  return part;
}
