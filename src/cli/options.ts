import { parseArgs } from 'node:util';
import { messageOf } from '../core/errors.ts';
import type { SamplingSettings } from '../core/sampling.ts';
import { RUNTIME_CHOICES, type RuntimeChoice } from '../worker/native.node.ts';

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type Input =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }
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

export interface GenerateOptions extends ModelOptions {
  /** Null: text to a terminal, JSON elsewhere. */
  readonly format: 'text' | 'json' | null;
  /** Tokens generated at most. */
  readonly tokens: number;
  readonly sampling: SamplingSettings;
  readonly seed: number;
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'trace'; readonly options: TraceOptions }
  | { readonly kind: 'generate'; readonly options: GenerateOptions };

export const HELP = `Runs a language model over a text and writes what happened inside it, or what it would write next.

Usage: explain-tokens trace [options] (--text TEXT | --file PATH | --ids 1,2,3)
       explain-tokens generate [options] (--text TEXT | --file PATH | --ids 1,2,3)

  --text TEXT         the text
  --file PATH         a UTF-8 text file
  --ids 1,2,3         exactly these token ids, adding nothing; needs no tokenizer
  --model DIR         model folder in Hugging Face layout (default: the bundled model)
  --chat              read the text as a user's message in the model's chat template
  --format FORMAT     trace: json (default) or safetensors; generate: text (default on a terminal) or json
  --output PATH       write to a file instead of standard output
  --top K             candidates listed per position in JSON (default 10)
  --runtime RUNTIME   auto (default: native where onnxruntime-node is installed), wasm or native
  --help, --version

For generate, with filters applied in this order:
  --tokens N          tokens generated at most (default 50)
  --temperature T     divides the logits (default 1); 0 is --greedy
  --top-k K           keep the K likeliest tokens (default 0: all)
  --top-p P           keep the likeliest tokens whose probabilities reach P (default 1: all)
  --min-p P           keep tokens at least P times as likely as the likeliest (default 0: all)
  --seed S            decides the draws (default 0): the same seed, the same text
  --greedy            always take the likeliest token

trace, JSON: the model, and per token its id, text, bytes, UTF-16 offsets, log-probability (natural), rank, entropy (bits) and
the most likely tokens after it. With --ids there is no text: bytes and offsets are empty.
safetensors: input_ids, logits, embedding, resid.0 .. resid.L, attentions.0 .. (rows are queries).
generate, JSON: the model, the prompt's ids, and per step the token drawn, its probability by the model, at the temperature and
after the filters, what each filter took away, the number drawn, the tokens run, the cache of keys and values, and the likeliest
tokens; then the text and why it ended: eos, limit or context. As text: what the model writes, as it is written.
Exit codes: 0 done, 1 a model or file cannot be used, 2 bad usage.
`;

const DEFAULT_TOP = 10;
const DEFAULT_TOKENS = 50;
/** Ids are kept as 32-bit integers. */
const MAX_ID = 2 ** 31 - 1;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const OPTIONS = {
  text: TEXT, file: TEXT, ids: TEXT, model: TEXT, format: TEXT, output: TEXT, top: TEXT, runtime: TEXT, chat: FLAG, help: FLAG, version: FLAG,
  tokens: TEXT, temperature: TEXT, 'top-k': TEXT, 'top-p': TEXT, 'min-p': TEXT, seed: TEXT, greedy: FLAG,
} as const;
const ONLY_GENERATE = ['tokens', 'temperature', 'top-k', 'top-p', 'min-p', 'seed', 'greedy'] as const;

/** The command of the arguments. Throws UsageError with one sentence. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.help === true) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const [command, ...rest] = positionals;
  if (command === undefined) throw new UsageError('Which command? There are trace and generate. See explain-tokens --help.');
  if (command !== 'trace' && command !== 'generate') throw new UsageError(`There is no command ${JSON.stringify(command)}; there are trace and generate. See explain-tokens --help.`);
  if (rest.length > 0) throw new UsageError(`${JSON.stringify(rest[0])} belongs to no option. A text is given as --text TEXT.`);
  if (command === 'generate') return { kind: 'generate', options: generateOptions(values) };
  const foreign = ONLY_GENERATE.find((name) => values[name] !== undefined);
  if (foreign !== undefined) throw new UsageError(`--${foreign} is for generate.`);
  const { format = 'json' } = values;
  if (format !== 'json' && format !== 'safetensors') throw new UsageError(`--format is json or safetensors, not ${JSON.stringify(format)}.`);
  return { kind: 'trace', options: { ...modelOptions(values), format } };
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
