import { projectionOf } from '../core/projection.ts';
import { checkIndex, traceOf, type Answers } from './answering.ts';
import { placeOf } from './traceRows.ts';

/** Answers with the principal components of the token vectors. */
export const projectionAnswers: Pick<Answers, 'projection'> = {
  projection: async (context, run, { layer, skipFirst }) => {
    checkIndex('layer', layer, context.open.model.info.layers + 1, -1);
    return projectionOf(placeOf(await traceOf(context, run), layer), layer, skipFirst);
  },
};
