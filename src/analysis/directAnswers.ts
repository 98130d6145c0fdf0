import type { LogitQuestion } from '../core/directParts.ts';
import type { Run } from '../core/run.ts';
import type { Direct } from '../model/path/directCalls.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { checkHead, checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';
import { targetOf } from './attributing.ts';
import { recent, type Recent } from './recent.ts';

/** Most bytes of parts kept with a trace: their largest share is every head's part by source token. */
const KEPT_BYTES = 16 * 1024 * 1024;

/** Parts already computed; they go with their trace. */
const known = new WeakMap<Trace, Recent<string, Direct>>();

/** Where a logit comes from: its parts, and one head's by source token. */
export const directAnswers: Pick<Answers, 'direct' | 'directSources'> = {
  direct: async (context, run, question) => {
    const { target, embedding, layers, rest } = await directOf(context, run, question);
    return {
      target,
      embedding,
      heads: Float32Array.from(layers.flatMap(({ heads }) => [...heads])),
      mlp: Float32Array.from(layers, ({ mlp }) => mlp),
      ...(layers.some(({ recurrence }) => recurrence !== undefined)
        ? { recurrence: Float32Array.from(layers, ({ recurrence = Number.NaN }) => recurrence) }
        : {}),
      ...(layers.some(({ perLayer }) => perLayer !== undefined)
        ? { perLayer: Float32Array.from(layers, ({ perLayer = 0 }) => perLayer) }
        : {}),
      rest: layers.reduce((sum, layer) => sum + layer.rest, rest),
    };
  },
  directSources: async (context, run, { layer, head, ...question }) => {
    checkHead(context.open.model, layer, head);
    const sources = (await directOf(context, run, question)).layers[layer]?.sources.data ?? new Float32Array(0);
    const start = head * run.ids.length;
    return { layer, head, values: sources.slice(start, start + question.position + 1) };
  },
};

/** The parts of a logit, from the cache or computed now. Throws UserError for a token outside the vocabulary. */
async function directOf(context: AnswerContext, run: Run, question: LogitQuestion): Promise<Direct> {
  const { position, token, rival } = question;
  checkIndex('position', position, run.ids.length);
  const trace = await traceOf(context, run);
  const kept = known.get(trace) ?? recent(KEPT_BYTES);
  known.set(trace, kept);
  const key = [position, token, rival].join();
  const before = kept.get(key);
  if (before !== undefined) return before;
  const found = await context.open.model.direct(trace, targetOf(question), context.checkpoint);
  kept.set(
    key,
    found,
    found.layers.reduce((sum, { sources }) => sum + sources.data.byteLength, 0),
  );
  return found;
}
