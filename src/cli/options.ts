import { parseArgs } from 'node:util';
import { ATTRIBUTION_METHODS, isSpanMethod, SPAN_METHODS, type AttributionMethod, type SpanQuestion } from '../core/attribution.ts';
import { messageOf } from '../core/errors.ts';
import { PATCH_GRIDS, type PatchGrid } from '../core/patchGrid.ts';
import type { SamplingSettings } from '../core/sampling.ts';
import { TEXT_UNITS, type TextUnit } from '../core/textUnits.ts';
import { compareWithOf, type CompareWith } from './compareWith.ts';
import { engineWithout, type EngineOptions } from './engineOptions.ts';
import { mcpOptions, type McpOptions } from './mcpOptions.ts';
import {
  fileInput,
  oneOf,
  positiveNumber,
  runOptions,
  STANDARD,
  UsageError,
  wholeNumber,
  type RunOptions,
  type TextInput,
} from './optionValues.ts';
import { reportOptions, verifyOptions, type ReportOptions, type VerifyOptions } from './reportOptions.ts';
import { scoreOptions, type ScoreOptions } from './scoreOptions.ts';
import { sizesOptions, type SizesOptions } from './sizesOptions.ts';
import { steerBy, steerOptions, type SteerBy, type SteerOptions } from './steerOptions.ts';

/** Input of a run: a text, or token ids. */
export type Input =
  | TextInput
  /** Exactly these token ids, without added special tokens. */
  | { readonly kind: 'ids'; readonly ids: Int32Array };

/** Options shared by the commands that run a model. */
export interface ModelOptions extends RunOptions {
  readonly input: Input;
  /** Candidates listed per position in JSON. */
  readonly top: number;
  /** Whether to read the text as a user's message in the model's chat template. */
  readonly chat: boolean;
  /** File of interventions on the model; null: none. */
  readonly recipe: string | null;
  /** A control vector that is added meanwhile; null: none. */
  readonly steer: SteerBy | null;
}

/** Options of `trace`. */
export interface TraceOptions extends ModelOptions {
  /** The window, counted from 1, of a text that is longer than the model reads at once; null: the beginning, as much as fits. */
  readonly window: number | null;
  readonly format: 'json' | 'safetensors';
}

/** Options of `compare`. */
export interface CompareOptions extends Omit<ModelOptions, 'input' | 'top'> {
  readonly input: TextInput;
  readonly with: CompareWith;
}

/** Options of `generate`. */
export interface GenerateOptions extends ModelOptions {
  /** Output format; null: text on a terminal, JSON elsewhere. */
  readonly format: 'text' | 'json' | null;
  /** Most tokens to generate. */
  readonly tokens: number;
  readonly sampling: SamplingSettings;
  readonly seed: number;
  /** Whether to continue past an end-of-sequence token. */
  readonly pastEnd: boolean;
  /** Engine that generates, with its own sampling; null: a model on this machine. */
  readonly engine: EngineOptions | null;
}

/** Options of `why`. */
export interface WhyOptions extends ModelOptions {
  readonly format: 'json' | 'safetensors';
  /** Where the prediction is made; null: at the last token. */
  readonly position: number | null;
  /** The last position of a span, whose next tokens are explained together; null: one prediction is explained. */
  readonly end: number | null;
  /** An id, or a text that is one token; null: the token that follows the position, after the last one the likeliest. */
  readonly token: string | null;
  /** As `token`; null: none. */
  readonly rival: string | null;
  readonly methods: readonly AttributionMethod[];
  /** Whether to hide the most important tokens, one after another, by each method and in random order. */
  readonly deletion: boolean;
  /** Unit by which the tokens' numbers are added up too. */
  readonly by: TextUnit;
}

/** Options of `patch`. */
export interface PatchOptions extends Omit<ModelOptions, 'input' | 'top' | 'recipe' | 'steer'> {
  /** The clean text, and the corrupted one that its numbers are put into. */
  readonly input: TextInput;
  readonly with: TextInput;
  readonly format: 'table' | 'json' | 'safetensors';
  /** In the clean text; null: its last token. */
  readonly position: number | null;
  /** An id, or a text that is one token; null: the likeliest after the clean text's position. */
  readonly token: string | null;
  /** As `token`; null: the likeliest after the corrupted text's position. */
  readonly rival: string | null;
  readonly grid: PatchGrid;
}

/** Options of `download`. */
export interface DownloadCommand {
  /** Id of a model on the hub. */
  readonly id: string;
  /** Parent of the folder that is created for the model. */
  readonly folder: string;
  /** GGUF file to download; null: the files in Hugging Face layout. */
  readonly gguf: string | null;
}

/** A parsed command line. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'trace'; readonly options: TraceOptions }
  | { readonly kind: 'generate'; readonly options: GenerateOptions }
  | { readonly kind: 'compare'; readonly options: CompareOptions }
  | { readonly kind: 'score'; readonly options: ScoreOptions }
  | { readonly kind: 'why'; readonly options: WhyOptions }
  | { readonly kind: 'patch'; readonly options: PatchOptions }
  | { readonly kind: 'steer'; readonly options: SteerOptions }
  | { readonly kind: 'sizes'; readonly options: SizesOptions }
  | { readonly kind: 'report'; readonly options: ReportOptions }
  | { readonly kind: 'verify'; readonly options: VerifyOptions }
  | { readonly kind: 'download'; readonly options: DownloadCommand }
  | { readonly kind: 'mcp'; readonly options: McpOptions };

const DEFAULT_TOP = 10;
const DEFAULT_TOKENS = 50;
const DEFAULT_METHOD = 'gradient-x-input';
/** Largest token id: ids are stored as 32-bit integers. */
const MAX_ID = 2 ** 31 - 1;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const OPTIONS = {
  text: TEXT,
  file: TEXT,
  ids: TEXT,
  model: TEXT,
  format: TEXT,
  output: TEXT,
  top: TEXT,
  runtime: TEXT,
  chat: FLAG,
  help: FLAG,
  version: FLAG,
  tokens: TEXT,
  temperature: TEXT,
  'top-k': TEXT,
  'top-p': TEXT,
  'min-p': TEXT,
  seed: TEXT,
  greedy: FLAG,
  'past-end': FLAG,
  'with-text': TEXT,
  'with-file': TEXT,
  'with-model': TEXT,
  by: TEXT,
  'max-bits-per-byte': TEXT,
  stride: TEXT,
  position: TEXT,
  token: TEXT,
  rival: TEXT,
  method: { type: 'string', multiple: true },
  deletion: FLAG,
  window: TEXT,
  gguf: TEXT,
  'native-runtime': TEXT,
  recipe: TEXT,
  grid: TEXT,
  'positive-text': { type: 'string', multiple: true },
  'positive-file': TEXT,
  'negative-text': { type: 'string', multiple: true },
  'negative-file': TEXT,
  read: TEXT,
  layers: TEXT,
  name: TEXT,
  steer: TEXT,
  strength: TEXT,
  'steer-on': TEXT,
  engine: TEXT,
  tokenizer: TEXT,
  parallel: TEXT,
  requests: TEXT,
  models: TEXT,
  include: { type: 'string', multiple: true },
  tolerance: TEXT,
} as const;
const COMMANDS = [
  'trace',
  'generate',
  'compare',
  'score',
  'why',
  'patch',
  'steer',
  'sizes',
  'report',
  'verify',
  'download',
  'mcp',
] as const;
type CommandName = (typeof COMMANDS)[number];
type OptionName = keyof typeof OPTIONS;
/** Options of the commands that run a model, and of those that read one text. */
const MODEL = ['model', 'runtime', 'native-runtime'] as const;
const RUN = [...MODEL, 'text', 'file', 'chat', 'recipe', 'steer', 'strength', 'steer-on'] as const;
/** Options of the commands that read a text by an engine. */
const ENGINE = ['engine', 'tokenizer', 'parallel', 'requests'] as const;
/** Options of each command besides those that every command has (--output, --help, --version). */
const OWN: Readonly<Record<CommandName, readonly OptionName[]>> = {
  trace: [...RUN, 'ids', 'format', 'top', 'window'],
  generate: [...RUN, 'ids', 'format', 'top', 'tokens', 'temperature', 'top-k', 'top-p', 'min-p', 'seed', 'greedy', 'past-end', 'engine'],
  compare: [...RUN, 'with-text', 'with-file', 'with-model'],
  score: [...MODEL, 'by', 'format', 'max-bits-per-byte', 'stride', ...ENGINE],
  why: [...RUN, 'ids', 'format', 'top', 'position', 'token', 'rival', 'method', 'deletion', 'by'],
  patch: [...MODEL, 'text', 'file', 'chat', 'with-text', 'with-file', 'format', 'position', 'token', 'rival', 'grid'],
  steer: [
    ...MODEL,
    ...(['text', 'file', 'chat', 'token', 'rival', 'positive-text', 'positive-file', 'negative-text', 'negative-file'] as const),
    ...(['read', 'layers', 'name'] as const),
  ],
  sizes: ['text', 'file', 'models', 'format', 'runtime', 'native-runtime'],
  report: [...MODEL, 'text', 'file', 'chat', 'recipe', 'include', 'position', 'with-text', 'with-file', 'with-model', ...ENGINE],
  verify: [...MODEL, 'tolerance', 'with-model', ...ENGINE],
  download: ['gguf'],
  mcp: ['runtime', 'native-runtime'],
};

/** Parses command-line arguments. Throws UsageError with one sentence. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.help === true) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const [command, ...rest] = positionals;
  if (command === undefined) throw new UsageError(`Which command? There are ${COMMANDS.join(', ')}. See explain-tokens --help.`);
  if (!isCommand(command))
    throw new UsageError(`There is no command ${JSON.stringify(command)}; there are ${COMMANDS.join(', ')}. See explain-tokens --help.`);
  if (command === 'download') return { kind: 'download', options: downloadOptions(rest, values) };
  if (command === 'mcp') {
    refuseForeign(command, values);
    return { kind: 'mcp', options: mcpOptions(rest, values) };
  }
  if (command === 'score') {
    refuseForeign(command, values);
    return { kind: 'score', options: scoreOptions(rest, values) };
  }
  if (command === 'verify') {
    refuseForeign(command, values);
    return { kind: 'verify', options: verifyOptions(rest, values) };
  }
  if (rest.length > 0) throw new UsageError(`${JSON.stringify(rest[0])} belongs to no option. A text is given as --text TEXT.`);
  refuseForeign(command, values);
  if (command === 'generate') return { kind: 'generate', options: generateOptions(values) };
  if (command === 'sizes') return { kind: 'sizes', options: sizesOptions(textInput(values, 'sizes'), values) };
  if (command === 'compare') return { kind: 'compare', options: compareOptions(values) };
  if (command === 'report') return { kind: 'report', options: reportOptions(textInput(values, 'report'), values) };
  if (command === 'steer') return { kind: 'steer', options: steerOptions(values) };
  if (command === 'patch') return { kind: 'patch', options: patchOptions(values) };
  if (command === 'why') return { kind: 'why', options: whyOptions(values) };
  return { kind: 'trace', options: { ...modelOptions(values), format: numbersFormat(values), window: windowOf(values) } };
}

function numbersFormat({ format = 'json' }: Values): TraceOptions['format'] {
  if (format === 'json' || format === 'safetensors') return format;
  throw new UsageError(`--format is json or safetensors, not ${JSON.stringify(format)}.`);
}

function windowOf({ window, ids, chat }: Values): number | null {
  if (window === undefined) return null;
  if (ids !== undefined) throw new UsageError('--window is for a text; --ids are run as they are.');
  if (chat === true) throw new UsageError('--window does not go with --chat: what the template puts around the text is around all of it.');
  const number = wholeNumber('window', window, 1);
  if (number === 0) throw new UsageError('--window counts from 1.');
  return number;
}

function isCommand(name: string): name is CommandName {
  return (COMMANDS as readonly string[]).includes(name);
}

const list = new Intl.ListFormat('en-GB', { type: 'conjunction' });

function refuseForeign(command: CommandName, values: Values): void {
  for (const name of new Set(COMMANDS.flatMap((other) => OWN[other]))) {
    if (values[name] === undefined || OWN[command].includes(name)) continue;
    throw new UsageError(`--${name} is for ${list.format(COMMANDS.filter((other) => OWN[other].includes(name)))}, not for ${command}.`);
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
  const options = runOptions(values);
  const { recipe } = values;
  if (recipe === '') throw new UsageError('--recipe names no file.');
  if (values.chat === true && values.ids !== undefined) throw new UsageError('--chat is for a text; --ids are run as they are.');
  return {
    ...options,
    input: inputOf(values),
    top: wholeNumber('top', values.top, DEFAULT_TOP),
    chat: values.chat === true,
    recipe: recipe ?? null,
    steer: steerBy(values),
  };
}

function generateOptions(values: Values): GenerateOptions {
  const { format = null } = values;
  if (format !== null && format !== 'json' && format !== 'text')
    throw new UsageError(`--format is text or json, not ${JSON.stringify(format)}.`);
  if (values.greedy === true && values.temperature !== undefined)
    throw new UsageError('--greedy draws nothing: --temperature does not go with it.');
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
    pastEnd: values['past-end'] === true,
    engine: engineWithout(values, ['ids', 'chat', 'recipe', 'steer', 'past-end']),
  };
}

function textInput(values: Values, command: CommandName): TextInput {
  const input = inputOf(values);
  if (input.kind === 'ids') throw new UsageError(`--ids is not for ${command}.`);
  return input;
}

function compareOptions(values: Values): CompareOptions {
  const { input, ...options } = modelOptions(values);
  if (input.kind === 'ids') throw new UsageError('--ids is not for compare.');
  const other = compareWithOf(values, input);
  if (other === null) throw new UsageError('One of --with-text, --with-file and --with-model is needed.');
  return { ...options, input, with: other };
}

function whyOptions(values: Values): WhyOptions {
  const { position, token = null, rival = null, method = [DEFAULT_METHOD] } = values;
  const format = numbersFormat(values);
  if (values.deletion === true && format !== 'json') throw new UsageError('--deletion is for --format json.');
  const by = oneOf('by', values.by, TEXT_UNITS);
  if (by !== 'token' && format !== 'json') throw new UsageError('--by is for --format json.');
  if (by !== 'token' && values.ids !== undefined) throw new UsageError(`--by ${by} is for a text, and --ids gives tokens alone.`);
  checkNames({ token, rival });
  const span = spanOf(position);
  if (span !== null && (token !== null || rival !== null))
    throw new UsageError(
      `--${token === null ? 'rival' : 'token'} does not go with --position ${position}: the tokens of a span are the text's own.`,
    );
  return {
    ...modelOptions(values),
    format,
    position: span?.position ?? (position === undefined ? null : wholeNumber('position', position, 0)),
    end: span?.end ?? null,
    token,
    rival,
    methods: [...new Set(method.flatMap((names) => names.split(',')).flatMap((name) => methodsNamed(name.trim(), span !== null)))],
    deletion: values.deletion === true,
    by,
  };
}

function patchOptions(values: Values): PatchOptions {
  const { position, token = null, rival = null, format = 'table', grid = 'residual' } = values;
  const { 'with-text': withText, 'with-file': withFile } = values;
  if ((withText === undefined) === (withFile === undefined))
    throw new UsageError(`One of --with-text and --with-file is needed${withText === undefined ? '' : ', not both of them'}.`);
  if (withFile === '') throw new UsageError('--with-file names no file.');
  if (withText === '') throw new UsageError('--with-text is empty: there is nothing to patch.');
  const known = PATCH_GRIDS.find((name) => name === grid);
  if (known === undefined) throw new UsageError(`--grid is ${PATCH_GRIDS.join(', ')}, not ${JSON.stringify(grid)}.`);
  if (format !== 'table' && format !== 'json' && format !== 'safetensors')
    throw new UsageError(`--format is table, json or safetensors, not ${JSON.stringify(format)}.`);
  checkNames({ token, rival });
  const { input, ...options } = modelOptions(values);
  if (input.kind === 'ids') throw new UsageError('--ids is not for patch.');
  if (input.kind === 'standardInput' && withFile === STANDARD)
    throw new UsageError('Standard input can be read once: --file - or --with-file -, not both.');
  return {
    ...options,
    input,
    with: withText !== undefined ? { kind: 'text', text: withText } : fileInput(withFile ?? ''),
    format,
    position: position === undefined ? null : wholeNumber('position', position, 0),
    token,
    rival,
    grid: known,
  };
}

function checkNames(names: Readonly<Record<'token' | 'rival', string | null>>): void {
  for (const [name, text] of Object.entries(names)) if (text === '') throw new UsageError(`--${name} names no token.`);
}

/** A span, A-B; null: a position alone, or none. */
function spanOf(position: string | undefined): SpanQuestion | null {
  const [, first, last] = /^(\d{1,9})-(\d{1,9})$/.exec(position ?? '') ?? [];
  if (first === undefined || last === undefined) return null;
  if (Number(last) < Number(first)) throw new UsageError(`--position ${first}-${last} ends before it begins.`);
  return { position: Number(first), end: Number(last) };
}

function methodsNamed(name: string, ofSpan: boolean): readonly AttributionMethod[] {
  if (name === 'all') return ofSpan ? SPAN_METHODS : ATTRIBUTION_METHODS;
  const method = ATTRIBUTION_METHODS.find((known) => known === name);
  if (method === undefined) throw new UsageError(`--method is ${ATTRIBUTION_METHODS.join(', ')} or all, not ${JSON.stringify(name)}.`);
  if (ofSpan && !isSpanMethod(method))
    throw new UsageError(
      `--method ${method} is not defined for several tokens together: it explains the prediction after one position. \
There are ${SPAN_METHODS.join(', ')}.`,
    );
  return [method];
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
    return fileInput(file);
  }
  const listed = (ids ?? '').split(',').map((id) => id.trim());
  const wrong = listed.find((id) => !/^\d+$/.test(id) || Number(id) > MAX_ID);
  if (wrong !== undefined)
    throw new UsageError(`--ids are whole numbers with commas between, such as 1,2,3; ${JSON.stringify(wrong)} is not one.`);
  return { kind: 'ids', ids: Int32Array.from(listed, Number) };
}
