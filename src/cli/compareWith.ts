import { fileInput, STANDARD, UsageError, type TextInput } from './optionValues.ts';

/** Second side of a comparison: another text read by the same model, or the same text read by another model. */
export type CompareWith = { readonly kind: 'text'; readonly input: TextInput } | { readonly kind: 'model'; readonly model: string };

/** Options that name the second side of a comparison. */
export interface CompareValues {
  readonly 'with-text'?: string | undefined;
  readonly 'with-file'?: string | undefined;
  readonly 'with-model'?: string | undefined;
}

/** The second side of a comparison with `input`; null: none of its options was given. Throws UsageError. */
export function compareWithOf(values: CompareValues, input: TextInput): CompareWith | null {
  const { 'with-text': withText, 'with-file': withFile, 'with-model': withModel } = values;
  const given = [withText, withFile, withModel].filter((value) => value !== undefined).length;
  if (given > 1) throw new UsageError(`One of --with-text, --with-file and --with-model is needed, not ${given} of them.`);
  if (withModel === '') throw new UsageError('--with-model names no folder.');
  if (withFile === '') throw new UsageError('--with-file names no file.');
  if (withText === '') throw new UsageError('--with-text is empty: there is nothing to compare with.');
  if (input.kind === 'standardInput' && withFile === STANDARD)
    throw new UsageError('Standard input can be read once: --file - or --with-file -, not both.');
  if (withModel !== undefined) return { kind: 'model', model: withModel };
  if (withText !== undefined) return { kind: 'text', input: { kind: 'text', text: withText } };
  return withFile === undefined ? null : { kind: 'text', input: fileInput(withFile) };
}
