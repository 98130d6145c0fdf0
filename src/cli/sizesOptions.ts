import { oneOf, runOptions, UsageError, type RunOptions, type TextInput } from './optionValues.ts';

/** Options of `sizes`. */
export interface SizesOptions extends Omit<RunOptions, 'model'> {
  readonly input: TextInput;
  /** Model folders or GGUF files. */
  readonly models: readonly string[];
  readonly format: 'table' | 'json';
}

type SizesValues = Parameters<typeof runOptions>[0] & { readonly [name in 'models' | 'format']?: string | undefined };

/** Reads the options of `sizes`. Throws UsageError. */
export function sizesOptions(input: TextInput, values: SizesValues): SizesOptions {
  const models = (values.models ?? '').split(',').map((name) => name.trim());
  if (models.includes('')) throw new UsageError('--models takes model folders or GGUF files with commas between.');
  if (models.length < 2) throw new UsageError('--models takes two models or more: there is nothing to compare one with.');
  const double = models.find((name, index) => models.indexOf(name) !== index);
  if (double !== undefined) throw new UsageError(`--models names ${double} twice.`);
  const { output, runtime, nativeFolder } = runOptions(values);
  return { input, models, format: oneOf('format', values.format, ['table', 'json']), output, runtime, nativeFolder };
}
