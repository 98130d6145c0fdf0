import type { OtherRows } from '../../core/comparison.ts';
import type { Explanation } from '../../core/trace.ts';
import type { ModelClient } from '../client/modelClient.ts';

/** A side of a comparison, and who answers about it. */
export interface ComparedSide {
  readonly client: Pick<ModelClient, 'ask'>;
  /** Key of the model, as the client's questions name it. */
  readonly modelKey: string;
  readonly explanation: Explanation;
}

/**
 * A function that compares the next-token distributions after positions of the first side with those after positions of the second:
 * KL(first || second) in bits. Those of another model are passed to the first model as logits.
 */
export function sideDivergence(
  first: ComparedSide,
  second: ComparedSide,
  signal: AbortSignal,
): (a: Int32Array, b: Int32Array) => Promise<Float32Array> {
  const theirs = async (positions: Int32Array): Promise<OtherRows> => {
    const { client, modelKey, explanation } = second;
    return client === first.client
      ? { kind: 'run', run: explanation.run, positions }
      : { kind: 'logits', ...(await client.ask(modelKey, explanation.run, 'logits', { positions }, signal)) };
  };
  return async (a, b) =>
    (await first.client.ask(first.modelKey, first.explanation.run, 'divergence', { positions: a, other: await theirs(b) }, signal)).bits;
}
