import { answer } from '../analysis/answers.ts';
import type { AnswerContext, OpenModel } from '../analysis/answering.ts';
import { explain, infoOf } from '../analysis/explain.ts';
import { checkFits, roomFor } from '../analysis/fitting.ts';
import { checkedNumbers, CHECKED_TEXT, judge } from '../analysis/providerCheck.ts';
import { layOut } from '../analysis/layOut.ts';
import { createTraceCache } from '../analysis/traceCache.ts';
import type { CallContext } from '../core/progress.ts';
import { promptedTokens } from '../core/promptedTokens.ts';
import { describeModel } from '../model/describeModel.ts';
import type { ModelFiles } from '../model/formats/modelFiles.ts';
import { generationOrError } from '../model/generation/generationConfig.ts';
import { openLanguageModel, type LanguageModel } from '../model/languageModel.ts';
import type { Runtime } from '../model/run/runtime.ts';
import { openTokenizer, type TextTokenizer } from '../model/tokenizer/textTokenizer.ts';
import type { Implementation } from './rpc.ts';
import type { ModelLocation, WorkerApi } from './workerApi.ts';

/** Most UTF-16 units that are tokenized for a count, since counting follows every change of the selection. */
const MAX_COUNTED_UNITS = 100_000;

/** Largest id of a tokenizer whose model is not open, so that it does not tell how many ids it has. */
const MOST_VOCAB = 2 ** 22;

/** Time after an answer at which the memory it no longer needs is freed. */
const TIDY_AFTER_MS = 500;

/** The platform that an engine runs on. */
export interface EngineOptions {
  /** Creates the runtime. The first `open` calls it, so that a failure rejects that call and does not end the process. */
  readonly runtime: () => Runtime;
  /** Kind of the runtime, known before it is created. */
  readonly runtimeKind: Runtime['kind'];
  /** Opens a model's files. */
  readonly openFiles: (location: ModelLocation) => Promise<ModelFiles>;
  /** Bytes of free memory; absent where the system does not say. */
  readonly freeMemory?: () => Promise<number>;
  /** Bytes of memory that this process has allocated; absent where the system does not say. */
  readonly heldMemory?: () => number;
  /** Collects garbage, which large arrays do not prompt the collector to do by themselves. */
  readonly tidy?: () => void;
}

/** The worker's calls, over one open model at a time. They run one after another, in the order of their arrival. */
export function createEngine({
  runtime: makeRuntime,
  runtimeKind,
  openFiles,
  freeMemory,
  heldMemory = () => 0,
  tidy,
}: EngineOptions): Implementation<WorkerApi> {
  let runtime: Runtime | null = null;
  let current: Pick<AnswerContext, 'open' | 'cache' | 'room'> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let beside: { readonly of: string; readonly tokenizer: TextTokenizer } | undefined;
  let untidy: ReturnType<typeof setTimeout> | undefined;

  /** A call that waits for all earlier calls. */
  const inOrder =
    <Args extends readonly unknown[], Result>(call: (context: CallContext, ...args: Args) => Promise<Result>) =>
    (context: CallContext, ...args: Args): Promise<Result> => {
      const result = last.then(async () => {
        // The call may have been cancelled while it waited.
        await context.checkpoint();
        return call(context, ...args);
      });
      last = result.catch(() => undefined);
      return result;
    };
  const tidyNow = (): void => {
    if (untidy === undefined) return;
    clearTimeout(untidy);
    untidy = undefined;
    tidy?.();
  };
  const opened = (context: CallContext): AnswerContext => {
    if (current === null) throw new Error('No model is open.');
    return { ...context, ...current };
  };
  /** The tokenizer of a model that is not open. */
  const aside = async (location: ModelLocation): Promise<TextTokenizer> => {
    const of = JSON.stringify(location);
    if (beside?.of !== of) beside = { of, tokenizer: await openTokenizer(await openFiles(location), MOST_VOCAB) };
    return beside.tokenizer;
  };
  const openedOf = (open: OpenModel): NonNullable<typeof current> => ({
    open,
    cache: createTraceCache(open.model),
    room: async () => roomFor(open.model, freeMemory === undefined ? null : (await freeMemory()) + heldMemory()),
  });

  return {
    describe: async (_, location) => describeModel(await openFiles(location)),
    resources: async () => ({ runtime: runtime?.kind ?? runtimeKind, free: (await freeMemory?.()) ?? null }),
    open: inOrder(async (_, location: ModelLocation, released = 0) => {
      const files = await openFiles(location);
      runtime ??= makeRuntime();
      // A provider that was given up before is not tried again, but still said to be.
      const chosen = runtime.provided?.use()?.kind === 'refused' ? runtime.provided : runtime;
      let model = await openLanguageModel(files, chosen);
      try {
        if (freeMemory !== undefined) checkFits(model, (await freeMemory()) + released);
        const tokenizer = await openTokenizer(files, model.info.vocab);
        model = await onProvider(model, files, chosen, tokenizer);
        const generation = await generationOrError(files, model.config);
        const previous = current;
        current = openedOf({ model, tokenizer, generation, files });
        await previous?.open.model.dispose();
        return infoOf(current.open);
      } catch (error) {
        if (current?.open.model !== model) await model.dispose();
        throw error;
      }
    }),
    countTokens: inOrder(async (context, text) => {
      const atLeast = text.length > MAX_COUNTED_UNITS;
      return { count: opened(context).open.tokenizer.count(text.slice(0, MAX_COUNTED_UNITS)), atLeast };
    }),
    tokenize: inOrder(async (_, location, text) => (await aside(location)).encode(text)),
    promptedTokens: inOrder(async (_, location, text) => promptedTokens((await aside(location)).encode, text)),
    layOut: inOrder(async (context, text, stride) => layOut(opened(context), text, stride)),
    explain: inOrder(async (context, request) => {
      // At the latest before the next text takes its room: an answer does not wait for it.
      tidyNow();
      try {
        return await explain(opened(context), request);
      } finally {
        untidy ??= setTimeout(() => void (last = last.then(tidyNow)), TIDY_AFTER_MS);
      }
    }),
    ask: inOrder(async (context, run, name, args) => answer(opened(context), run, name, args)),
  };
}

/**
 * The model on the execution provider that was asked for, after a self-check against `onCpu`, which is disposed: the weights are not
 * there twice. `onCpu` itself where none was asked for.
 */
async function onProvider(
  onCpu: LanguageModel,
  files: ModelFiles,
  { provided }: Runtime,
  tokenizer: TextTokenizer,
): Promise<LanguageModel> {
  if (provided === undefined) return onCpu;
  const { ids } = tokenizer.encode(CHECKED_TEXT);
  const expected = await checkedNumbers(onCpu, ids);
  await onCpu.dispose();
  const model = await openLanguageModel(files, provided);
  try {
    judge(provided, expected, await checkedNumbers(model, ids));
    return model;
  } catch (error) {
    await model.dispose();
    throw error;
  }
}
