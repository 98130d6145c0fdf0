import type { Run } from '../core/run.ts';
import type { QueryArgs, QueryName, QueryResult } from '../protocol/queries.ts';
import type { AnswerContext, Answers } from './answering.ts';
import { attentionRowAnswers } from './attentionRowAnswers.ts';
import { attributionAnswers } from './attributionAnswers.ts';
import { comparisonAnswers } from './comparisonAnswers.ts';
import { copyLossAnswers } from './copyLossAnswers.ts';
import { deletionAnswers } from './deletionAnswers.ts';
import { directAnswers } from './directAnswers.ts';
import { expertAnswers } from './expertAnswers.ts';
import { fileMarkAnswers } from './fileMarkAnswers.ts';
import { flowAnswers } from './flowAnswers.ts';
import { headAnswers } from './headAnswers.ts';
import { headMeasureAnswers } from './headMeasureAnswers.ts';
import { headSummaryAnswers } from './headSummaries.ts';
import { lensAnswers } from './lensAnswers.ts';
import { patchAnswers } from './patchAnswers.ts';
import { pathAnswers } from './pathAnswers.ts';
import { predictionAnswers } from './predictionAnswers.ts';
import { projectionAnswers } from './projectionAnswers.ts';
import { repeatedHeadAnswers } from './repeatedHeadAnswers.ts';
import { scoreAnswers } from './scoreAnswers.ts';
import { similarityAnswers } from './similarityAnswers.ts';
import { steeringAnswers } from './steeringAnswers.ts';
import { steeringFileAnswers } from './steeringFileAnswers.ts';
import { generationAnswers } from './generationSteps.ts';
import { tableAnswers } from './tokenVectors.ts';
import { whatIfAnswers } from './whatIfAnswers.ts';

const answers: Answers = {
  ...headAnswers,
  ...headMeasureAnswers,
  ...attentionRowAnswers,
  ...headSummaryAnswers,
  ...repeatedHeadAnswers,
  ...copyLossAnswers,
  ...expertAnswers,
  ...projectionAnswers,
  ...lensAnswers,
  ...predictionAnswers,
  ...scoreAnswers,
  ...directAnswers,
  ...flowAnswers,
  ...pathAnswers,
  ...attributionAnswers,
  ...deletionAnswers,
  ...whatIfAnswers,
  ...patchAnswers,
  ...steeringAnswers,
  ...steeringFileAnswers,
  ...tableAnswers,
  ...similarityAnswers,
  ...generationAnswers,
  ...comparisonAnswers,
  ...fileMarkAnswers,
};

/**
 * Answers one question about a run. Throws RangeError for a layer, head, token or number that does not exist, and UserError for what
 * the user can act on.
 */
export async function answer<Name extends QueryName>(
  context: AnswerContext,
  run: Run,
  name: Name,
  args: QueryArgs<Name>,
): Promise<QueryResult<Name>> {
  // The name comes from another process and is checked like all data from outside.
  if (!Object.hasOwn(answers, name)) throw new Error(`There is no question named ${name}.`);
  return answers[name](context, run, args);
}
