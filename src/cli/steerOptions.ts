import type { SteeredTokens } from '../core/run.ts';
import { STEERING_READS, type SteeringRead } from '../core/steering.ts';
import { oneOf, runOptions, UsageError, type RunOptions } from './optionValues.ts';

/** Texts given literally, or in a file, one a line. */
export type TextList =
  { readonly kind: 'texts'; readonly texts: readonly string[] } | { readonly kind: 'file'; readonly path: string; readonly option: string };

/** What a vector is made of: two sets of texts, or one or two tokens and a text on which the residual's length is measured. */
export type SteerSource =
  | { readonly kind: 'texts'; readonly positive: TextList; readonly negative: TextList; readonly read: SteeringRead }
  | { readonly kind: 'tokens'; readonly token: string; readonly rival: string | null; readonly text: TextList };

/** Options of `steer`. */
export interface SteerOptions extends RunOptions {
  readonly source: SteerSource;
  readonly chat: boolean;
  /** Layers at whose input the vectors are for; null: the one in the middle. */
  readonly layers: readonly number[] | 'all' | null;
  readonly name: string;
}

/** A control vector that is added while a model runs. */
export interface SteerBy {
  readonly path: string;
  readonly strength: number;
  readonly on: SteeredTokens;
}

type SteerValues = Parameters<typeof runOptions>[0] & {
  readonly [name in 'positive-text' | 'negative-text']?: string[] | undefined;
} & {
  readonly [name in 'positive-file' | 'negative-file' | 'token' | 'rival' | 'text' | 'file' | 'read' | 'layers' | 'name']?:
    string | undefined;
} & { readonly chat?: boolean | undefined };

/** Reads the options of `steer`. Throws UsageError. */
export function steerOptions(values: SteerValues): SteerOptions {
  const options = runOptions(values);
  if (options.output === null && process.stdout.isTTY)
    throw new UsageError('A control vector is not for a terminal: name a file with --output.');
  return {
    ...options,
    source: sourceOf(values),
    chat: values.chat === true,
    layers: layersOf(values.layers),
    name: values.name ?? '',
  };
}

function sourceOf(values: SteerValues): SteerSource {
  const { token, rival } = values;
  const pairs = ['positive-text', 'positive-file', 'negative-text', 'negative-file'] as const;
  if (token !== undefined) {
    const foreign = [...pairs, 'read' as const].find((name) => values[name] !== undefined);
    if (foreign !== undefined) throw new UsageError(`--token makes the vector of tokens: --${foreign} does not go with it.`);
    if (token === '' || rival === '') throw new UsageError(`--${token === '' ? 'token' : 'rival'} names no token.`);
    const text = listOf('', values.text === undefined ? undefined : [values.text], values.file);
    return { kind: 'tokens', token, rival: rival ?? null, text };
  }
  const foreign = (['rival', 'text', 'file'] as const).find((name) => values[name] !== undefined);
  if (foreign !== undefined) throw new UsageError(`--${foreign} goes with --token; texts are --positive-text and --negative-text.`);
  return {
    kind: 'texts',
    positive: listOf('positive-', values['positive-text'], values['positive-file']),
    negative: listOf('negative-', values['negative-text'], values['negative-file']),
    read: oneOf('read', values.read, STEERING_READS),
  };
}

function listOf(side: string, texts: readonly string[] | undefined, path: string | undefined): TextList {
  const [text, file] = [`${side}text`, `${side}file`];
  if ((texts === undefined) === (path === undefined))
    throw new UsageError(`One of --${text} and --${file} is needed${texts === undefined ? '' : ', not both of them'}.`);
  if (path === '') throw new UsageError(`--${file} names no file.`);
  if (texts?.includes('') === true) throw new UsageError(`--${text} is empty.`);
  return texts === undefined ? { kind: 'file', path: path ?? '', option: file } : { kind: 'texts', texts };
}

function layersOf(value: string | undefined): SteerOptions['layers'] {
  if (value === undefined || value === 'all') return value ?? null;
  const numbers = value.split(',').map((number) => number.trim());
  const wrong = numbers.find((number) => !/^\d{1,5}$/.test(number));
  if (wrong !== undefined) throw new UsageError(`--layers are numbers with commas between, or all; ${JSON.stringify(wrong)} is not one.`);
  return [...new Set(numbers.map(Number))].toSorted((a, b) => a - b);
}

/** Reads the options that add a control vector; null: none is. Throws UsageError. */
export function steerBy(values: { readonly [name in 'steer' | 'strength' | 'steer-on']?: string | undefined }): SteerBy | null {
  const { steer: path, strength = '1', 'steer-on': on } = values;
  if (path === undefined) {
    for (const name of ['strength', 'steer-on'] as const)
      if (values[name] !== undefined) throw new UsageError(`--${name} goes with --steer.`);
    return null;
  }
  if (path === '') throw new UsageError('--steer names no file.');
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(strength) || Math.abs(Number(strength)) > MAX_STRENGTH)
    throw new UsageError(`--strength is a number from ${-MAX_STRENGTH} to ${MAX_STRENGTH}, not ${JSON.stringify(strength)}.`);
  return { path, strength: Number(strength), on: oneOf('steer-on', on, ['all', 'prompt', 'generated']) };
}

/** Largest factor of a recipe. */
const MAX_STRENGTH = 1e6;
