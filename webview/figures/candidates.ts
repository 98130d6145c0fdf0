import { at } from '../../src/core/tensor.ts';
import { entropyBits, softmax, topIndices } from '../../src/core/probability.ts';
import { sample, type SampledDistribution, type SamplingSettings } from '../../src/core/sampling.ts';
import type { Distribution } from '../../src/core/trace.ts';

/** One row of the next-token bars. */
export interface Candidate {
  readonly id: number;
  /** Undefined if the text of this id was not sent. */
  readonly text: string | undefined;
  readonly logit: number;
  /** The model's own probability: temperature 1, no filter. */
  readonly before: number;
  /** Probability at the temperature, before any filter. */
  readonly tempered: number;
  /** Probability it is sampled with; 0 if a filter removed it. */
  readonly after: number;
  readonly kept: boolean;
  /** Whether this is the token that really follows in the text. */
  readonly actual: boolean;
}

/** The likeliest next tokens, and the distributions they come from. */
export interface Candidates {
  readonly rows: readonly Candidate[];
  readonly sampled: SampledDistribution;
  /** [vocab], the model's own distribution; `entropy` is its entropy in bits. */
  readonly own: Float32Array;
  readonly entropy: number;
}

/**
 * The `count` likeliest next tokens with their probabilities under the settings, and the token that really follows even if it is not among
 * them.
 */
export function candidates(distribution: Distribution, settings: SamplingSettings, actual: number | undefined, count: number): Candidates {
  const sampled = sample(distribution.logits, settings);
  const own = softmax(distribution.logits, 1);
  const order = [...topIndices(distribution.logits, Math.min(count, distribution.logits.length))];
  if (actual !== undefined && !order.includes(actual)) order.push(actual);
  const rows = order.map((id) => ({
    id,
    text: distribution.pieces[id],
    logit: at(distribution.logits, id),
    before: at(own, id),
    tempered: at(sampled.probs, id),
    after: at(sampled.final, id),
    kept: at(sampled.kept, id) === 1,
    actual: id === actual,
  }));
  return { rows, sampled, own, entropy: entropyBits(own) };
}
