import type { DirectParts } from '../../src/core/directParts.ts';
import { hasAttention } from '../../src/core/recurrence.ts';
import { at } from '../../src/core/tensor.ts';
import type { ModelInfo } from '../../src/core/trace.ts';

/** A step of the sum: what it adds, and the sum before and after it. */
export interface WaterfallStep {
  readonly part: 'embedding' | 'attention' | 'recurrence' | 'mlp' | 'perLayer' | 'rest';
  /** -1 for what no layer adds. */
  readonly layer: number;
  readonly value: number;
  readonly before: number;
  readonly after: number;
}

/**
 * The sum of a logit step by step, in the order in which the model adds: embedding, then of each layer what it has of attention, of what
 * stands in its place or beside it, of an MLP and of a vector of the token's own, constants.
 */
export function waterfall(
  { embedding, heads, recurrence, mlp, perLayer: vectors, rest }: DirectParts,
  model: Pick<ModelInfo, 'traits'>,
): readonly WaterfallStep[] {
  const perLayer = heads.length / mlp.length;
  const parts = [
    { part: 'embedding', layer: -1, value: embedding },
    ...Array.from(mlp, (value, layer) => [
      ...(hasAttention(model, layer)
        ? [{ part: 'attention', layer, value: total(heads.subarray(layer * perLayer, (layer + 1) * perLayer)) } as const]
        : []),
      ...(recurrence === undefined || Number.isNaN(at(recurrence, layer))
        ? []
        : [{ part: 'recurrence', layer, value: at(recurrence, layer) } as const]),
      ...(model.traits?.layers[layer]?.withoutMlp !== true ? [{ part: 'mlp', layer, value } as const] : []),
      ...(vectors === undefined ? [] : [{ part: 'perLayer', layer, value: at(vectors, layer) } as const]),
    ]).flat(),
    { part: 'rest', layer: -1, value: rest },
  ] as const;
  let sum = 0;
  return parts.map((step) => {
    const before = sum;
    sum += step.value;
    return { ...step, before, after: sum };
  });
}

/** Lowest and highest sum on the way, 0 among them. */
export function waterfallRange(steps: readonly WaterfallStep[]): readonly [low: number, high: number] {
  const sums = [0, ...steps.map(({ after }) => after)];
  return [Math.min(...sums), Math.max(...sums)];
}

/** The head of `layer` that adds or takes most. */
export function largestHead({ heads, mlp }: DirectParts, layer: number): number {
  const perLayer = heads.length / mlp.length;
  const size = (head: number): number => Math.abs(at(heads, layer * perLayer + head));
  return Array.from({ length: perLayer }, (_, head) => head).reduce((best, head) => (size(head) > size(best) ? head : best), 0);
}

/** The head that adds or takes most. */
export function largestOfAll(parts: DirectParts): readonly [layer: number, head: number] {
  const perLayer = parts.heads.length / parts.mlp.length;
  const size = (layer: number): number => Math.abs(at(parts.heads, layer * perLayer + largestHead(parts, layer)));
  const layer = Array.from(parts.mlp.keys()).reduce((best, one) => (size(one) > size(best) ? one : best), 0);
  return [layer, largestHead(parts, layer)];
}

/** Sum in double precision. */
export function total(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** The largest absolute value; 1 if all are 0, so that it can divide. */
export function largestSize(values: Iterable<number>): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most || 1;
}
