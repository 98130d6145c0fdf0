import type { UserError } from '../core/errors.ts';
import type { CallContext } from '../core/progress.ts';
import type { Run } from '../core/run.ts';
import type { ModelFiles } from '../model/formats/modelFiles.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { Generation } from '../model/generation/generationConfig.ts';
import type { TextTokenizer } from '../model/tokenizer/textTokenizer.ts';
import type { QueryArgs, QueryName, QueryResult } from '../protocol/queries.ts';
import type { Room } from './fitting.ts';
import type { TraceCache } from './traceCache.ts';

/** An open model, with its files, its tokenizer and its generation settings. */
export interface OpenModel {
  readonly model: LanguageModel;
  readonly tokenizer: TextTokenizer;
  readonly files: ModelFiles;
  /** The model's generation_config.json; the error where it cannot be read, since only generation needs it. */
  readonly generation: Generation | UserError;
}

/** Everything that the answer to a question may use. */
export interface AnswerContext extends CallContext {
  readonly open: OpenModel;
  /** Cache of the open model's runs. */
  readonly cache: TraceCache;
  /** The length of text that can be read with the memory that is free now. */
  readonly room: () => Promise<Room>;
}

/** The computation behind every question. Each throws RangeError for a layer, head, token or number that does not exist. */
export type Answers = {
  readonly [Name in QueryName]: (context: AnswerContext, run: Run, args: QueryArgs<Name>) => Promise<QueryResult<Name>>;
};

/** The trace of a run, from the cache or computed now. */
export function traceOf({ cache, progress }: AnswerContext, run: Run): Promise<Trace> {
  return cache.trace(run, progress);
}

/** Throws RangeError for an index outside first..end - 1. */
export function checkIndex(what: string, index: number, end: number, first = 0): void {
  if (!Number.isInteger(index) || index < first || index >= end)
    throw new RangeError(`The ${what} ${index} is outside ${first}..${end - 1}.`);
}

/** Throws RangeError for a layer or head that the model does not have. */
export function checkHead({ info }: LanguageModel, layer: number, head: number): void {
  checkIndex('layer', layer, info.layers);
  checkIndex('head', head, info.heads);
}
