import { UserError } from '../core/errors.ts';
import type { GenerationStep, StepRequest } from '../core/generation.ts';
import { continued, runOf, UNCHANGED, type Run } from '../core/run.ts';
import { msg } from '../core/translatable.ts';
import type { QueryArgs, QueryResult } from '../protocol/queries.ts';
import type { AnswerContext, Answers } from './answering.ts';
import { takeStep } from './generationStep.ts';

/** Time that the steps of one answer may take: a round trip to the panel takes longer than a step of a small model. */
const TOGETHER_MS = 100;

/** Answers to questions about generating tokens after a text. */
export const generationAnswers: Pick<Answers, 'step' | 'steps' | 'plainSteps' | 'servedGeneration' | 'textOf'> = {
  step: (context, run, { continuation, ...request }) =>
    stepAfter(context, { ...request, run: continued(run, continuation), prompt: run.ids.length }),
  steps: stepsAfter,
  plainSteps: (context, run, args) => stepsAfter(context, runOf(run.ids, UNCHANGED), args),
  servedGeneration: async () => {
    throw new UserError(msg`This model runs on this machine: it is continued token by token.`);
  },
  textOf: async ({ open }, _, { ids }) => ({ text: open.tokenizer.textOf(Int32Array.from(ids)) }),
};

async function stepsAfter(
  context: AnswerContext,
  run: Run,
  { continuation, most, ...request }: QueryArgs<'steps'>,
): Promise<QueryResult<'steps'>> {
  // The only place to cancel at: a step whose tokens are all cached has no checkpoint of its own.
  const step = async (one: StepRequest): Promise<GenerationStep> => {
    await context.checkpoint();
    return stepAfter(context, one);
  };
  return { steps: await stepsTogether(step, { ...request, run: continued(run, continuation), prompt: run.ids.length }, most) };
}

function stepAfter({ open, cache, progress }: AnswerContext, request: StepRequest): Promise<GenerationStep> {
  const { model, tokenizer, generation } = open;
  if (generation instanceof UserError) throw generation;
  return takeStep({ model, piece: tokenizer.piece, generation }, request, (run) => cache.read(run, progress));
}

/** At least one and at most `most` steps of generation, each after the token of the one before, until `TOGETHER_MS` have passed. */
export async function stepsTogether(
  step: (request: StepRequest) => Promise<GenerationStep>,
  request: StepRequest,
  most: number,
  now: () => number = () => performance.now(),
): Promise<readonly GenerationStep[]> {
  const end = now() + TOGETHER_MS;
  const steps = [await step(request)];
  for (let last = steps[0]; last !== undefined && last.stop === null && steps.length < most && now() < end; last = steps.at(-1)) {
    steps.push(
      await step({
        ...request,
        run: continued(
          request.run,
          steps.map(({ id }) => id),
        ),
      }),
    );
  }
  return steps;
}
