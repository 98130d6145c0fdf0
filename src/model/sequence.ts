import type { Tensor } from '../core/tensor.ts';
import type { AttentionRow, AttentionRows } from './attention.ts';
import type { DecoderSpec } from './families/spec.ts';
import type { ModelFiles } from './files.ts';
import { NO_PAST, checkIds, forward } from './forward.ts';
import { sameKeys } from './graph/inputs.ts';
import { growingTrace } from './growingTrace.ts';
import type { LayerProgress, Trace } from './languageModel.ts';
import type { Sessions } from './sessions.ts';

/** How a text was read: `run` tokens were run, `known` ones before them were not. `reread`: all were run, as the ropes' frequencies had changed. */
export interface ReadTokens {
  readonly run: number;
  readonly known: number;
  readonly reread: boolean;
}

/** A text read token after token with a cache of keys and values: what is known of a token is never computed again. */
export interface Sequence {
  readonly ids: Int32Array;
  /** Reads exactly `ids`: what they share with the ids held is kept, the rest is run. On failure what is held stays usable. */
  read(ids: Int32Array, onProgress?: (progress: LayerProgress) => void): Promise<ReadTokens>;
  /** Holds what `trace` does, without running anything. */
  adopt(trace: Trace): void;
  /** Whether `ids` are the first of those held, and what is held of them is what they have by themselves: it is not where the ropes' frequencies differ. */
  covers(ids: Int32Array): boolean;
  /** The trace of the first `length` tokens: where they are covered, as one forward pass over them gives it but for rounding. */
  trace(length: number): Trace;
  /** [1, D], the last residual at a position, before the final norm. */
  final(position: number): Tensor;
  /** What the last token attended to in one layer. */
  lastRow(layer: number): Promise<AttentionRow>;
  /** Bytes of the keys and values of the tokens held, per layer. */
  readonly bytesPerLayer: readonly number[];
}

export function openSequence(spec: DecoderSpec, files: ModelFiles, sessions: Sessions, lastRow: AttentionRows['lastRow']): Sequence {
  const held = growingTrace(spec);
  const { kvHeads, headDim, valueDim } = spec;
  const idsHeld = (): Int32Array => held.ids(0, held.length);
  return {
    get ids() {
      return idsHeld();
    },
    read: async (ids, onProgress) => {
      checkIds(ids, spec);
      const shared = commonLength(idsHeld(), ids);
      const reread = shared > 0 && !sameKeys(spec, held.length, ids.length);
      const known = reread ? 0 : shared;
      held.cut(known);
      if (known < ids.length) held.append(await forward(spec, files, sessions, ids.slice(known), known === 0 ? NO_PAST : held.past, onProgress));
      return { run: ids.length - known, known, reread };
    },
    adopt: (trace) => {
      held.cut(0);
      held.append(trace);
    },
    covers: (ids) => commonLength(ids, idsHeld()) === ids.length && sameKeys(spec, ids.length, held.length),
    trace: (length) => held.slice(0, length),
    final: (position) => held.final(position),
    lastRow: (layer) => lastRow({ layer, q: held.lastQuery(layer), past: held.past }),
    get bytesPerLayer() {
      return spec.blocks.map(() => held.length * kvHeads * (headDim + valueDim) * Float32Array.BYTES_PER_ELEMENT);
    },
  };
}

/** How many ids two texts have in common from their start on. */
export function commonLength(a: Int32Array, b: Int32Array): number {
  const different = a.findIndex((id, i) => id !== b[i]);
  return different === -1 ? a.length : different;
}
