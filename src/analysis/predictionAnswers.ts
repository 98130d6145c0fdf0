import { topIndices } from '../core/probability.ts';
import { checkIndex, type Answers } from './answering.ts';
import { piecesOf } from './traceRows.ts';

/** Candidates of a distribution that are named: more than a list on screen shows. */
const NAMED_CANDIDATES = 200;

/** Logits over the whole vocabulary after one position. */
export const predictionAnswers: Pick<Answers, 'distribution'> = {
  distribution: async ({ open: { model, tokenizer }, cache, progress }, run, { position }) => {
    checkIndex('position', position, run.ids.length);
    const logits = (await model.logits(await cache.final(run, position, progress))).data;
    const topIds = new Int32Array(topIndices(logits, Math.min(NAMED_CANDIDATES, logits.length)));
    return { position, logits, topIds, pieces: piecesOf(topIds, tokenizer.piece) };
  },
};
