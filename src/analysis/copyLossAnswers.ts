import { UserError } from '../core/errors.ts';
import { surprisalBits } from '../core/probability.ts';
import { headOff, runOf, withoutPositions } from '../core/run.ts';
import { at } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import { checkHead, type Answers } from './answering.ts';
import { predict } from './predictions.ts';
import { firstToken } from './repeatedHeadAnswers.ts';
import { lastResidual } from './traceRows.ts';

/** Fewest tokens of a text for which a second copy shows anything. */
const LEAST_TOKENS = 3;

/** The loss on both copies of a text that is given twice, with some heads off. */
export const copyLossAnswers: Pick<Answers, 'copyLoss'> = {
  copyLoss: async ({ open, progress }, { recipe }, { text, heads }) => {
    const { model, tokenizer } = open;
    for (const { layer, head } of heads) checkHead(model, layer, head);
    const own = tokenizer.encode(text).tokens.filter(({ special }) => !special);
    const start = firstToken(open);
    const begins = start === null ? [] : [start];
    const copy = own.map(({ id }) => id);
    if (copy.length < LEAST_TOKENS) throw new UserError(msg`A text to be given twice needs at least ${LEAST_TOKENS} tokens.`);
    const ids = Int32Array.from([...begins, ...copy, ...copy]);
    if (ids.length > model.info.contextLength)
      throw new UserError(msg`Given twice, this text has ${ids.length} tokens, and the model reads ${model.info.contextLength}.`);
    // The cache is for the user's texts; these traces are not worth evicting one of them.
    const trace = await model.run(runOf(ids, [...withoutPositions(recipe), ...heads.map(headOff)]), progress);
    const { logprob } = await predict(model, lastResidual(trace), ids, 1, progress);
    const meanBits = (first: number): number => {
      let sum = 0;
      for (let token = first + 1; token < first + copy.length; token++) sum += surprisalBits(at(logprob, token));
      return sum / (copy.length - 1);
    };
    return { counted: copy.length - 1, firstBits: meanBits(begins.length), secondBits: meanBits(begins.length + copy.length) };
  },
};
