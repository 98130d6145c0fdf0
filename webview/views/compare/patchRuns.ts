import type { LogitQuestion } from '../../../src/core/directParts.ts';
import { promisingFirst, type PatchEstimate, type PatchGrid } from '../../../src/core/patchGrid.ts';
import { at } from '../../../src/core/tensor.ts';
import type { PanelContext } from '../../context.ts';
import { createLongRun, type LongRun } from '../../parts/longRun.ts';

/** What patching asks: a prediction in the first text, what is taken from the second, and that text's ids. */
export interface PatchAsked extends LogitQuestion {
  readonly grid: PatchGrid;
  readonly clean: readonly number[];
}

/** What is known of a question so far. */
export interface PatchResult {
  readonly estimate: PatchEstimate;
  /** [layers, columns]; NaN: not measured (yet). */
  readonly shares: Float32Array;
  /** Cells that can be measured, and how many of them have been. */
  readonly cells: number;
  readonly measured: number;
}

/** Estimates and measures grids, one question at a time, and keeps what is known of each. */
export interface PatchRuns extends Pick<LongRun, 'isRunning' | 'stop'> {
  readonly known: (asked: PatchAsked) => PatchResult | undefined;
  /** Goes on with a question from where it was left; resolves when it has ended, was stopped or has failed. */
  readonly run: (asked: PatchAsked) => Promise<void>;
  /** Forgets all: the texts are others. */
  readonly clear: () => void;
}

/** Cells asked for together; the engine answers with as many as it measures in a short while. */
const TOGETHER = 64;
const SLOT = 'patching';

/** Creates the runs. `changed` is called whenever something is known or begins or ends, `failed` with what went wrong. */
export function createPatchRuns({ host }: PanelContext, changed: () => void, failed: (error: unknown) => void): PatchRuns {
  const results = new Map<string, PatchResult & { readonly order: readonly number[] }>();
  const work = createLongRun(host, SLOT, changed, failed);
  const keyOf = ({ position, token, rival, grid }: PatchAsked): string => JSON.stringify([position, token, rival, grid]);

  async function measure(asked: PatchAsked, wanted: () => boolean): Promise<void> {
    const key = keyOf(asked);
    if (!results.has(key)) {
      const estimate = await host.query(SLOT, 'patch', asked);
      if (!wanted()) return;
      const order = promisingFirst(estimate.estimate);
      const shares = new Float32Array(estimate.estimate.length).fill(Number.NaN);
      results.set(key, { estimate, shares, order, cells: order.length, measured: 0 });
      changed();
    }
    for (;;) {
      const result = results.get(key);
      if (result === undefined || result.measured === result.cells) return;
      const { order, measured } = result;
      const answer = await host.query(SLOT, 'patchCells', { ...asked, cells: order.slice(measured, measured + TOGETHER) });
      if (!wanted()) return;
      const shares = result.shares.slice();
      for (const [index, cell] of answer.cells.entries()) shares[cell] = at(answer.shares, index);
      results.set(key, { ...result, shares, measured: measured + answer.cells.length });
      changed();
    }
  }
  return {
    known: (asked) => results.get(keyOf(asked)),
    isRunning: work.isRunning,
    run: (asked) => work.start((wanted) => measure(asked, wanted)),
    stop: work.stop,
    clear: () => {
      work.halt();
      results.clear();
    },
  };
}
