import { UserError } from '../core/errors.ts';
import { DEFAULT_LIMIT, engineAddress } from '../engines/engineConnection.ts';
import { UsageError, wholeNumber } from './optionValues.ts';

/** An engine that serves the model, in place of a model on this machine. */
export interface EngineOptions {
  readonly address: string;
  /** Its name at the engine; null: the only one that it serves. */
  readonly model: string | null;
  /** Model folder or GGUF file with the same tokenizer; null: none. */
  readonly tokenizer: string | null;
  /** Requests open at once. */
  readonly parallel: number;
  /** Requests that are allowed where each token takes one. */
  readonly requests: number;
}

type EngineValues = {
  readonly [name in 'engine' | 'model' | 'tokenizer' | 'parallel' | 'requests' | 'runtime' | 'native-runtime']?: string | undefined;
};

/** Reads these options; null: no engine is named. Throws UsageError. */
export function engineOptions(values: EngineValues): EngineOptions | null {
  const { engine, model, tokenizer } = values;
  if (engine === undefined) {
    for (const name of ['tokenizer', 'parallel', 'requests'] as const)
      if (values[name] !== undefined) throw new UsageError(`--${name} goes with --engine.`);
    return null;
  }
  for (const name of ['runtime', 'native-runtime'] as const)
    if (values[name] !== undefined) throw new UsageError(`--${name} does not go with --engine: the model does not run here.`);
  if (tokenizer === '') throw new UsageError('--tokenizer names no folder.');
  const parallel = wholeNumber('parallel', values.parallel, DEFAULT_LIMIT);
  if (parallel === 0 || parallel > 1024) throw new UsageError('--parallel is a whole number from 1 to 1024.');
  return {
    address: addressOf(engine),
    model: model ?? null,
    tokenizer: tokenizer ?? null,
    parallel,
    requests: wholeNumber('requests', values.requests, 0),
  };
}

/** The same, where none of the options that need a model on this machine go with an engine. Throws UsageError. */
export function engineWithout<Name extends string>(
  values: EngineValues & Readonly<Partial<Record<Name, unknown>>>,
  names: readonly Name[],
): EngineOptions | null {
  const engine = engineOptions(values);
  if (engine === null) return null;
  for (const name of names)
    if (values[name] !== undefined) throw new UsageError(`--${name} does not go with --engine, which has its own model.`);
  return engine;
}

function addressOf(text: string): string {
  try {
    return engineAddress(text);
  } catch (error) {
    throw error instanceof UserError ? new UsageError(`--engine: ${error.message}`, { cause: error }) : error;
  }
}
