import { checkHead, checkIndex, traceOf, type Answers } from './answering.ts';
import { piecesOf } from './traceRows.ts';

/** Answers about one token's path through the model, and about how positions enter a layer. */
export const pathAnswers: Pick<Answers, 'forwardPath' | 'weightedSum' | 'positions'> = {
  forwardPath: async (context, run, request) => {
    const { model, tokenizer } = context.open;
    checkIndex('token', request.token, run.ids.length);
    checkHead(model, request.layer, request.head);
    const { candidates, ...path } = await model.forwardPath(await traceOf(context, run), request);
    return { ...path, pieces: piecesOf(candidates, tokenizer.piece) };
  },
  weightedSum: async (context, run, { stage, index, ...request }) => {
    const { model } = context.open;
    checkIndex('token', request.token, run.ids.length);
    checkHead(model, request.layer, request.head);
    return model.weightedSum(await traceOf(context, run), request, stage, index);
  },
  positions: async (context, run, request) => {
    const { model } = context.open;
    checkHead(model, request.layer, request.head);
    checkIndex('query', request.query, run.ids.length);
    checkIndex('key', request.key, run.ids.length);
    return model.positions(await traceOf(context, run), request);
  },
};
