import { REPORT_PARTS, type ReportPart } from '../report/reportQuestions.ts';
import { REPORT_ENDING } from '../report/reportFile.ts';
import { engineWithout, type EngineOptions } from './engineOptions.ts';
import { compareWithOf, type CompareValues, type CompareWith } from './compareWith.ts';
import { positiveNumber, runOptions, UsageError, wholeNumber, type RunOptions, type TextInput } from './optionValues.ts';

/** Options of `report`. */
export interface ReportOptions extends RunOptions {
  readonly input: TextInput;
  readonly chat: boolean;
  /** File of interventions on the model; null: none. */
  readonly recipe: string | null;
  readonly steer: null;
  readonly parts: readonly ReportPart[];
  /** Tokens of which everything is kept; null: the last one. */
  readonly positions: readonly number[] | null;
  /** What the text is compared with; null: nothing. */
  readonly with: CompareWith | null;
  /** The engine that reads the text; null: a model on this machine does. */
  readonly engine: EngineOptions | null;
}

/** Options of `verify`. */
export interface VerifyOptions extends RunOptions {
  readonly file: string;
  /** Largest share of a quantity's largest number that a number may be off. */
  readonly tolerance: number;
  /** The other model of the report's comparison; null: it is not read again. */
  readonly withModel: string | null;
  /** The engine that reads the text again; null: a model on this machine does. */
  readonly engine: EngineOptions | null;
}

type Values = Parameters<typeof runOptions>[0] &
  Parameters<typeof engineWithout>[0] &
  CompareValues & {
    readonly chat?: boolean | undefined;
    readonly recipe?: string | undefined;
    readonly include?: readonly string[] | undefined;
    readonly position?: string | undefined;
    readonly tolerance?: string | undefined;
  };

/** What numbers of another runtime, or another machine, are off at most: float32 added up in another order. */
const DEFAULT_TOLERANCE = 1e-4;

/** Reads the options of `report`. Throws UsageError. */
export function reportOptions(input: TextInput, values: Values): ReportOptions {
  const { recipe = null, include = ['all'], position } = values;
  if (recipe === '') throw new UsageError('--recipe names no file.');
  const options = runOptions(values);
  const { output } = options;
  if (output !== null && !output.toLowerCase().endsWith(REPORT_ENDING))
    throw new UsageError(`--output ends with ${REPORT_ENDING}, by which VS Code knows a report: ${JSON.stringify(output)} does not.`);
  return {
    ...options,
    input,
    chat: values.chat === true,
    recipe,
    steer: null,
    parts: [...new Set(include.flatMap((names) => names.split(',')).flatMap((name) => partsNamed(name.trim())))],
    with: compareWithOf(values, input),
    engine: engineWithout(values, ['chat', 'recipe', 'include', 'position', 'with-text', 'with-file', 'with-model']),
    positions: position === undefined ? null : position.split(',').map((one) => wholeNumber('position', one.trim(), 0)),
  };
}

function partsNamed(name: string): readonly ReportPart[] {
  if (name === 'all') return REPORT_PARTS;
  // The tokens are always there; alone they are a report too.
  if (name === 'tokens') return [];
  const part = REPORT_PARTS.find((known) => known === name);
  if (part === undefined) throw new UsageError(`--include is tokens, ${REPORT_PARTS.join(', ')} or all, not ${JSON.stringify(name)}.`);
  return [part];
}

/** Reads the options of `verify`. Throws UsageError. */
export function verifyOptions(files: readonly string[], values: Values): VerifyOptions {
  const [file] = files;
  if (file === undefined || file === '' || files.length > 1)
    throw new UsageError(`verify takes one report, such as analysis${REPORT_ENDING}.`);
  const { 'with-model': withModel = null } = values;
  if (withModel === '') throw new UsageError('--with-model names no folder.');
  return {
    ...runOptions(values),
    file,
    withModel,
    tolerance: positiveNumber('tolerance', values.tolerance, DEFAULT_TOLERANCE),
    engine: engineWithout(values, ['with-model']),
  };
}
