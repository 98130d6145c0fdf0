import { clenshawCurtis, clenshawCurtisPoint, weightedRows } from '../core/quadrature.ts';
import { at, tensor, type Tensor } from '../core/tensor.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { GradientTarget } from '../model/run/gradientCalls.ts';
import { rowProducts, textTo, type Attributed, type Attributing } from './attributing.ts';
import { layerOf } from './traceRows.ts';

/** Parts of the way at first, and at most: they are doubled until the values sum to what they should. */
const FIRST_PARTS = 8;
const MOST_PARTS = 128;
/** Share of the difference by which the sum of the values may miss it. */
const MOST_GAP = 0.01;

/**
 * Integrated gradients (Sundararajan et al. 2017) of the first block's input, from that of the average token at every position, which keeps
 * what the position itself adds.
 */
export function integratedGradients({ target, ...of }: Attributing): Promise<Attributed> {
  return alongTheWay({ ...of, target, position: target.position, valueIn: (there) => of.model.logit(there, target) });
}

/** A target that is read up to `position`, with its value in a trace. */
export interface OnTheWay extends Omit<Attributing, 'target'> {
  readonly target: GradientTarget;
  readonly position: number;
  readonly valueIn: (trace: Trace) => Promise<number>;
}

/** The same of any target. */
export async function alongTheWay(of: OnTheWay): Promise<Attributed> {
  const { model, trace, target, position, value, valueIn, context } = of;
  const run = textTo(of, position);
  const tokens = run.ids.length;
  const baseline = await model.averageInput(tokens);
  const end = layerOf(trace.resid, 0).data.subarray(0, baseline.data.length);
  const way = tensor(
    baseline.dims,
    baseline.data.map((from, i) => at(end, i) - from),
  );
  /** By the share of the way, [tokens], the gradient there times the way, and the target. */
  const known = new Map<number, { readonly products: Float32Array; readonly value: number }>();
  const take = async (share: number): Promise<void> => {
    const input: Tensor = tensor(
      way.dims,
      way.data.map((step, i) => at(baseline.data, i) + share * step),
    );
    const there = await model.runFrom(run, { input, known: trace, tokens: 0 }, context.checkpoint);
    const { resid } = await model.gradient(there, target, context.checkpoint);
    known.set(share, { products: rowProducts(layerOf(resid, 0), way), value: await valueIn(there) });
  };
  for (let parts = FIRST_PARTS; ; parts *= 2) {
    const points = Array.from({ length: parts + 1 }, (_, k) => clenshawCurtisPoint(k, parts));
    const missing = points.filter((share) => !known.has(share));
    for (const [index, share] of missing.entries()) {
      await context.progress({ stage: 'gradient', done: points.length - missing.length + index, total: points.length });
      await take(share);
    }
    const there = points.flatMap((share) => known.get(share) ?? []);
    const start = at(
      there.map((point) => point.value),
      0,
    );
    const sums = weightedRows(
      there.map(({ products }) => products),
      clenshawCurtis(parts),
    );
    const sum = sums.reduce((total, one) => total + one, 0);
    const gap = Math.abs(sum - (value - start)) / Math.abs(value - start);
    if (gap > MOST_GAP && parts < MOST_PARTS) continue;
    const values = new Float32Array(trace.run.ids.length);
    values.set(sums.subarray(0, position + 1));
    return { values, completeness: { baseline: start, steps: points.length, gap: Number.isNaN(gap) ? 0 : gap } };
  }
}
