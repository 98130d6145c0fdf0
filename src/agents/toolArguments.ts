import { UserError } from '../core/errors.ts';
import { isRecord } from '../core/records.ts';
import { shortened } from '../core/visibleText.ts';

/** JSON Schema of one argument, as far as tools need it. */
export type ArgumentSchema = Readonly<Record<string, unknown>> & { readonly description: string };

/** One argument of a tool: what an agent is told of it, and how its value is read. */
export interface Argument<Value> {
  readonly schema: ArgumentSchema;
  /** Whether an agent must give it. */
  readonly required: boolean;
  /** The value; `given`: undefined where there is none. Throws UserError with a sentence that names it. */
  readonly read: (name: string, given: unknown) => Value;
}

/** The arguments of a tool by name. */
export type Arguments = Readonly<Record<string, Argument<unknown>>>;
/** Their values. */
export type Values<Shape extends Arguments> = { readonly [Name in keyof Shape]: Shape[Name] extends Argument<infer Value> ? Value : never };

/** A text that is not empty, of at most `most` UTF-16 units. */
export function textArgument(description: string, most: number): Argument<string> {
  return {
    schema: { type: 'string', minLength: 1, maxLength: most, description },
    required: true,
    read: (name, given) => {
      const text = stringOf(name, given);
      if (text === '') throw new UserError(`${name} is empty.`);
      if (text.length > most) throw new UserError(`${name} has ${text.length} characters; at most ${most} are read.`);
      return text;
    },
  };
}

/** A text that may be left out; null: it was. */
export function optionalText(description: string, most: number): Argument<string | null> {
  const { schema, read } = textArgument(description, most);
  return { schema, required: false, read: (name, given) => (isMissing(given) ? null : read(name, given)) };
}

/** One of some names; `otherwise` where it is left out. */
export function choiceArgument<const Name extends string>(
  description: string,
  names: readonly Name[],
  otherwise: NoInfer<Name>,
): Argument<Name> {
  return {
    schema: { type: 'string', enum: names, default: otherwise, description },
    required: false,
    read: (name, given) => {
      if (isMissing(given)) return otherwise;
      const found = names.find((known) => known === given);
      if (found === undefined) throw new UserError(`${name} is one of ${names.join(', ')}, not ${told(given)}.`);
      return found;
    },
  };
}

/** A whole number; `otherwise` where it is left out. */
export function wholeArgument<Otherwise extends number | null>(
  description: string,
  least: number,
  most: number,
  otherwise: Otherwise,
): Argument<number | Otherwise> {
  return {
    schema: { type: 'integer', minimum: least, maximum: most, ...(otherwise === null ? {} : { default: otherwise }), description },
    required: false,
    read: (name, given) => {
      if (isMissing(given)) return otherwise;
      if (typeof given !== 'number' || !Number.isInteger(given) || given < least || given > most)
        throw new UserError(`${name} is a whole number from ${least} to ${most}, not ${told(given)}.`);
      return given;
    },
  };
}

/** Yes or no; no where it is left out. */
export function flagArgument(description: string): Argument<boolean> {
  return {
    schema: { type: 'boolean', default: false, description },
    required: false,
    read: (name, given) => {
      if (isMissing(given)) return false;
      if (typeof given !== 'boolean') throw new UserError(`${name} is true or false, not ${told(given)}.`);
      return given;
    },
  };
}

/** JSON Schema of a tool's arguments. */
export function schemaOf(shape: Arguments): Readonly<Record<string, unknown>> & { readonly type: 'object' } {
  const entries = Object.entries(shape);
  const required = entries.filter(([, argument]) => argument.required).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

/** The arguments that an agent gave. Throws UserError for one that is missing, unknown or wrong. */
export function readArguments<Shape extends Arguments>(shape: Shape, given: unknown): Values<Shape> {
  if (given !== undefined && !isRecord(given)) throw new UserError('The arguments are an object with a member for each.');
  const values = given ?? {};
  const foreign = Object.keys(values).find((name) => !Object.hasOwn(shape, name));
  if (foreign !== undefined) throw new UserError(`There is no argument ${told(foreign)}; there are ${Object.keys(shape).join(', ')}.`);
  const read = Object.entries(shape).map(([name, argument]) => [
    name,
    argument.read(name, Object.hasOwn(values, name) ? values[name] : undefined),
  ]);
  return Object.fromEntries(read) as Values<Shape>;
}

function stringOf(name: string, given: unknown): string {
  if (isMissing(given)) throw new UserError(`${name} is missing.`);
  if (typeof given !== 'string') throw new UserError(`${name} is a text, not ${told(given)}.`);
  return given;
}

/** Agents write null for what they leave out. */
function isMissing(given: unknown): given is null | undefined {
  return given === undefined || given === null;
}

function told(given: unknown): string {
  return shortened(JSON.stringify(given) ?? typeof given, 60);
}
