import { UserError } from '../../core/errors.ts';
import { at, tensor, type Tensor } from '../../core/tensor.ts';
import { msg } from '../../core/translatable.ts';
import { carriedWidth, type DecoderSpec } from '../families/spec.ts';
import type { Trace } from './forwardTrace.ts';
import { floats } from './outputs.ts';
import type { Sessions } from './sessions.ts';

/** What the first block is given, [T, D] or of n streams [T, n * D], of the first residual [T, D]. */
export async function startOfStreams(
  { sessions, spec }: { readonly sessions: Sessions; readonly spec: DecoderSpec },
  first: Tensor,
): Promise<Tensor> {
  const session = await sessions.streams();
  if (session === null) return first;
  return tensor([at(first.dims, 0), carriedWidth(spec)], floats((await session.run({ resid: first }, ['streams'])).streams));
}

/** The active stream [T, D] of all that are carried. */
export function activeOf({ streams, dim }: Pick<DecoderSpec, 'streams' | 'dim'>, carried: Tensor): Tensor {
  return streams === null ? carried : columnsOf(carried, streams.active * dim, dim);
}

/** Throws UserError where layers read another stream than the first, which is what the embedding makes. */
export function refuseOtherActive({ streams }: Pick<DecoderSpec, 'streams'>): void {
  if (streams !== null && streams.active !== 0)
    throw new UserError(
      msg`The layers of this model read stream ${streams.active}, not the one that the embedding makes, which this calculation does \
not know.`,
    );
}

/** Residuals, and all streams where there are several, of what layers handed on. */
export function residualsOf(spec: DecoderSpec, carried: readonly Tensor[]): Pick<Trace, 'resid' | 'streams'> {
  if (spec.streams === null) return { resid: carried };
  return { resid: carried.map((one) => activeOf(spec, one)), streams: carried };
}

/** Carried streams whose active one is another: a copy; `active` [T, D]. */
export function withActive({ streams, dim }: Pick<DecoderSpec, 'streams' | 'dim'>, carried: Tensor, active: Tensor): Tensor {
  if (streams === null) return active;
  const width = at(carried.dims, 1);
  const data = carried.data.slice();
  for (let token = 0; token < at(carried.dims, 0); token++)
    data.set(active.data.subarray(token * dim, (token + 1) * dim), token * width + streams.active * dim);
  return tensor(carried.dims, data);
}

/** [T, count], a copy of columns `from` to `from + count` - 1 of each row. */
function columnsOf({ dims, data }: Tensor, from: number, count: number): Tensor {
  const [rows, width] = [at(dims, 0), at(dims, 1)];
  const own = tensor([rows, count], new Float32Array(rows * count));
  for (let row = 0; row < rows; row++) own.data.set(data.subarray(row * width + from, row * width + from + count), row * count);
  return own;
}
