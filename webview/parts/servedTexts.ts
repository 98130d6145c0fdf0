import { isAtMost } from '../../src/core/atMost.ts';
import { isTold, returnedShare } from '../../src/core/servedBy.ts';
import type { Explanation, ModelInfo } from '../../src/core/trace.ts';
import { at } from '../../src/core/tensor.ts';
import { t } from '../strings.ts';
import { decimal, integer } from './format.ts';

/**
 * The program that serves a model, such as "vllm 0.11.0 at http://localhost:8000", in a saved report without its address; null: the model
 * runs on this machine.
 */
export function engineText({ served }: ModelInfo): string | null {
  if (served === undefined) return null;
  const program = served.version === null ? served.engine : `${served.engine} ${served.version}`;
  return served.address === '' ? program : t('{0} at {1}', program, served.address);
}

/** A token's probability, which of an engine's tokens may be what it is at most. `text`: the number. */
export function probabilityText(explanation: Explanation, index: number, text: string): string {
  // What is less than the least that is written is at most that anyway.
  return isAtMost(explanation, index) && !text.startsWith('<') ? `≤ ${text}` : text;
}

/** A token's surprisal, which of an engine's tokens may be what it is at least. `text`: the number. */
export function surprisalText(explanation: Explanation, index: number, text: string): string {
  return isAtMost(explanation, index) ? `≥ ${text}` : text;
}

/** Why a token has no number. */
export function untoldText({ model }: Explanation, index: number): string {
  return model.served !== undefined && index > 0
    ? t('The engine does not tell its probability: the text before it is no prompt that is cut into just these tokens')
    : t('Nothing precedes this token, so nothing predicted it');
}

/** A token's id; a dash where the engine tells none. */
export function idText(id: number): string {
  return isTold(id) ? integer(id) : '–';
}

/** A token's rank; of an engine's token that is not among the alternatives that it returned, that it is behind them. */
export function rankText({ rank, topK, model }: Explanation, index: number): string {
  const own = at(rank, index);
  if (own > 0) return integer(own);
  return model.served !== undefined && topK > 0 ? `> ${integer(topK)}` : '–';
}

/**
 * Entropy in bits of the distribution that predicted a token; of an engine what it is at least, by the alternatives that were returned.
 * Null where none were.
 */
export function entropyText({ entropy, topIds, topProbs, topK, model }: Explanation, index: number): string | null {
  if (model.served === undefined) return decimal(at(entropy, index), 2);
  const { leastEntropy } = returnedShare(topIds, topProbs, (index - 1) * topK, topK);
  return Number.isNaN(leastEntropy) ? null : `≥ ${decimal(leastEntropy, 2)}`;
}
