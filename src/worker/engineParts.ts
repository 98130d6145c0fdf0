import type { UserError } from '../core/errors.ts';
import type { LanguageModel, Trace } from '../model/languageModel.ts';
import type { TextTokenizer } from '../model/tokenizer.ts';
import type { CallContext } from './rpc.ts';

export interface OpenModel {
  readonly model: LanguageModel;
  readonly tokenizer: TextTokenizer;
  /** Tokens that end a generation; an error where the files do not tell: it matters to a generation only. */
  readonly eos: readonly number[] | UserError;
}

/** What groups of calls are made of. */
export interface EngineParts {
  /** The call after all that came before it. */
  readonly inOrder: <Args extends readonly unknown[], Result>(call: (context: CallContext, ...args: Args) => Promise<Result>) => (context: CallContext, ...args: Args) => Promise<Result>;
  /** The open model. Throws where there is none. */
  readonly opened: () => OpenModel;
  readonly traceOf: (model: LanguageModel, ids: Int32Array, context: CallContext) => Promise<Trace>;
}

/** Throws RangeError for an index outside first..end - 1. */
export function checkIndex(what: string, index: number, end: number, first = 0): void {
  if (!Number.isInteger(index) || index < first || index >= end) throw new RangeError(`The ${what} ${index} is outside ${first}..${end - 1}.`);
}

/** Throws RangeError for a layer or head that the model does not have. */
export function checkHead({ info }: LanguageModel, layer: number, head: number): void {
  checkIndex('layer', layer, info.layers);
  checkIndex('head', head, info.heads);
}
