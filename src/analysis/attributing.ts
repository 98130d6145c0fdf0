import type { Attribution } from '../core/attribution.ts';
import type { LogitQuestion } from '../core/directParts.ts';
import type { CallContext } from '../core/progress.ts';
import { startOf, type Run } from '../core/run.ts';
import { at, dot, row, type Tensor } from '../core/tensor.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { LogitTarget } from '../model/run/gradientCalls.ts';

/** What a method attributes. */
export interface Attributing {
  readonly model: LanguageModel;
  readonly trace: Trace;
  readonly target: LogitTarget;
  /** The target's value. */
  readonly value: number;
  readonly context: CallContext;
}

/** The target that a question names. */
export function targetOf({ position, token, rival }: LogitQuestion): LogitTarget {
  return { kind: 'logit', position, token, ...(rival === null ? {} : { rival }) };
}

/** The part of an attribution that a method computes. */
export type Attributed = Pick<Attribution, 'values' | 'completeness'>;

/** [T], the product of each row of [T, D] with the same row of the other. */
export function rowProducts(a: Tensor, b: Tensor): Float32Array {
  return Float32Array.from({ length: at(a.dims, 0) }, (_, index) => dot(row(a, index), row(b, index)));
}

/**
 * What has to be run again to see a changed target: the text up to the position, or all of it for a model that computes a text otherwise
 * when it is shorter.
 */
export function textTo({ model, trace }: Pick<Attributing, 'model' | 'trace'>, position: number): Run {
  const start = startOf(trace.run, position + 1);
  return model.sharedTokens(trace.run, start) > position ? start : trace.run;
}
