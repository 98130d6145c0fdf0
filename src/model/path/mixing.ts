import { changeAt, residualSteps } from '../../core/interventions.ts';
import { UserError } from '../../core/errors.ts';
import { msg } from '../../core/translatable.ts';
import { ofLayer, type DecoderSpec } from '../families/spec.ts';
import { interventionTables, spanRows } from '../graph/interventionInputs.ts';
import { wholeText } from '../graph/positionsGraph.ts';
import type { Trace } from '../run/forwardTrace.ts';
import { tokensOf, type AttentionRows } from '../run/headAttention.ts';
import { floats, itemOf } from '../run/outputs.ts';
import { plainAttentionAt } from '../families/mixers.ts';
import type { Runnable } from '../run/forward.ts';
import type { Piece, SessionWork } from '../run/pieces.ts';

/** Most numbers in the parts of the residuals of some queries, by key: 64 MiB. */
const MOST_NUMBERS = 16 * 1024 * 1024;

/** The call for how attention mixes tokens. */
export interface MixingCalls {
  /**
   * Takes numbers of the tokens behind layer `layer` back to the tokens at its input: `numbers` [n], of a text's first n tokens, of which
   * each is shared out among the tokens that it is made of, by how near each one's part brings the residual behind attention to what it
   * is (ALTI: Ferrando, Gállego and Costa-jussà 2022), the scale of norms held fixed. Where no part brings it nearer, the token keeps its
   * number; where a recipe sets the residual to something, it came from no token. The MLP mixes no tokens. `checkpoint` is awaited
   * between parts of the text. Loads the layer's output projection once more on the first call.
   */
  takenBack(trace: Trace, layer: number, numbers: Float64Array, checkpoint?: () => Promise<void>): Promise<Float64Array>;
}

export function openMixing(
  { spec, sessions, cut }: Pick<Runnable, 'spec' | 'sessions' | 'cut'>,
  attention: Pick<AttentionRows, 'spanRows'>,
): MixingCalls {
  const { dim } = spec;

  /** [queries, keys], how near each key brings the residual of each query of a piece. */
  const nearnessOf = async (trace: Trace, layer: number, { from, to }: Piece): Promise<Float32Array> => {
    const span = { ...wholeText(trace.run.ids.length), past: from, room: from, tokens: to - from };
    const { headFactors, headShifts } = interventionTables(spec, trace.run.recipe, layer, layer + 1, spanRows(span));
    const own = new Float32Array((to - from) * to);
    for (let query = from; query < to; query++) own[(query - from) * to + query] = 1;
    const feeds = {
      resid: { dims: [to, dim], data: itemOf(trace.resid, layer).data.subarray(0, to * dim) },
      queries: { dims: [to - from], data: Int32Array.from({ length: to - from }, (_, index) => from + index) },
      own: { dims: [1, to - from, to], data: own },
      weights: { dims: [spec.heads, to - from, to], data: await attention.spanRows(trace, layer, span) },
      v: tokensOf(itemOf(trace.v, layer), 0, to),
      headFactors: headFactors ?? missing('headFactors'),
      headShifts: headShifts ?? missing('headShifts'),
    };
    return sessions.withMixing(layer, async (session) => floats((await session.run(feeds, ['near']))['near']));
  };

  return {
    takenBack: async (trace, layer, numbers, checkpoint) => {
      plainAttentionAt(spec, layer);
      if (spec.streams !== null)
        throw new UserError(
          msg`This model carries ${spec.streams.count} residual streams, which each layer mixes anew (AltUp): what a token had before is \
not in one of them alone, so contributions cannot be taken back through layers.`,
        );
      const count = numbers.length;
      const steps = residualSteps(trace.run.recipe, layer + 1);
      const before = new Float64Array(count);
      for (const piece of cut(workOf(ofLayer(spec, layer)), 0, count).flatMap((whole) => smallPieces(whole, count * dim))) {
        const near = await nearnessOf(trace, layer, piece);
        for (let query = piece.from; query < piece.to; query++) {
          if (changeAt(steps, 0, query).factor === 0) continue;
          const row = near.subarray((query - piece.from) * piece.to, (query - piece.from) * piece.to + query + 1);
          const sum = row.reduce((total, one) => total + one, 0);
          const number = numbers[query] ?? Number.NaN;
          if (sum === 0) before[query] = (before[query] ?? Number.NaN) + number;
          else for (let key = 0; key <= query; key++) before[key] = (before[key] ?? Number.NaN) + (number * (row[key] ?? Number.NaN)) / sum;
        }
        await checkpoint?.();
      }
      return before;
    },
  };
}

/** The work of one layer: the values of all heads through the projection, and with each key what all heads bring of it. */
function workOf({ heads, valueDim, dim }: DecoderSpec): SessionWork {
  return { parameters: heads * valueDim * dim, perKey: heads * dim, scoreBytes: heads * Float32Array.BYTES_PER_ELEMENT };
}

/** A piece in smaller ones whose parts, `size` numbers for each query, are no more than `MOST_NUMBERS`. */
function smallPieces({ from, to }: Piece, size: number): readonly Piece[] {
  const most = Math.max(1, Math.floor(MOST_NUMBERS / size));
  return Array.from({ length: Math.ceil((to - from) / most) }, (_, piece) => ({
    from: from + piece * most,
    to: Math.min(to, from + (piece + 1) * most),
  }));
}

function missing(name: string): never {
  throw new Error(`No table ${name}.`);
}
