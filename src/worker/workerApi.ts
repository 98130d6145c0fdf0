import type { TextLayout } from '../core/fileScores.ts';
import type { ModelDescription } from '../core/memory.ts';
import type { PromptedTokens } from '../core/promptedTokens.ts';
import type { RuntimeKind } from '../core/runtimeChoice.ts';
import type { Run } from '../core/run.ts';
import type { Explanation, ModelInfo, TokenizedText } from '../core/trace.ts';
import type { ExplainRequest } from '../protocol/explainRequest.ts';
import type { QueryArgs, QueryName, QueryResult } from '../protocol/queries.ts';

/** Location of a model's files. */
export type ModelLocation =
  /** A folder or model file on the worker's disk. For an adapter, `models` has the paths of models by name, of which one is its base. */
  | { readonly kind: 'folder'; readonly name: string; readonly path: string; readonly models?: Readonly<Record<string, string>> }
  /** The content of the files by name, on the web, where there is no disk. */
  | { readonly kind: 'files'; readonly name: string; readonly files: Readonly<Record<string, Uint8Array>> };

/** Number of tokens in a text. */
export interface TokenCount {
  readonly count: number;
  /** Whether only the beginning of the text was counted, so that `count` is a lower bound. */
  readonly atLeast: boolean;
}

/**
 * The calls of the worker, which holds the model. Every question contains its complete run, so that a restarted worker gives the same
 * answer; recent forward passes are cached by run. Calls throw UserError with a sentence for the user, CancelledError, or any other
 * Error for a defect.
 */
export interface WorkerApi {
  /**
   * Opens a model: checks its config, the header of its weights and its tokenizer. The first forward pass loads the weights. Throws
   * NoMemoryError where a typical text would need more memory than is free; `released` bytes count as free, because the previous
   * model's process will release them.
   */
  open(location: ModelLocation, released?: number): ModelInfo;
  /** Describes a model from its headers without opening it. Throws UserError as `open` does, except about the tokenizer. */
  describe(location: ModelLocation): ModelDescription;
  /** The runtime that models run on here, and the bytes of free memory; null where the system does not say. */
  resources(): { readonly runtime: RuntimeKind; readonly free: number | null };
  /** Counts the tokens of a text. */
  countTokens(text: string): TokenCount;
  /** The tokens of a text by the tokenizer of a model that need not be open, nor fit this machine. Throws UserError as `open` does. */
  tokenize(location: ModelLocation, text: string): TokenizedText;
  /** The same, with what can be a prompt of the text: each text before a token is cut again. */
  promptedTokens(location: ModelLocation, text: string): PromptedTokens;
  /** The tokens of a text of any length and the windows in which it is scored; `stride` in tokens, null: half a window. */
  layOut(text: string, stride: number | null): TextLayout;
  /** Runs the model over a text and describes the result. */
  explain(request: ExplainRequest): Explanation;
  /** Answers one of the questions of `protocol/queries.ts` about a run. */
  ask<Name extends QueryName>(run: Run, name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>>;
}

/** The calls of `Api` as seen from another thread or process: each returns a promise. */
export type Remote<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends (...args: never[]) => Promise<unknown>
    ? Api[Name]
    : Api[Name] extends (...args: infer Args) => infer Result
      ? (...args: Args) => Promise<Result>
      : never;
};
