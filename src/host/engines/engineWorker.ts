import { CancelledError, UserError } from '../../core/errors.ts';
import type { TextLayout } from '../../core/fileScores.ts';
import type { Progress } from '../../core/progress.ts';
import { UNCHANGED, type Run } from '../../core/run.ts';
import type { ServedGeneration } from '../../core/servedGeneration.ts';
import { msg } from '../../core/translatable.ts';
import { engineExplanation, servedInfo, type EngineExplanation } from '../../engines/engineExplanation.ts';
import { pieceOf, type EngineReadingOptions } from '../../engines/engineReading.ts';
import type { OpenedEngine } from '../../engines/openEngine.ts';
import type { ExplainRequest } from '../../protocol/explainRequest.ts';
import type { QueryArgs, QueryName, QueryResult } from '../../protocol/queries.ts';
import type { Connection } from '../../worker/rpc.ts';
import type { WorkerApi } from '../../worker/workerApi.ts';
import { windowReads, type WindowReads } from '../../engines/windowReads.ts';
import { isAboutInside, returnedInside, type EngineRead, type ReturnedInside } from './returnedInside.ts';
import { needsTokenizer, type OpenedTokenizer } from './sameModel.ts';

/** Time in which a call that waits for the engine tells that it does, so that it does not count as lost. */
const ALIVE_MS = 20_000;
/** Texts that are remembered by the ids of their tokens, to be continued. */
const TEXTS_KEPT = 8;
/** Long texts whose windows are remembered: files that are read in turns. */
const LAYOUTS_KEPT = 16;

/** What a worker of an engine asks other parts for. */
export interface EngineWorkerOptions {
  /** Recognises the engine and opens its model. */
  readonly open: (signal: AbortSignal) => Promise<OpenedEngine>;
  /** Asks, once, whether texts may be sent there. Rejects where they may not. */
  readonly allow: (engine: OpenedEngine) => Promise<void>;
  /** Asks whether so many requests may be sent for a text, each of about so many milliseconds. Rejects where they may not. */
  readonly agree: (engine: OpenedEngine, requests: number, ms: number) => Promise<void>;
  /** Opens the tokenizer of the engine's model, where the model is on this machine too; null: it is not. */
  readonly tokenizer: (engine: OpenedEngine) => Promise<OpenedTokenizer | null>;
  /** Requests that are open at once. */
  readonly parallel: number;
}

/**
 * An engine in place of a worker: the calls that its answers suffice for are answered by them, and all others are refused with the reason.
 * Each call can be cancelled while the engine works.
 */
export function engineWorker(options: EngineWorkerOptions): Connection<WorkerApi> {
  const listeners = new Set<(progress: Progress, call: string) => void>();
  const calls = new Set<AbortController>();
  const texts = new Map<string, EngineRead>();
  let engine: OpenedEngine | undefined;
  let inside: ReturnedInside | undefined;
  /** Long texts that were laid out, the last one first. */
  let reads: readonly WindowReads[] = [];
  let tokenizer: Promise<OpenedTokenizer | null> | undefined;
  let ended = false;

  const tell = (call: string, progress: Progress): void => {
    for (const listener of listeners) listener(progress, call);
  };
  const called = async <T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    if (ended) throw new CancelledError();
    const controller = new AbortController();
    calls.add(controller);
    const alive = setInterval(() => tell(name, { stage: 'windows', done: 0, total: 0 }), ALIVE_MS);
    try {
      return await work(controller.signal);
    } catch (error) {
      throw controller.signal.aborted ? new CancelledError() : error;
    } finally {
      clearInterval(alive);
      calls.delete(controller);
    }
  };
  const opened = (): OpenedEngine => {
    if (engine === undefined) throw new Error('No engine is open.');
    return engine;
  };
  /** The engine, where texts may be sent to it. */
  const allowed = async (): Promise<OpenedEngine> => {
    await options.allow(opened());
    return opened();
  };
  const atHand = (current: OpenedEngine): Promise<OpenedTokenizer | null> =>
    (tokenizer ??= options.tokenizer(current).catch((error: unknown) => {
      tokenizer = undefined;
      throw error;
    }));
  /** The tokenizer of the engine's model. Throws UserError where it is not on this machine. */
  const sameTokenizer = async (current: OpenedEngine): Promise<OpenedTokenizer> => {
    const found = await atHand(current);
    if (found === null) throw needsTokenizer(current);
    return found;
  };
  const remember = (run: Run, read: EngineRead): void => {
    texts.set(run.ids.join(), read);
    const [oldest] = texts.keys();
    if (texts.size > TEXTS_KEPT && oldest !== undefined) texts.delete(oldest);
  };
  const generate = async (
    run: Run,
    { written, sampling, seed, tokens, alternatives }: QueryArgs<'servedGeneration'>,
    signal: AbortSignal,
  ): Promise<ServedGeneration> => {
    const { protocol } = await allowed();
    const read = texts.get(run.ids.join());
    if (read === undefined) throw new UserError(msg`This text was explained too long ago to be continued: run again.`);
    const began = performance.now();
    const made = await protocol.generate(read.text + (written ?? ''), { ...sampling, seed, tokens, alternatives }, signal);
    return {
      text: made.text,
      tokens: made.tokens.map(({ token, logprob, top }) => ({
        text: pieceOf(token),
        prob: Math.exp(logprob),
        top: top.map((each) => ({ text: pieceOf(each.token), prob: Math.exp(each.logprob) })),
      })),
      end: made.end,
      ms: performance.now() - began,
    };
  };
  const answerInside = async (run: Run, name: QueryName, args: unknown, signal: AbortSignal): Promise<unknown> => {
    const { protocol, host } = opened();
    if (isAboutInside(name)) {
      const read = texts.get(run.ids.join());
      if (read === undefined) throw new UserError(msg`This text was explained too long ago: run again.`);
      // Experts came with the text; vectors are asked for.
      if (name !== 'experts') await allowed();
      const found = await inside?.answer(run, read, name, args, signal);
      if (found) return found;
    }
    throw new UserError(msg`${host} (${protocol.kind}) does not return what this shows: a model on this machine does.`);
  };
  const answer = async (run: Run, name: QueryName, args: unknown, signal: AbortSignal): Promise<unknown> => {
    const { protocol, address } = opened();
    switch (name) {
      case 'servedGeneration':
        return generate(run, args as QueryArgs<'servedGeneration'>, signal);
      case 'scores': {
        await allowed();
        const own = reads.find((one) => one.holds(run.ids));
        if (own === undefined) throw new UserError(msg`This text was laid out too long ago: run again.`);
        return own.scores(run.ids, args as QueryArgs<'scores'>, signal);
      }
      // Ids of another model, or of one here, mean the same only by chance.
      case 'vocabularyKey':
        return `${address}#${protocol.model}`;
      case 'fileMarks':
        return [];
      default:
        return answerInside(run, name, args, signal);
    }
  };

  return {
    remote: {
      open: () =>
        called('open', async (signal) => {
          engine = await options.open(signal);
          inside = returnedInside(engine.protocol);
          return servedInfo(engine);
        }),
      describe: async () => {
        throw new Error('An engine is described by what it can do.');
      },
      resources: async () => ({ runtime: 'native', free: null }),
      tokenize: notAsked,
      promptedTokens: notAsked,
      countTokens: async () => {
        throw new Error('The client refuses to count tokens by an engine.');
      },
      layOut: (text, stride) =>
        called('layOut', async (signal): Promise<TextLayout> => {
          // A file is read again after what cancels it, and would be asked about again.
          const current = await allowed().catch((error: unknown) => {
            throw error instanceof CancelledError && !signal.aborted
              ? new UserError(msg`Nothing was sent to ${opened().host}: you did not agree to it.`)
              : error;
          });
          const own = windowReads(current.protocol, current.host, options.parallel);
          const layout = await own.layOut(text, stride, signal, (share) =>
            tell('layOut', { stage: 'windows', done: Math.round(share * 100), total: 100 }),
          );
          for (const forgotten of reads.slice(LAYOUTS_KEPT - 1)) forgotten.end();
          reads = [own, ...reads.slice(0, LAYOUTS_KEPT - 1)];
          return { model: servedInfo(current), ...layout };
        }),
      explain: (request) =>
        called('explain', async (signal) => {
          const current = await allowed();
          const { explanation, experts } = await explain(current, request, {
            signal,
            agree: (requests, each) => options.agree(current, requests, each),
            tokenizer: current.protocol.abilities.scores === 'texts' ? await sameTokenizer(current) : null,
            atHand: () => atHand(current),
            onProgress: (share) => tell('explain', { stage: 'windows', done: Math.round(share * 100), total: 100 }),
          });
          remember(explanation.run, { text: explanation.text, experts });
          return explanation;
        }),
      ask: <Name extends QueryName>(run: Run, name: Name, args: QueryArgs<Name>): Promise<QueryResult<Name>> =>
        called(name, (signal) => answer(run, name, args, signal) as Promise<QueryResult<Name>>),
    },
    onProgress: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onFailure: () => () => undefined,
    cancel: () => {
      for (const call of calls) call.abort();
      for (const one of reads) one.cancel();
    },
    dispose: async () => {
      ended = true;
      for (const call of calls) call.abort();
      for (const one of reads) one.end();
      await tokenizer?.then((own) => own?.dispose()).catch(() => undefined);
    },
  };
}

async function notAsked(): Promise<never> {
  throw new Error('An engine cuts no texts by itself.');
}

/** A text as the engine reads it. Throws UserError for interventions. */
function explain(
  engine: OpenedEngine,
  { text, at, topK, recipe = UNCHANGED, recipeFor }: ExplainRequest,
  options: Omit<EngineReadingOptions, 'host' | 'alternatives' | 'at'>,
): Promise<EngineExplanation> {
  const { protocol, host } = engine;
  if (recipe.length > 0 && (recipeFor === undefined || recipeFor.model === protocol.model))
    throw new UserError(msg`${host} (${protocol.kind}) runs its model as it is: interventions need a model on this machine.`);
  return engineExplanation(engine, { text, topK, ...(at === undefined ? {} : { at }) }, options);
}
