import type { LeaveOneOut } from '../../../src/core/attribution.ts';
import type { LogitQuestion } from '../../../src/core/directParts.ts';
import { promisingFirst } from '../../../src/core/patchGrid.ts';
import { at } from '../../../src/core/tensor.ts';
import { sumsOf, type TokenRun } from '../../../src/core/textUnits.ts';
import type { PanelContext } from '../../context.ts';
import { createLongRun, type LongRun } from '../../parts/longRun.ts';

/** What is asked: what a prediction loses without each of these units of the text, by one method. */
export interface LeftOutAsked extends LogitQuestion {
  readonly method: LeaveOneOut;
  /** Up to the position. */
  readonly units: readonly TokenRun[];
}

/** What is known of a question so far. */
export interface LeftOutResult extends LogitQuestion {
  readonly method: LeaveOneOut;
  readonly units: readonly TokenRun[];
  readonly target: number;
  /** One a unit; NaN: not measured (yet). */
  readonly values: Float32Array;
  readonly measured: number;
}

/** Measures questions, one at a time, and keeps what is known of each. */
export interface LeftOutRuns extends Pick<LongRun, 'isRunning' | 'stop'> {
  readonly known: (asked: LeftOutAsked) => LeftOutResult | undefined;
  /** Goes on with a question from where it was left; resolves when it has ended, was stopped or has failed. */
  readonly run: (asked: LeftOutAsked) => Promise<void>;
  /** Forgets all: the text is another. */
  readonly clear: () => void;
}

/** Units asked for together; the engine answers with as many as it measures in a short while. */
const TOGETHER = 64;
const SLOT = 'leftOut';

/** Creates the runs. `changed` is called whenever something is known or begins or ends, `failed` with what went wrong. */
export function createLeftOutRuns({ host }: PanelContext, changed: () => void, failed: (error: unknown) => void): LeftOutRuns {
  const results = new Map<string, LeftOutResult>();
  const work = createLongRun(host, SLOT, changed, failed);
  const keyOf = ({ position, token, rival, method, units }: LeftOutAsked): string =>
    JSON.stringify([position, token, rival, method, units.map(({ first }) => first)]);

  /** Measures the first of these units; false: nobody waits for it any more. */
  async function measure(asked: LeftOutAsked, order: readonly number[], wanted: () => boolean): Promise<boolean> {
    const { position, token, rival, method } = asked;
    const units = order.slice(0, TOGETHER).flatMap((index) => asked.units[index] ?? []);
    const answer = await host.query(SLOT, 'leftOut', { position, token, rival, method, units });
    if (!wanted()) return false;
    const key = keyOf(asked);
    const before = results.get(key);
    const values = before?.values.slice() ?? new Float32Array(asked.units.length).fill(Number.NaN);
    for (const [place, value] of answer.values.entries()) values[at(order, place)] = value;
    results.set(key, { ...asked, target: answer.target, values, measured: (before?.measured ?? 0) + answer.values.length });
    changed();
    return true;
  }
  async function measureAll(asked: LeftOutAsked, wanted: () => boolean): Promise<void> {
    const { position, token, rival, units } = asked;
    const unmeasured = (order: readonly number[]): readonly number[] => {
      const values = results.get(keyOf(asked))?.values;
      return order.filter((index) => values === undefined || Number.isNaN(at(values, index)));
    };
    // Those just before the prediction are quickest, as little is run again without them, and what follows waits for an estimate.
    const nearest = Array.from(units, (_, index) => units.length - 1 - index);
    if (results.get(keyOf(asked)) === undefined && !(await measure(asked, nearest, wanted))) return;
    if (unmeasured(nearest).length === 0) return;
    const estimate = await host.query(SLOT, 'attribution', { position, token, rival, method: 'gradient-x-input' });
    if (!wanted()) return;
    const order = promisingFirst(sumsOf(estimate.values, units));
    for (let left = unmeasured(order); left.length > 0; left = unmeasured(order)) if (!(await measure(asked, left, wanted))) return;
  }
  return {
    known: (asked) => results.get(keyOf(asked)),
    isRunning: work.isRunning,
    run: (asked) => work.start((wanted) => measureAll(asked, wanted)),
    stop: work.stop,
    clear: () => {
      work.halt();
      results.clear();
    },
  };
}
