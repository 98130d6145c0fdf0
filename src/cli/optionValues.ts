import { RUNTIME_CHOICES, type RuntimeChoice } from '../core/runtimeChoice.ts';

/** An error in the command line itself; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Name that stands for standard input or output in place of a file. */
export const STANDARD = '-';

/** An option that is a whole number. Throws UsageError. */
export function wholeNumber(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(value)) throw new UsageError(`--${name} is a whole number, not ${JSON.stringify(value)}.`);
  return Number(value);
}

/** Throws UsageError for a position outside a text of `count` tokens. */
export function checkPosition(position: number, count: number): void {
  if (position >= count)
    throw new UsageError(`--position: the ${count} tokens read are numbered from 0 to ${count - 1}, there is no ${position}.`);
}

/** An option that is a number from 0 on. Throws UsageError. */
export function positiveNumber(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!/^(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(value) || !Number.isFinite(Number(value)))
    throw new UsageError(`--${name} is a number from 0 on, not ${JSON.stringify(value)}.`);
  return Number(value);
}

/** An option that is one of some names; the first where it is not given. Throws UsageError. */
export function oneOf<Name extends string>(name: string, value: string | undefined, names: readonly [Name, ...Name[]]): Name {
  const found = names.find((known) => known === (value ?? names[0]));
  if (found === undefined) throw new UsageError(`--${name} is one of ${names.join(', ')}, not ${JSON.stringify(value)}.`);
  return found;
}

/** A text: given literally, in a file, or on standard input. */
export type TextInput =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'file'; readonly path: string } | { readonly kind: 'standardInput' };

/** The text of a file, or of standard input. */
export function fileInput(path: string): TextInput {
  return path === STANDARD ? { kind: 'standardInput' } : { kind: 'file', path };
}

/** Options of every command that runs a model on texts of its own choosing. */
export interface RunOptions {
  /** Model folder or GGUF file; null: the bundled model. */
  readonly model: string | null;
  /** Output file; null: standard output. */
  readonly output: string | null;
  readonly runtime: RuntimeChoice;
  /** Folder with the native runtime; null: the one shipped with the package. */
  readonly nativeFolder: string | null;
}

type RunValues = { readonly [name in 'model' | 'output' | 'runtime' | 'native-runtime']?: string | undefined };

/** Reads these options. Throws UsageError. */
export function runOptions({ model, output, runtime: choice, 'native-runtime': folder }: RunValues): RunOptions {
  if (model === '') throw new UsageError('--model names no folder.');
  if (output === '') throw new UsageError('--output names no file.');
  const nativeFolder = folder ?? null;
  if (nativeFolder === '') throw new UsageError('--native-runtime names no folder.');
  const runtime = oneOf('runtime', choice, RUNTIME_CHOICES);
  if (nativeFolder !== null && runtime === 'wasm') throw new UsageError('--native-runtime does not go with --runtime wasm.');
  return { model: model ?? null, output: output === STANDARD ? null : (output ?? null), runtime, nativeFolder };
}
