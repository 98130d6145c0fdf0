import { checkIndex, traceOf, type Answers } from './answering.ts';
import { attribute } from './attribute.ts';
import { targetOf } from './attributing.ts';
import { attributeSpan } from './spanAttribution.ts';

/** How much each token counts for a prediction, or for several of the text's own tokens together. */
export const attributionAnswers: Pick<Answers, 'attribution' | 'spanAttribution'> = {
  attribution: async (context, run, { method, ...question }) => {
    checkIndex('position', question.position, run.ids.length);
    return attribute(context.open.model, await traceOf(context, run), targetOf(question), method, context);
  },
  spanAttribution: async (context, run, { method, ...span }) =>
    attributeSpan(context.open.model, await traceOf(context, run), span, method, context),
};
