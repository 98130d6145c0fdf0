import type { Explanation } from './trace.ts';

type Scored = Pick<Explanation, 'model' | 'rank' | 'logprob'>;

/** Whether the log-probability of a token is what it is at most: it is not among the alternatives, and the engine tells no other's. */
export function isAtMost({ model, rank, logprob }: Scored, index: number): boolean {
  return model.served?.listedAlone === true && rank[index] === 0 && !Number.isNaN(logprob[index] ?? Number.NaN);
}

/** Whether an engine does not tell the probability of a token, although others precede it. */
export function isUntold({ model, logprob }: Scored, index: number): boolean {
  return model.served !== undefined && index > 0 && Number.isNaN(logprob[index] ?? Number.NaN);
}

/** Whether the bits of a text are what they are at least: of a token of it no more is known, or nothing although others precede it. */
export function areAtLeast(explanation: Scored & Pick<Explanation, 'tokens'>): boolean {
  const { model, tokens } = explanation;
  if (model.served?.listedAlone !== true) return false;
  return tokens.some(
    ({ index, start, special }) => isAtMost(explanation, index) || (!special && start > 0 && isUntold(explanation, index)),
  );
}
