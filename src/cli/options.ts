import { parseArgs } from 'node:util';
import { messageOf } from '../core/errors.ts';
import type { SamplingSettings } from '../core/sampling.ts';
import { RUNTIME_CHOICES, type RuntimeChoice } from '../worker/native.node.ts';

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type TextInput = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'file'; readonly path: string };

export type Input =
  | TextInput
  /** Run exactly these, adding nothing. */
  | { readonly kind: 'ids'; readonly ids: Int32Array };

/** What to read, with which model, and where to write. */
export interface ModelOptions {
  /** Null: the bundled model. */
  readonly model: string | null;
  readonly input: Input;
  /** Null: standard output. */
  readonly output: string | null;
  readonly top: number;
  readonly runtime: RuntimeChoice;
  /** Read the text as a user's message in the model's chat template. */
  readonly chat: boolean;
}

export interface TraceOptions extends ModelOptions {
  readonly format: 'json' | 'safetensors';
}

/** What the text is compared with: another text read by the same model, or the same text read by another model. */
export type CompareWith = { readonly kind: 'text'; readonly input: TextInput } | { readonly kind: 'model'; readonly model: string };

export interface CompareOptions extends Omit<ModelOptions, 'input' | 'top'> {
  readonly input: TextInput;
  readonly with: CompareWith;
}

export interface GenerateOptions extends ModelOptions {
  /** Null: text to a terminal, JSON elsewhere. */
  readonly format: 'text' | 'json' | null;
  /** Tokens generated at most. */
  readonly tokens: number;
  readonly sampling: SamplingSettings;
  readonly seed: number;
}

export interface DownloadCommand {
  /** Of a model of the hub. */
  readonly id: string;
  /** Folder in which the model's own folder is made. */
  readonly folder: string;
  /** The GGUF file to take; null for the files in Hugging Face layout. */
  readonly gguf: string | null;
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'trace'; readonly options: TraceOptions }
  | { readonly kind: 'generate'; readonly options: GenerateOptions }
  | { readonly kind: 'compare'; readonly options: CompareOptions }
  | { readonly kind: 'download'; readonly options: DownloadCommand };

const DEFAULT_TOP = 10;
const DEFAULT_TOKENS = 50;
/** Ids are kept as 32-bit integers. */
const MAX_ID = 2 ** 31 - 1;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const OPTIONS = {
  text: TEXT, file: TEXT, ids: TEXT, model: TEXT, format: TEXT, output: TEXT, top: TEXT, runtime: TEXT, chat: FLAG, help: FLAG, version: FLAG,
  tokens: TEXT, temperature: TEXT, 'top-k': TEXT, 'top-p': TEXT, 'min-p': TEXT, seed: TEXT, greedy: FLAG,
  'with-text': TEXT, 'with-file': TEXT, 'with-model': TEXT, gguf: TEXT,
} as const;
const COMMANDS = ['trace', 'generate', 'compare', 'download'] as const;
type CommandName = (typeof COMMANDS)[number];
type OptionName = keyof typeof OPTIONS;
/** Options of the commands that run a model. */
const RUN = ['text', 'file', 'model', 'runtime', 'chat'] as const;
/** Options that are not for every command. */
const OWN: Readonly<Record<CommandName, readonly OptionName[]>> = {
  trace: [...RUN, 'ids', 'format', 'top'],
  generate: [...RUN, 'ids', 'format', 'top', 'tokens', 'temperature', 'top-k', 'top-p', 'min-p', 'seed', 'greedy'],
  compare: [...RUN, 'with-text', 'with-file', 'with-model'],
  download: ['gguf'],
};

/** The command of the arguments. Throws UsageError with one sentence. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.help === true) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const [command, ...rest] = positionals;
  if (command === undefined) throw new UsageError(`Which command? There are ${COMMANDS.join(', ')}. See explain-tokens --help.`);
  if (!isCommand(command)) throw new UsageError(`There is no command ${JSON.stringify(command)}; there are ${COMMANDS.join(', ')}. See explain-tokens --help.`);
  if (command === 'download') return { kind: 'download', options: downloadOptions(rest, values) };
  if (rest.length > 0) throw new UsageError(`${JSON.stringify(rest[0])} belongs to no option. A text is given as --text TEXT.`);
  refuseForeign(command, values);
  if (command === 'generate') return { kind: 'generate', options: generateOptions(values) };
  if (command === 'compare') return { kind: 'compare', options: compareOptions(values) };
  const { format = 'json' } = values;
  if (format !== 'json' && format !== 'safetensors') throw new UsageError(`--format is json or safetensors, not ${JSON.stringify(format)}.`);
  return { kind: 'trace', options: { ...modelOptions(values), format } };
}

function isCommand(name: string): name is CommandName {
  return (COMMANDS as readonly string[]).includes(name);
}

function refuseForeign(command: CommandName, values: Values): void {
  for (const name of new Set(COMMANDS.flatMap((other) => OWN[other]))) {
    if (values[name] === undefined || OWN[command].includes(name)) continue;
    throw new UsageError(`--${name} is for ${COMMANDS.filter((other) => OWN[other].includes(name)).join(' and ')}, not for ${command}.`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw new UsageError(messageOf(error).replace(/\s+/g, ' '), { cause: error });
  }
}

type Values = ReturnType<typeof parse>['values'];

function modelOptions(values: Values): ModelOptions {
  const { model, output } = values;
  if (model === '') throw new UsageError('--model names no folder.');
  if (output === '') throw new UsageError('--output names no file.');
  if (values.chat === true && values.ids !== undefined) throw new UsageError('--chat is for a text; --ids are run as they are.');
  return { model: model ?? null, input: inputOf(values), output: output ?? null, top: wholeNumber('top', values.top, DEFAULT_TOP), runtime: runtimeOf(values.runtime), chat: values.chat === true };
}

function generateOptions(values: Values): GenerateOptions {
  const { format = null } = values;
  if (format !== null && format !== 'json' && format !== 'text') throw new UsageError(`--format is text or json, not ${JSON.stringify(format)}.`);
  if (values.greedy === true && values.temperature !== undefined) throw new UsageError('--greedy draws nothing: --temperature does not go with it.');
  return {
    ...modelOptions(values),
    format,
    tokens: wholeNumber('tokens', values.tokens, DEFAULT_TOKENS),
    sampling: {
      temperature: values.greedy === true ? 0 : positiveNumber('temperature', values.temperature, 1),
      topK: wholeNumber('top-k', values['top-k'], 0),
      topP: positiveNumber('top-p', values['top-p'], 1),
      minP: positiveNumber('min-p', values['min-p'], 0),
    },
    seed: wholeNumber('seed', values.seed, 0),
  };
}

function compareOptions(values: Values): CompareOptions {
  const { 'with-text': withText, 'with-file': withFile, 'with-model': withModel } = values;
  const given = [withText, withFile, withModel].filter((value) => value !== undefined).length;
  if (given !== 1) throw new UsageError(`One of --with-text, --with-file and --with-model is needed${given === 0 ? '' : `, not ${given} of them`}.`);
  if (withModel === '') throw new UsageError('--with-model names no folder.');
  if (withFile === '') throw new UsageError('--with-file names no file.');
  if (withText === '') throw new UsageError('--with-text is empty: there is nothing to compare with.');
  const { input, ...options } = modelOptions(values);
  if (input.kind === 'ids') throw new UsageError('--ids is not for compare.');
  return {
    ...options,
    input,
    with: withModel !== undefined ? { kind: 'model', model: withModel } : { kind: 'text', input: withText !== undefined ? { kind: 'text', text: withText } : { kind: 'file', path: withFile ?? '' } },
  };
}

function downloadOptions(ids: readonly string[], values: Values): DownloadCommand {
  refuseForeign('download', values);
  const [id] = ids;
  if (id === undefined || ids.length > 1) throw new UsageError('download takes the id of one model, such as openai-community/gpt2.');
  if (values.output === '') throw new UsageError('--output names no folder.');
  if (values.gguf === '') throw new UsageError('--gguf names no file.');
  return { id, folder: values.output ?? '.', gguf: values.gguf ?? null };
}

function inputOf({ text, file, ids }: { text?: string | undefined; file?: string | undefined; ids?: string | undefined }): Input {
  const given = [text, file, ids].filter((value) => value !== undefined).length;
  if (given !== 1) throw new UsageError(`One of --text, --file and --ids is needed${given === 0 ? '' : `, not ${given} of them`}.`);
  if (text !== undefined) {
    if (text === '') throw new UsageError('--text is empty: there is nothing to explain.');
    return { kind: 'text', text };
  }
  if (file !== undefined) {
    if (file === '') throw new UsageError('--file names no file.');
    return { kind: 'file', path: file };
  }
  const listed = (ids ?? '').split(',').map((id) => id.trim());
  const wrong = listed.find((id) => !/^\d+$/.test(id) || Number(id) > MAX_ID);
  if (wrong !== undefined) throw new UsageError(`--ids are whole numbers with commas between, such as 1,2,3; ${JSON.stringify(wrong)} is not one.`);
  return { kind: 'ids', ids: Int32Array.from(listed, Number) };
}

function wholeNumber(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`--${name} is a whole number, not ${JSON.stringify(value)}.`);
  return Number(value);
}

function positiveNumber(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!/^(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value) || !Number.isFinite(Number(value))) throw new UsageError(`--${name} is a number from 0 on, not ${JSON.stringify(value)}.`);
  return Number(value);
}

function runtimeOf(value: string | undefined): RuntimeChoice {
  const choice = RUNTIME_CHOICES.find((known) => known === (value ?? 'auto'));
  if (choice === undefined) throw new UsageError(`--runtime is one of ${RUNTIME_CHOICES.join(', ')}, not ${JSON.stringify(value)}.`);
  return choice;
}
