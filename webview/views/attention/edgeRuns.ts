import type { LogitQuestion } from '../../../src/core/directParts.ts';
import { at } from '../../../src/core/tensor.ts';
import type { PanelContext } from '../../context.ts';
import { createLongRun, type LongRun } from '../../parts/longRun.ts';

/** A row of edges to be cut: of one query of one head, and the prediction whose change is measured. */
export interface EdgesAsked extends LogitQuestion {
  readonly layer: number;
  readonly head: number;
  readonly query: number;
}

/** What is known of a row so far. */
export interface EdgesFound {
  /** [query + 1], changes of the target in logits; NaN: not measured (yet). The query's own key cannot be cut. */
  readonly changes: Float32Array;
  readonly measured: number;
  /** The target with nothing cut. */
  readonly target: number;
}

/** Measures rows, one at a time, and keeps what is known of each. */
export interface EdgeRuns extends Pick<LongRun, 'isRunning' | 'stop'> {
  readonly known: (asked: EdgesAsked) => EdgesFound | undefined;
  /** Goes on with a row from where it was left, edges of large weights first; ends when it is done, was stopped or has failed. */
  readonly run: (asked: EdgesAsked) => Promise<void>;
  /** Forgets all: the text or the model is another. */
  readonly clear: () => void;
}

/** Edges asked for together; the engine answers with as many as it measures in a short while. */
const TOGETHER = 64;
const SLOT = 'edges';

/** Creates the runs. `changed` is called whenever something is known or begins or ends, `failed` with what went wrong. */
export function createEdgeRuns({ host }: PanelContext, changed: () => void, failed: (error: unknown) => void): EdgeRuns {
  const rows = new Map<string, EdgesFound & { readonly order: readonly number[] }>();
  const work = createLongRun(host, SLOT, changed, failed);
  const keyOf = ({ layer, head, query, position, token, rival }: EdgesAsked): string =>
    JSON.stringify([layer, head, query, position, token, rival]);

  async function measure(asked: EdgesAsked, wanted: () => boolean): Promise<void> {
    const key = keyOf(asked);
    const { layer, head, query } = asked;
    if (!rows.has(key)) {
      const { weights } = await host.query(SLOT, 'attentionRow', { layer, head, query });
      if (!wanted()) return;
      const order = Array.from({ length: query }, (_, index) => index).toSorted((a, b) => at(weights, b) - at(weights, a));
      rows.set(key, { changes: new Float32Array(query + 1).fill(Number.NaN), measured: 0, target: Number.NaN, order });
    }
    for (;;) {
      const row = rows.get(key);
      if (row === undefined || row.measured === query) return;
      const answer = await host.query(SLOT, 'edgeCuts', { ...asked, keys: row.order.slice(row.measured, row.measured + TOGETHER) });
      if (!wanted()) return;
      const changes = row.changes.slice();
      for (const [index, cut] of answer.keys.entries()) changes[cut] = at(answer.changes, index);
      rows.set(key, { ...row, changes, measured: row.measured + answer.keys.length, target: answer.target });
      changed();
    }
  }
  return {
    known: (asked) => rows.get(keyOf(asked)),
    isRunning: work.isRunning,
    run: (asked) => work.start((wanted) => measure(asked, wanted)),
    stop: work.stop,
    clear: () => {
      work.halt();
      rows.clear();
    },
  };
}
