import { checkIndex, traceOf, type Answers } from './answering.ts';

/** Answers the question about routing: the experts of a layer that each token was sent to. */
export const expertAnswers: Pick<Answers, 'experts'> = {
  experts: async (context, run, { layer }) => {
    const { info } = context.open.model;
    checkIndex('layer', layer, info.layers);
    const trace = await traceOf(context, run);
    const experts = info.traits?.layers[layer]?.experts ?? null;
    const choice = trace.experts?.[layer] ?? null;
    if (experts === null || choice === null) throw new RangeError(`Layer ${layer} has no experts.`);
    return { layer, count: experts.count, chosen: experts.chosen, ids: choice.ids, weights: choice.weights.data };
  },
};
