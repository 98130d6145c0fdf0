import { parseArgs } from 'node:util';
import { messageOf } from '../core/errors.ts';
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

export interface TraceOptions {
  /** Null: the bundled model. */
  readonly model: string | null;
  readonly input: Input;
  readonly format: 'json' | 'safetensors';
  /** Null: standard output. */
  readonly output: string | null;
  readonly top: number;
  readonly runtime: RuntimeChoice;
  /** Read the text as a user's message in the model's chat template. */
  readonly chat: boolean;
}

/** What the text is compared with: another text read by the same model, or the same text read by another model. */
export type CompareWith = { readonly kind: 'text'; readonly input: TextInput } | { readonly kind: 'model'; readonly model: string };

export interface CompareOptions {
  /** Null: the bundled model. */
  readonly model: string | null;
  readonly input: TextInput;
  readonly with: CompareWith;
  /** Null: standard output. */
  readonly output: string | null;
  readonly runtime: RuntimeChoice;
  readonly chat: boolean;
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'trace'; readonly options: TraceOptions }
  | { readonly kind: 'compare'; readonly options: CompareOptions };

export const HELP = `Runs a language model over a text and writes what happened inside it.

Usage: explain-tokens trace [options] (--text TEXT | --file PATH | --ids 1,2,3)
       explain-tokens compare [options] (--text TEXT | --file PATH) (--with-text TEXT | --with-file PATH | --with-model DIR)

  --text TEXT         the text
  --file PATH         a UTF-8 text file
  --ids 1,2,3         exactly these token ids, adding nothing; needs no tokenizer
  --model DIR         model folder in Hugging Face layout (default: the bundled model)
  --chat              read the text as a user's message in the model's chat template
  --format FORMAT     json (default) or safetensors
  --output PATH       write to a file instead of standard output
  --top K             candidates listed per position in JSON (default 10)
  --runtime RUNTIME   auto (default: native where onnxruntime-node is installed), wasm or native
  --with-text TEXT, --with-file PATH
                      compare: with another text, read by the same model
  --with-model DIR    compare: with another model, reading the same text
  --help, --version

JSON: the model, and per token its id, text, bytes, UTF-16 offsets, log-probability (natural), rank, entropy (bits) and
the most likely tokens after it. With --ids there is no text: bytes and offsets are empty.
safetensors: input_ids, logits, embedding, resid.0 .. resid.L, attentions.0 .. (rows are queries).
compare writes JSON: both sides' totals (bits, bits per token and per byte), and per aligned row the tokens of each side, their
surprisal in bits, how much likelier the second side found them (bits) and KL(first || second) of the distributions that
predicted them, in bits; "finalKl" is that after the ends. Texts are aligned by the longest common subsequence of their ids,
models whose ids differ by characters, without KL.
Exit codes: 0 done, 1 a model or file cannot be used, 2 bad usage.
`;

const DEFAULT_TOP = 10;
/** Ids are kept as 32-bit integers. */
const MAX_ID = 2 ** 31 - 1;

/** The command of the arguments. Throws UsageError with one sentence. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.help === true) return { kind: 'help' };
  if (values.version === true) return { kind: 'version' };
  const [command, ...rest] = positionals;
  if (command === undefined) throw new UsageError('Which command? There are trace and compare. See explain-tokens --help.');
  if (command !== 'trace' && command !== 'compare') throw new UsageError(`There is no command ${JSON.stringify(command)}; there are trace and compare. See explain-tokens --help.`);
  if (rest.length > 0) throw new UsageError(`${JSON.stringify(rest[0])} belongs to no option. A text is given as --text TEXT.`);
  const { format = 'json', model, output } = values;
  if (format !== 'json' && format !== 'safetensors') throw new UsageError(`--format is json or safetensors, not ${JSON.stringify(format)}.`);
  if (model === '') throw new UsageError('--model names no folder.');
  if (output === '') throw new UsageError('--output names no file.');
  if (values.chat === true && values.ids !== undefined) throw new UsageError('--chat is for a text; --ids are run as they are.');
  const others = [['--with-text', values['with-text']], ['--with-file', values['with-file']], ['--with-model', values['with-model']]] as const;
  if (command === 'compare') return { kind: 'compare', options: compareOptions(values, others) };
  const stray = others.find(([, value]) => value !== undefined);
  if (stray !== undefined) throw new UsageError(`${stray[0]} belongs to compare.`);
  return {
    kind: 'trace',
    options: { model: model ?? null, input: inputOf(values), format, output: output ?? null, top: wholeNumber(values.top), runtime: runtimeOf(values.runtime), chat: values.chat === true },
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { text, file: text, ids: text, model: text, format: text, output: text, top: text, runtime: text, 'with-text': text, 'with-file': text, 'with-model': text, chat: flag, help: flag, version: flag },
    });
  } catch (error) {
    throw new UsageError(messageOf(error).replace(/\s+/g, ' '), { cause: error });
  }
}

type Values = ReturnType<typeof parse>['values'];

function compareOptions(values: Values, others: readonly (readonly [string, string | undefined])[]): CompareOptions {
  const unused = (['ids', 'format', 'top'] as const).find((name) => values[name] !== undefined);
  if (unused !== undefined) throw new UsageError(`--${unused} belongs to trace.`);
  const given = others.filter(([, value]) => value !== undefined).length;
  if (given !== 1) throw new UsageError(`One of --with-text, --with-file and --with-model is needed${given === 0 ? '' : `, not ${given} of them`}.`);
  const { model, output, 'with-text': withText, 'with-file': withFile, 'with-model': withModel } = values;
  if (withModel === '') throw new UsageError('--with-model names no folder.');
  if (withFile === '') throw new UsageError('--with-file names no file.');
  if (withText === '') throw new UsageError('--with-text is empty: there is nothing to compare with.');
  const input = inputOf(values);
  if (input.kind === 'ids') throw new UsageError('--ids belongs to trace.');
  return {
    model: model ?? null,
    input,
    with: withModel !== undefined ? { kind: 'model', model: withModel } : { kind: 'text', input: withText !== undefined ? { kind: 'text', text: withText } : { kind: 'file', path: withFile ?? '' } },
    output: output ?? null,
    runtime: runtimeOf(values.runtime),
    chat: values.chat === true,
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

function wholeNumber(value: string | undefined): number {
  if (value === undefined) return DEFAULT_TOP;
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`--top is a whole number, not ${JSON.stringify(value)}.`);
  return Number(value);
}

function runtimeOf(value: string | undefined): RuntimeChoice {
  const choice = RUNTIME_CHOICES.find((known) => known === (value ?? 'auto'));
  if (choice === undefined) throw new UsageError(`--runtime is one of ${RUNTIME_CHOICES.join(', ')}, not ${JSON.stringify(value)}.`);
  return choice;
}
