import { headMetrics, thumbnails } from '../core/attention.ts';
import { UserError } from '../core/errors.ts';
import type { StepRequest } from '../core/generation.ts';
import type { Explanation, ModelInfo } from '../core/trace.ts';
import { msg } from '../core/translatable.ts';
import type { HeadAttention } from '../model/attention.ts';
import { describeModel } from '../model/describeModel.ts';
import type { ModelFiles } from '../model/files.ts';
import { openLanguageModel } from '../model/languageModel.ts';
import type { Runtime } from '../model/runtime.ts';
import { readStopTokens } from '../model/stopTokens.ts';
import { openTokenizer } from '../model/tokenizer.ts';
import type { ExplainRequest, ModelLocation, Progress, TokenCount, WorkerApi } from './api.ts';
import { comparisonCalls } from './comparisonCalls.ts';
import { checkHead, checkIndex, type EngineParts, type OpenModel } from './engineParts.ts';
import { checkFits } from './fitting.ts';
import { lastResidual, predict } from './predictions.ts';
import { pathCalls } from './pathCalls.ts';
import type { CallContext, Implementation } from './rpc.ts';
import { takeStep } from './step.ts';
import { createTraceCache, type TraceCache } from './traceCache.ts';
import { vectorCalls } from './vectorCalls.ts';
import { attentionCell, attentionMap, attentionPicture, attentionRow, distribution, expertRouting, latentVector, lensLayer, piecesOf, projection } from './views.ts';

/** Counting goes no further than this many UTF-16 units: it follows every change of the selection. */
const MAX_COUNTED_UNITS = 100_000;
/** A thumbnail shows at most this many cells a side. */
const MAX_THUMBNAIL_SIDE = 48;
/** All thumbnails together: what one message of an explanation may carry of pictures. */
const MAX_THUMBNAIL_BYTES = 400 * 1024;

export interface EngineOptions {
  /** Made by the first `open`, so that its failure is an answer and not the end of the thread. */
  readonly runtime: () => Runtime;
  readonly runtimeKind: Runtime['kind'];
  readonly openFiles: (location: ModelLocation) => Promise<ModelFiles>;
  /** Bytes of memory that are free; absent where the system does not tell. */
  readonly freeMemory?: () => Promise<number>;
}

/** The calls of the model's thread, over one model at a time. Calls run one after another, in the order they came. */
export function createEngine({ runtime: makeRuntime, runtimeKind, openFiles, freeMemory }: EngineOptions): Implementation<WorkerApi> {
  const cache = createTraceCache();
  let runtime: Runtime | null = null;
  let current: OpenModel | null = null;
  let last: Promise<unknown> = Promise.resolve();

  const inOrder: EngineParts['inOrder'] = (call) => (context, ...args) => {
    const result = last.then(() => call(context, ...args));
    last = result.catch(() => undefined);
    return result;
  };
  const opened = (): OpenModel => {
    if (current === null) throw new Error('No model is open.');
    return current;
  };
  const traceOf: EngineParts['traceOf'] = (model, ids, { progress }) => cache.trace(model, ids, progress);
  const headOf = async (context: CallContext, ids: Int32Array, layer: number, head: number): Promise<HeadAttention> => {
    const { model } = opened();
    checkHead(model, layer, head);
    return cache.head(model, await traceOf(model, ids, context), layer, head);
  };

  return {
    describe: async (_, location: ModelLocation) => describeModel(await openFiles(location)),
    resources: async () => ({ runtime: runtimeKind, free: (await freeMemory?.()) ?? null }),
    open: inOrder(async (_, location: ModelLocation, released = 0): Promise<ModelInfo> => {
      const files = await openFiles(location);
      runtime ??= makeRuntime();
      const model = await openLanguageModel(files, runtime);
      try {
        if (freeMemory !== undefined) checkFits(model, (await freeMemory()) + released);
        const tokenizer = await openTokenizer(files, model.info.vocab);
        const eos = await readStopTokens(files, model.config).catch((error: unknown): UserError => {
          if (error instanceof UserError) return error;
          throw error;
        });
        const previous = current;
        current = { model, tokenizer, eos };
        cache.clear();
        await previous?.model.dispose();
        return infoOf(current);
      } catch (error) {
        if (current?.model !== model) await model.dispose();
        throw error;
      }
    }),
    countTokens: inOrder(async (_, text: string): Promise<TokenCount> => {
      const atLeast = text.length > MAX_COUNTED_UNITS;
      return { count: opened().tokenizer.count(text.slice(0, MAX_COUNTED_UNITS)), atLeast };
    }),
    explain: inOrder((context, request: ExplainRequest) => explain(opened(), cache, request, context.progress)),
    attention: inOrder(async (context, ids: Int32Array, layer: number, head: number) => attentionMap(await headOf(context, ids, layer, head), layer, head)),
    attentionPicture: inOrder(async (context, ids: Int32Array, layer: number, head: number) => attentionPicture(await headOf(context, ids, layer, head), layer, head)),
    attentionRow: inOrder(async (context, ids: Int32Array, layer: number, head: number, query: number) => {
      checkIndex('query', query, ids.length);
      return attentionRow(await headOf(context, ids, layer, head), layer, head, query);
    }),
    attentionCell: inOrder(async (context, ids: Int32Array, layer: number, head: number, query: number, key: number) => {
      const { model } = opened();
      checkIndex('layer', layer, model.info.layers);
      checkIndex('head', head, model.info.heads);
      checkIndex('query', query, ids.length);
      checkIndex('key', key, ids.length);
      return attentionCell(model, await traceOf(model, ids, context), layer, head, query, key);
    }),
    experts: inOrder(async (context, ids: Int32Array, layer: number) => {
      const { model } = opened();
      checkIndex('layer', layer, model.info.layers);
      return expertRouting(model, await traceOf(model, ids, context), layer);
    }),
    latent: inOrder(async (context, ids: Int32Array, layer: number, token: number) => {
      const { model } = opened();
      checkIndex('layer', layer, model.info.layers);
      checkIndex('token', token, ids.length);
      return latentVector(model, await traceOf(model, ids, context), layer, token);
    }),
    projection: inOrder(async (context, ids: Int32Array, layer: number, skipFirst: boolean) => {
      const { model } = opened();
      checkIndex('layer', layer, model.info.layers + 1, -1);
      return projection(await traceOf(model, ids, context), layer, skipFirst);
    }),
    lens: inOrder(async (context, ids: Int32Array, layer: number) => {
      const { model, tokenizer } = opened();
      checkIndex('layer', layer, model.info.layers + 1);
      return lensLayer(model, await traceOf(model, ids, context), layer, tokenizer.piece);
    }),
    distribution: inOrder(async (context, ids: Int32Array, position: number) => {
      const { model, tokenizer } = opened();
      checkIndex('position', position, ids.length);
      return distribution(model, await cache.final(model, ids, position, context.progress), position, tokenizer.piece);
    }),
    step: inOrder(async ({ progress }, request: StepRequest) => {
      const { model, tokenizer, eos } = opened();
      if (eos instanceof UserError) throw eos;
      return takeStep({ model, piece: tokenizer.piece, eos }, request, (ids) => cache.read(model, ids, progress));
    }),
    textOf: inOrder(async (_, ids: Int32Array) => opened().tokenizer.textOf(ids)),
    ...pathCalls({ inOrder, opened, traceOf }),
    ...vectorCalls({ inOrder, opened, traceOf }),
    ...comparisonCalls({ inOrder, opened, traceOf }),
  };
}

function infoOf({ model, tokenizer, eos }: OpenModel): ModelInfo {
  return { ...model.info, ...(tokenizer.hasChat ? { chatTemplate: true } : {}), ...(eos instanceof UserError ? {} : { eos }) };
}

async function explain(current: OpenModel, cache: TraceCache, request: ExplainRequest, progress: (progress: Progress) => void): Promise<Explanation> {
  if (request.text === '') throw new UserError(msg`There is no text to explain.`);
  const { model, tokenizer } = current;
  const info = infoOf(current);
  const chat = request.chat === true && tokenizer.hasChat;
  const { tokenized: prompt, length } = (chat ? tokenizer.encodeChatFirst : tokenizer.encodeFirst)(request.text, info.contextLength);
  const generated = generatedIds(request, info, chat, prompt.tokens.length);
  const { text, tokenized: { ids, tokens } } = tokenizer.continued(request.text.slice(0, length), prompt, generated);
  const { trace, forwardMs } = await cache.wholePass(model, ids, progress);
  const predictions = await predict(model, lastResidual(trace), ids, request.topK, progress);
  const size = Math.max(1, Math.min(ids.length, MAX_THUMBNAIL_SIDE, Math.floor(Math.sqrt(MAX_THUMBNAIL_BYTES / (info.layers * info.heads)))));
  const metrics: number[] = [];
  const pictures = new Uint8Array(info.layers * info.heads * size * size);
  for (let layer = 0; layer < info.layers; layer++) {
    const weights = await cache.attention(model, trace, layer);
    metrics.push(...headMetrics(weights, ids));
    pictures.set(thumbnails(weights, size), layer * info.heads * size * size);
    progress({ stage: 'attention', done: layer + 1, total: info.layers });
  }
  return {
    model: info,
    ...(chat ? { chat } : {}),
    text,
    ...(generated.length > 0 ? { generated: generated.length } : {}),
    omitted: request.text.length - length,
    tokens,
    ...predictions,
    pieces: piecesOf(predictions.topIds, tokenizer.piece),
    headMetrics: Float32Array.from(metrics),
    thumbnailSize: size,
    thumbnails: pictures,
    forwardMs,
  };
}

/** What was generated after the text by this model, as far as there is room. */
function generatedIds({ continuation }: ExplainRequest, { name, vocab, contextLength }: ModelInfo, chat: boolean, promptTokens: number): readonly number[] {
  if (continuation === undefined || continuation.model !== name || continuation.chat !== chat || continuation.ids.some((id) => id >= vocab)) return [];
  return continuation.ids.slice(0, contextLength - promptTokens);
}
