import { divergenceBits } from '../core/comparison.ts';
import { UserError } from '../core/errors.ts';
import { softmax, topIndices } from '../core/probability.ts';
import { continued, runOf, type Run } from '../core/run.ts';
import {
  asLong,
  checkDirections,
  lengthOf,
  randomDirection,
  steeringSteps,
  type Direction,
  type SteeringSource,
} from '../core/steering.ts';
import type { SteeredDirection } from '../core/steeringTrial.ts';
import { at } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import { checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';
import { readInto, takeStep } from './generationStep.ts';
import { medianLength, steeringVectors, tokenDirection } from './steeringVectors.ts';
import { layerOf } from './traceRows.ts';

const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0 };
/** Seed of the control's direction: the same for every strength, so that a slider shows what the strength does. */
const CONTROL_SEED = 1;

/** What a vector does to what follows a text, beside a random one. */
export const steeringAnswers: Pick<Answers, 'steer'> = {
  steer: async (context, run, { source, layer, strength, on, count, tokens }) => {
    const { model, tokenizer } = context.open;
    checkIndex('layer', layer, model.info.layers + 1);
    const made = await madeOf(context, source, layer);
    const empty = made.find(({ values }) => lengthOf(values) === 0);
    if (empty !== undefined) throw new UserError(msg`The vector is zero at layer ${empty.layer}: both sides are the same there.`);
    const { resid } = await traceOf(context, run);
    const directions = made.map((one): SteeredDirection => {
      const residual = medianLength(layerOf(resid, one.layer));
      if (source.kind === 'kept') return { ...one, residual, difference: null };
      return { layer: one.layer, values: asLong(one.values, residual), residual, difference: lengthOf(one.values) };
    });
    const steered = (added: readonly Direction[]): Run => {
      const steps = steeringSteps(added, { strength, on });
      return runOf(run.ids, [...run.recipe, ...steps.map((step) => (step.on === undefined ? step : { ...step, prompt: run.ids.length }))]);
    };
    const control = directions.map((one, index) => ({
      layer: one.layer,
      values: randomDirection(one.values.length, lengthOf(one.values), CONTROL_SEED + index),
    }));
    const before = await goneOn(context, run, tokens);
    const after = await goneOn(context, steered(directions), tokens);
    const random = await goneOn(context, steered(control), tokens);
    const sides = [before, after, random].map(({ logits }) => ({ probs: softmax(logits), likeliest: topIndices(logits, count) }));
    const probability = (side: number, id: number): number => at(sides[side]?.probs ?? [], id);
    return {
      strength,
      directions,
      candidates: [...new Set(sides.flatMap(({ likeliest }) => [...likeliest]))].map((id) => ({
        id,
        text: tokenizer.piece(id),
        before: probability(0, id),
        steered: probability(1, id),
        random: probability(2, id),
      })),
      bits: divergenceBits(before.logits, after.logits),
      randomBits: divergenceBits(before.logits, random.logits),
      texts: { before: before.text, steered: after.text, random: random.text },
    };
  },
};

/** The vectors of a source, as long as they are there: of texts or tokens one at `layer`. */
async function madeOf(context: AnswerContext, source: SteeringSource, layer: number): Promise<readonly Direction[]> {
  const { model, tokenizer } = context.open;
  switch (source.kind) {
    case 'texts': {
      const room = await context.room();
      const idsOf = (texts: readonly string[]): Int32Array[] => texts.map((text) => tokenizer.encodeFirst(text, room.tokens).tokenized.ids);
      const sides = { positive: idsOf(source.positive), negative: idsOf(source.negative) };
      const { vectors } = await steeringVectors(model, sides, source.read, context);
      return [{ layer, values: vectors[layer] ?? new Float32Array() }];
    }
    case 'tokens': {
      for (const id of [source.token, ...(source.rival === null ? [] : [source.rival])]) checkIndex('token', id, model.info.vocab);
      return [{ layer, values: await tokenDirection(model, source.token, source.rival) }];
    }
    case 'kept': {
      const directions = source.directions.map((one) => ({ layer: one.layer, values: Float32Array.from(one.values) }));
      checkDirections(directions, model.info, source.name);
      return directions;
    }
  }
}

/** The logits after a run, and the text of the tokens that follow it, always the likeliest: at most so many, and up to one that ends it. */
async function goneOn(
  { open, progress, checkpoint }: AnswerContext,
  run: Run,
  most: number,
): Promise<{ readonly logits: Float32Array; readonly text: string }> {
  const { model, tokenizer, generation } = open;
  const rules = generation instanceof UserError ? { eos: [], rules: [] } : generation;
  const sequence = model.sequence();
  await readInto(sequence, run, progress);
  const { data: logits } = await model.logits(sequence.final(run.ids.length - 1));
  const ids: number[] = [];
  while (ids.length < most && run.ids.length + ids.length < model.info.contextLength) {
    await checkpoint();
    const step = await takeStep(
      { model, piece: tokenizer.piece, generation: rules },
      { run: continued(run, ids), prompt: run.ids.length, sampling: GREEDY, seed: 0, topK: 0 },
      (next) => readInto(sequence, next, undefined),
    );
    if (step.stop === 'eos') break;
    ids.push(step.id);
  }
  return { logits, text: tokenizer.textOf(Int32Array.from(ids)) };
}
