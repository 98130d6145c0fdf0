import { at } from '../../src/core/tensor.ts';
import { entropyBits, softmax, topIndices } from '../../src/core/probability.ts';
import { sample, type SampledDistribution, type SamplingSettings } from '../../src/core/sampling.ts';
import type { Distribution } from '../../src/core/trace.ts';

/** One row of the next-token bars. */
export interface Candidate {
  readonly id: number;
  /** Undefined where the text of the id was not sent. */
  readonly text: string | undefined;
  readonly logit: number;
  /** The model's own probability: temperature 1, no filter. */
  readonly before: number;
  /** At the temperature, before any filter. */
  readonly tempered: number;
  /** What it is drawn with; 0 where a filter took it away. */
  readonly after: number;
  readonly kept: boolean;
  /** The token that really follows in the text. */
  readonly actual: boolean;
}

export interface Candidates {
  readonly rows: readonly Candidate[];
  readonly sampled: SampledDistribution;
  /** [vocab] the model's own distribution, and its entropy in bits. */
  readonly own: Float32Array;
  readonly entropy: number;
}

/** The likeliest tokens under the settings, and the one that really follows even if it is not among them. */
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
