import { checkIndex, traceOf, type Answers } from './answering.ts';
import { attribute } from './attribute.ts';
import { targetOf } from './attributing.ts';
import { leftOut } from './leaveOneOut.ts';
import { measuredTogether } from './measuring.ts';
import { attributeSpan } from './spanAttribution.ts';

/** How much each token, or each unit of several, counts for a prediction, or for several of the text's own tokens together. */
export const attributionAnswers: Pick<Answers, 'attribution' | 'leftOut' | 'spanAttribution'> = {
  attribution: async (context, run, { method, ...question }) => {
    checkIndex('position', question.position, run.ids.length);
    return attribute(context.open.model, await traceOf(context, run), targetOf(question), method, context);
  },
  spanAttribution: async (context, run, { method, ...span }) =>
    attributeSpan(context.open.model, await traceOf(context, run), span, method, context),
  leftOut: async (context, run, { method, units, ...question }) => {
    const { model } = context.open;
    checkIndex('position', question.position, run.ids.length);
    for (const { first, end } of units) checkIndex('end of a unit', end, run.ids.length + 1, first + 1);
    const trace = await traceOf(context, run);
    const target = targetOf(question);
    const value = await model.logit(trace, target);
    const of = { model, trace, target, value, context };
    return { target: value, values: await measuredTogether(units, (unit) => leftOut(of, method, unit), context.checkpoint) };
  },
};
