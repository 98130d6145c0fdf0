import { fromBase64 } from '../core/base64.ts';
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
  /** The bytes that a text in base64 stands for. */
  readonly bytes: () => Uint8Array;
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
const BASE64 = /^[\d+/A-Za-z]*={0,2}$/;

/** The answer of `host`; `place`: its name in errors. */
export function answerPart(host: string, value: unknown, place = ''): AnswerPart {
  return new Part(host, value, null, place);
}

/** A class, as an answer has hundreds of thousands of parts: each takes its place's name from where it is, once that is asked for. */
class Part implements AnswerPart {
  readonly value: unknown;
  readonly #host: string;
  readonly #within: Part | null;
  readonly #key: string | number;

  constructor(host: string, value: unknown, within: Part | null, key: string | number) {
    this.#host = host;
    this.value = value;
    this.#within = within;
    this.#key = key;
  }

  get isThere(): boolean {
    return this.value !== null && this.value !== undefined;
  }

  at(...path: readonly (string | number)[]): AnswerPart {
    return path.reduce<Part>((part, key) => part.#inside(key), this);
  }

  text(): string {
    return typeof this.value === 'string' ? this.value : this.#wrong(msg`a text`);
  }

  number(): number {
    return typeof this.value === 'number' && Number.isFinite(this.value) ? this.value : this.#wrong(msg`a number`);
  }

  list(): readonly AnswerPart[] {
    return Array.isArray(this.value) ? this.value.map((_, index) => this.#inside(index)) : this.#wrong(msg`a list`);
  }

  bytes(): Uint8Array {
    const text = this.text();
    if (!BASE64.test(text) || text.length % 4 !== 0) this.#wrong(msg`base64`);
    return fromBase64(text);
  }

  entries(): readonly (readonly [string, AnswerPart])[] {
    const { value } = this;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value).map((name) => [name, this.#inside(name)] as const)
      : this.#wrong(msg`an object`);
  }

  logprob(optional = false): number {
    if (optional && !this.isThere) return Number.NaN;
    const found = this.number();
    return found > ROUNDING ? this.#wrong(msg`a log-probability`) : Math.min(0, found);
  }

  id(): number {
    const found = this.number();
    return Number.isInteger(found) && found >= 0 && found <= MOST_ID ? found : this.#wrong(msg`the id of a token`);
  }

  #inside(key: string | number): Part {
    const { value } = this;
    const own =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : null;
    return new Part(this.#host, own, this, key);
  }

  #place(): string {
    const before = this.#within === null ? '' : this.#within.#place();
    return typeof this.#key === 'number' ? `${before}[${this.#key}]` : before === '' ? this.#key : `${before}.${this.#key}`;
  }

  #wrong(what: Translatable): never {
    const place = this.#place();
    throw new UserError(msg`${this.#host} gives an answer that cannot be used: ${place === '' ? msg`it` : place} is not ${what}.`);
  }
}
