import { UserError } from '../core/errors.ts';
import type { GenerationStep, LastTokenAttention, Reading, StepRequest } from '../core/generation.ts';
import { entropyBits, rankOf, softmax, topIndices } from '../core/probability.ts';
import { uniformAt } from '../core/random.ts';
import { draw, sample } from '../core/sampling.ts';
import { at } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel, Sequence } from '../model/languageModel.ts';
import type { TextTokenizer } from '../model/tokenizer.ts';
import { piecesOf } from './views.ts';

/** A text that was read up to its last token, and what that took. */
export interface ReadText {
  readonly sequence: Sequence;
  readonly reading: Omit<Reading, 'stepMs'>;
}

/** What a step needs of the open model; `eos` are the tokens that end a generation. */
export interface Generator {
  readonly model: LanguageModel;
  readonly piece: TextTokenizer['piece'];
  readonly eos: readonly number[];
}

/** Throws UserError where no token can be drawn after the request's ids, with a sentence that says why. */
export function checkStep({ ids, sampling, seed, topK }: StepRequest, contextLength: number): void {
  const { temperature, topP, minP } = sampling;
  for (const [name, value] of Object.entries({ temperature, 'top-k': sampling.topK, 'top-p': topP, 'min-p': minP })) {
    if (!Number.isFinite(value)) throw new UserError(msg`The ${name} must be a number, not ${value}.`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) throw new UserError(msg`The seed must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, not ${seed}.`);
  if (!Number.isInteger(topK) || topK < 0) throw new RangeError(`${topK} candidates cannot be named.`);
  if (ids.length >= contextLength) throw new UserError(msg`The text takes ${ids.length} tokens and the model reads ${contextLength} at once: there is no room for another.`);
}

/** Draws the token after the text that `read` has read; see `WorkerApi.step`. */
export async function takeStep({ model, piece, eos }: Generator, request: StepRequest, read: (ids: Int32Array) => Promise<ReadText>): Promise<GenerationStep> {
  const { ids, sampling, seed } = request;
  const { contextLength } = model.info;
  checkStep(request, contextLength);
  const { sequence, reading } = await read(ids);
  const start = performance.now();
  const position = ids.length;
  const logits = (await model.logits(sequence.final(position - 1))).data;
  const probs = softmax(logits);
  const { probs: tempered, final, steps, keptCount, entropyBefore, entropyAfter } = sample(logits, sampling);
  const { index: id, ...drawn } = draw(final, sampling.temperature > 0 ? uniformAt(seed, position) : 0);
  const topIds = topIndices(logits, request.topK);
  const pick = (from: Float32Array): Float32Array => Float32Array.from(topIds, (candidate) => at(from, candidate));
  const attention = request.attention === true ? await lastAttention(model, sequence) : null;
  const bytesPerLayer = sequence.bytesPerLayer;
  return {
    position, id,
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
    filters: steps,
    keptCount,
    draw: sampling.temperature > 0 ? drawn : null,
    stop: eos.includes(id) ? 'eos' : position + 1 >= contextLength ? 'context' : null,
    reading: { ...reading, stepMs: reading.runMs + performance.now() - start },
    cache: { positions: position, bytesPerLayer, bytes: bytesPerLayer.reduce((sum, bytes) => sum + bytes, 0) },
    ...(attention === null ? {} : { attention }),
  };
}

/** Reads `ids` into a sequence, measuring what is run. */
export async function readInto(sequence: Sequence, ids: Int32Array, onProgress: Parameters<Sequence['read']>[1]): Promise<ReadText> {
  let start = performance.now();
  const read = await sequence.read(ids, (progress) => {
    if (progress.stage === 'load') start = performance.now();
    onProgress?.(progress);
  });
  return { sequence, reading: { ...read, runMs: read.run === 0 ? 0 : performance.now() - start } };
}

async function lastAttention({ info }: LanguageModel, sequence: Sequence): Promise<LastTokenAttention> {
  const { layers, heads } = info;
  const length = sequence.ids.length;
  const weights = new Float32Array(layers * heads * length);
  const sinks = new Float32Array(layers * heads);
  for (let layer = 0; layer < layers; layer++) {
    const row = await sequence.lastRow(layer);
    weights.set(row.weights, layer * heads * length);
    if (row.sink !== null) sinks.set(row.sink, layer * heads);
  }
  return { weights, ...(info.special?.sinks === true ? { sinks } : {}) };
}
