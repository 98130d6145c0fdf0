import { commonTokens, startsWith, UNCHANGED, type Recipe, type Run } from '../../core/run.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { AttentionRow, AttentionRows } from './headAttention.ts';
import { recurrenceIn } from '../families/mixers.ts';
import { keySource, ofLayer } from '../families/spec.ts';
import { checkRun, type Runnable } from './forward.ts';
import { stateNumbers } from '../graph/recurrenceGraph.ts';
import { sameKeys } from '../graph/inputs.ts';
import { growingTrace } from './growingTrace.ts';
import type { OnLayerProgress, Trace } from './forwardTrace.ts';
import { readOn } from './pieceByPiece.ts';

/**
 * Work done to read a text: `run` tokens were run, the `known` tokens before them were cached. `reread`: all were run because the
 * ropes' frequencies had changed.
 */
export interface ReadTokens {
  readonly run: number;
  readonly known: number;
  readonly reread: boolean;
}

/** A token sequence with a cache of keys and values, so that no token is run twice. */
export interface Sequence {
  /** The run held; empty at first. */
  readonly run: Run;
  /**
   * Makes `run` the run held: the common prefix is kept, the rest is run. After a failure the sequence stays usable. `to`: only tokens
   * before it are run and held, with the numbers that they have in the whole of `run`.
   */
  read(run: Run, onProgress?: OnLayerProgress, to?: number): Promise<ReadTokens>;
  /** Takes over the values of `trace` without running anything. */
  adopt(trace: Trace): void;
  /**
   * Whether the run held begins with `run` and its values equal those of `run` alone, which they do not where the ropes' frequencies
   * differ.
   */
  covers(run: Run): boolean;
  /** The trace of the first `length` tokens: where they are covered, equal up to rounding to one forward pass over them. */
  trace(length: number): Trace;
  /** [1, D], the residual after the last block at a position, before the final norm. */
  final(position: number): Tensor;
  /** [to - from, D], the same at several positions. */
  finals(from: number, to: number): Tensor;
  /** Attention weights of the last token in one layer. */
  lastRow(layer: number): Promise<AttentionRow>;
  /** Bytes per layer of the keys and values held, or of what a layer without attention keeps, however many the tokens are. */
  readonly bytesPerLayer: readonly number[];
}

/** An empty sequence of one model; `tokens`: how many it will hold, where that is known. */
export function openSequence(model: Runnable, lastRow: AttentionRows['lastRow'], tokens?: number): Sequence {
  const { spec } = model;
  const held = growingTrace(spec, tokens);
  let recipe: Recipe = UNCHANGED;
  /** Tokens of the run whose beginning is held, or all of it. */
  let whole = 0;
  const runHeld = (): Run => ({ ids: held.ids(0, held.length), recipe });
  return {
    get run() {
      return runHeld();
    },
    read: async (run, onProgress, to = run.ids.length) => {
      const { ids } = run;
      checkRun(run, spec);
      const shared = commonTokens(runHeld(), run);
      const reread = shared > 0 && !sameKeys(spec, whole, ids.length);
      const known = reread ? 0 : shared;
      held.cut(known);
      ({ recipe } = run);
      whole = ids.length;
      await readOn(model, held, run, onProgress, undefined, to);
      return { run: Math.max(0, to - known), known, reread };
    },
    adopt: (trace) => {
      held.cut(0);
      ({ recipe } = trace.run);
      held.append(trace);
      whole = held.length;
    },
    covers: (run) => startsWith(runHeld(), run) && sameKeys(spec, run.ids.length, whole),
    trace: (length) => held.slice(0, length, recipe),
    final: (position) => held.finals(position, position + 1),
    finals: (from, to) => held.finals(from, to),
    lastRow: (layer) => lastRow({ layer, q: held.lastQuery(layer), past: held.past, recipe }),
    get bytesPerLayer() {
      return spec.blocks.map((block, layer) => {
        // Keys and values that another layer made are held there.
        if (keySource(spec, layer) !== layer) return 0;
        const { kvHeads, headDim, valueDim } = ofLayer(spec, layer);
        const mixer = recurrenceIn(block);
        const kept = mixer === null || held.length === 0 ? 0 : stateNumbers(mixer);
        const numbers = kept + (block.attention.kind === 'attention' ? held.length * kvHeads * (headDim + valueDim) : 0);
        return numbers * Float32Array.BYTES_PER_ELEMENT;
      });
    },
  };
}
