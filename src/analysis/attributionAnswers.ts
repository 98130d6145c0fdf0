import { checkIndex, traceOf, type Answers } from './answering.ts';
import { attribute } from './attribute.ts';
import { targetOf } from './attributing.ts';

/** How much each token counts for a prediction. */
export const attributionAnswers: Pick<Answers, 'attribution'> = {
  attribution: async (context, run, { method, ...question }) => {
    checkIndex('position', question.position, run.ids.length);
    return attribute(context.open.model, await traceOf(context, run), targetOf(question), method, context);
  },
};
