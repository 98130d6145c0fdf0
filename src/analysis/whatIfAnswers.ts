import { divergenceBits } from '../core/comparison.ts';
import { logSumExp, rankOf, topIndices } from '../core/probability.ts';
import { runOf, UNCHANGED, type Run } from '../core/run.ts';
import { at } from '../core/tensor.ts';
import type { Outcome } from '../core/whatIf.ts';
import type { LogitTarget } from '../model/run/gradientCalls.ts';
import { checkIndex, traceOf, type AnswerContext, type Answers } from './answering.ts';
import { targetOf } from './attributing.ts';
import { logitsAt } from './comparisonAnswers.ts';

/** What the interventions of a run do: the same prediction before and after. */
export const whatIfAnswers: Pick<Answers, 'whatIf'> = {
  whatIf: async (context, run, { count, ...question }) => {
    checkIndex('position', question.position, run.ids.length);
    const target = targetOf(question);
    const before = await predicted(context, runOf(run.ids, UNCHANGED), target);
    const after = await predicted(context, run, target);
    const likeliest = [before, after].flatMap(({ logits }) => [...topIndices(logits, count)]);
    const { tokenizer } = context.open;
    return {
      before: before.outcome,
      after: after.outcome,
      candidates: [...new Set(likeliest)].map((id) => ({
        id,
        text: tokenizer.piece(id),
        before: Math.exp(before.logprob(id)),
        after: Math.exp(after.logprob(id)),
      })),
      bits: divergenceBits(before.logits, after.logits),
    };
  },
};

interface Predicted {
  readonly logits: Float32Array;
  readonly logprob: (id: number) => number;
  readonly outcome: Outcome;
}

async function predicted(context: AnswerContext, run: Run, target: LogitTarget): Promise<Predicted> {
  const { model } = context.open;
  const trace = await traceOf(context, run);
  // Refuses tokens that the vocabulary does not have.
  const value = await model.logit(trace, target);
  const { data: logits } = await logitsAt(model, trace, Int32Array.of(target.position));
  const total = logSumExp(logits);
  const logprob = (id: number): number => at(logits, id) - total;
  const { token, rival } = target;
  const rivalLogprob = rival === undefined ? null : logprob(rival);
  return { logits, logprob, outcome: { target: value, logprob: logprob(token), rivalLogprob, rank: rankOf(logits, token) } };
}
