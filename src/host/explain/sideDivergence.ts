import { pairDivergence } from '../../core/comparison.ts';
import type { Explanation } from '../../core/trace.ts';
import type { ModelClient } from '../client/modelClient.ts';

/** A side of a comparison, and who answers about it. */
export interface ComparedSide {
  readonly client: Pick<ModelClient, 'ask'>;
  /** Key of the model, as the client's questions name it. */
  readonly modelKey: string;
  readonly explanation: Explanation;
}

/** KL(first || second) in bits, as `pairDivergence` has it, asked of the sides' models. */
export function sideDivergence(
  first: ComparedSide,
  second: ComparedSide,
  signal: AbortSignal,
): (a: Int32Array, b: Int32Array) => Promise<Float32Array> {
  const { client, modelKey, explanation } = second;
  return pairDivergence(explanation.run, {
    divergence: (positions, other) => first.client.ask(first.modelKey, first.explanation.run, 'divergence', { positions, other }, signal),
    logits: client === first.client ? null : (positions) => client.ask(modelKey, explanation.run, 'logits', { positions }, signal),
  });
}
