import { countText } from '../core/countText.ts';
import { UserError } from '../core/errors.ts';
import type { GenerationStep, LastTokenAttention, Reading, StepRequest } from '../core/generation.ts';
import { applyRules } from '../core/generationRules.ts';
import { argmax, entropyBits, rankOf, softmax, topIndices } from '../core/probability.ts';
import { uniformAt } from '../core/random.ts';
import { hasAttention } from '../core/recurrence.ts';
import { draw, sample } from '../core/sampling.ts';
import type { Run } from '../core/run.ts';
import { at } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel, Sequence } from '../model/languageModel.ts';
import type { Generation } from '../model/generation/generationConfig.ts';
import type { TextTokenizer } from '../model/tokenizer/textTokenizer.ts';
import { piecesOf } from './traceRows.ts';

/** A sequence whose tokens have all been read, and the work that this took. */
export interface ReadText {
  readonly sequence: Sequence;
  readonly reading: Omit<Reading, 'stepMs'>;
}

/** The parts of the open model that a step of generation needs. */
export interface Generator {
  readonly model: LanguageModel;
  readonly piece: TextTokenizer['piece'];
  readonly generation: Pick<Generation, 'eos' | 'rules'>;
}

/** Throws UserError, with the reason, where no token can be drawn after the request's ids; RangeError for an invalid `topK`. */
export function checkStep({ run: { ids }, sampling, seed, topK }: StepRequest, contextLength: number): void {
  const { temperature, topP, minP } = sampling;
  for (const [name, value] of Object.entries({ temperature, 'top-k': sampling.topK, 'top-p': topP, 'min-p': minP })) {
    if (!Number.isFinite(value)) throw new UserError(msg`The ${name} must be a number, not ${value}.`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UserError(msg`The seed must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, not ${seed}.`);
  if (!Number.isInteger(topK) || topK < 0) throw new RangeError(`${topK} candidates cannot be named.`);
  if (ids.length >= contextLength)
    throw new UserError(
      msg`The text takes ${countText(ids.length)} tokens and the model reads ${countText(contextLength)} at once: there is no \
room for another.`,
    );
}

/**
 * Draws the token after the request's run, whose tokens `read` runs or finds in the cache. Throws as `checkStep` does, and UserError
 * where the model's rules forbid every token.
 */
export async function takeStep(
  { model, piece, generation: { eos, rules } }: Generator,
  request: StepRequest,
  read: (run: Run) => Promise<ReadText>,
): Promise<GenerationStep> {
  const { run, sampling, seed } = request;
  const { ids } = run;
  const { contextLength } = model.info;
  checkStep(request, contextLength);
  const { sequence, reading } = await read(run);
  const start = performance.now();
  const position = ids.length;
  const logits = (await model.logits(sequence.final(position - 1))).data;
  const probs = softmax(logits);
  const ruled = applyRules(logits, rules, { ids, prompt: request.prompt ?? ids.length, eos });
  const best = argmax(ruled.logits);
  if (ruled.logits[best] === -Infinity)
    throw new UserError(
      msg`The rules of the model's generation_config.json forbid every token here (${ruled.steps.map(({ filter }) => filter).join(', ')}).`,
    );
  const { probs: tempered, final, steps, keptCount, entropyBefore, entropyAfter } = sample(ruled.logits, sampling);
  const { index: id, ...drawn } = draw(final, sampling.temperature > 0 ? uniformAt(seed, position) : 0);
  const topIds = topIndices(logits, request.topK);
  const pick = (from: Float32Array): Float32Array => Float32Array.from(topIds, (candidate) => at(from, candidate));
  const attention = request.attention === true ? await lastAttention(model, sequence) : null;
  const bytesPerLayer = sequence.bytesPerLayer;
  return {
    position,
    id,
    text: piece(id),
    prob: at(probs, id),
    tempered: at(tempered, id),
    final: at(final, id),
    rank: rankOf(logits, id),
    entropy: entropyBits(probs),
    entropyTempered: entropyBefore,
    entropyFinal: entropyAfter,
    topIds,
    topProbs: pick(probs),
    topTempered: pick(tempered),
    topFinal: pick(final),
    pieces: piecesOf(topIds, piece),
    filters: [...ruled.steps, ...steps],
    ...(best === argmax(logits) ? {} : { greedy: { id: best, text: piece(best), prob: at(probs, best) } }),
    keptCount,
    draw: sampling.temperature > 0 ? drawn : null,
    stop: eos.includes(id) && request.pastEnd !== true ? 'eos' : position + 1 >= contextLength ? 'context' : null,
    reading: { ...reading, stepMs: reading.runMs + performance.now() - start },
    cache: { positions: position, bytesPerLayer, bytes: bytesPerLayer.reduce((sum, bytes) => sum + bytes, 0) },
    ...(attention === null ? {} : { attention }),
  };
}

/** Reads `run` into a sequence and times the tokens that are run, without loading. */
export async function readInto(sequence: Sequence, run: Run, onProgress: Parameters<Sequence['read']>[1]): Promise<ReadText> {
  let start = performance.now();
  const read = await sequence.read(run, (progress) => {
    if (progress.stage === 'load') start = performance.now();
    return onProgress?.(progress);
  });
  return { sequence, reading: { ...read, runMs: read.run === 0 ? 0 : performance.now() - start } };
}

async function lastAttention({ info }: LanguageModel, sequence: Sequence): Promise<LastTokenAttention> {
  const { layers, heads } = info;
  const length = sequence.run.ids.length;
  const weights = new Float32Array(layers * heads * length);
  const sinks = new Float32Array(layers * heads);
  for (let layer = 0; layer < layers; layer++) {
    if (!hasAttention(info, layer)) {
      weights.fill(Number.NaN, layer * heads * length, (layer + 1) * heads * length);
      continue;
    }
    const row = await sequence.lastRow(layer);
    weights.set(row.weights, layer * heads * length);
    if (row.sink !== null) sinks.set(row.sink, layer * heads);
  }
  return { weights, ...(info.traits?.sinks === true ? { sinks } : {}) };
}
