import { engineOptions, type EngineOptions } from './engineOptions.ts';
import { oneOf, positiveNumber, runOptions, UsageError, wholeNumber, type RunOptions } from './optionValues.ts';

/** What a record of the scores is about. */
export type ScoreUnit = 'file' | 'line' | 'word' | 'token';

/** How scores are written. */
export type ScoreFormat = 'table' | 'json' | 'csv';

/** Options of `score`. */
export interface ScoreOptions extends RunOptions {
  /** Files and folders; - is standard input. */
  readonly files: readonly string[];
  readonly by: ScoreUnit;
  readonly format: ScoreFormat;
  /** Limit; null: none. */
  readonly maxBitsPerByte: number | null;
  /** Tokens from a window to the next; null: half the window. */
  readonly stride: number | null;
  /** Engine that scores them; null: a model on this machine. */
  readonly engine: EngineOptions | null;
}

type ScoreValues = Parameters<typeof runOptions>[0] &
  Parameters<typeof engineOptions>[0] & {
    readonly [name in 'by' | 'format' | 'max-bits-per-byte' | 'stride']?: string | undefined;
  };

/** Reads the options of `score`. Throws UsageError. */
export function scoreOptions(files: readonly string[], values: ScoreValues): ScoreOptions {
  if (files.length === 0) throw new UsageError('score takes files or folders, such as explain-tokens score README.md docs.');
  if (files.includes('')) throw new UsageError('score: an empty name names no file.');
  const stride = values.stride === undefined ? null : wholeNumber('stride', values.stride, 0);
  if (stride === 0) throw new UsageError('--stride is a whole number from 1 on: windows 0 tokens apart never reach the end of a text.');
  const limit = positiveNumber('max-bits-per-byte', values['max-bits-per-byte'], Infinity);
  return {
    ...runOptions(values),
    files,
    by: oneOf('by', values.by, ['file', 'line', 'word', 'token']),
    format: oneOf('format', values.format, ['table', 'json', 'csv']),
    maxBitsPerByte: limit === Infinity ? null : limit,
    stride,
    engine: engineOptions(values),
  };
}
