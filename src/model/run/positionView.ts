import { positionTable, sampledIndices, type PositionTable, type PositionView, type Rotation } from '../../core/positions.ts';
import { stageOf, type Making, type StageName } from '../../core/forwardPath.ts';
import { at, dot } from '../../core/tensor.ts';
import { readRows } from './embeddingRows.ts';
import type { Rope } from '../families/rope.ts';
import { attentionAt } from '../families/mixers.ts';
import { keySource, ofLayer, type Attention, type DecoderSpec } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { alibiBias, attentionFactorOf, queryScales, rotaryFrequencies, rotaryPartner, sinusoids } from '../graph/positionsGraph.ts';
import type { Trace } from './forwardTrace.ts';
import { addHeads, sharedKeyValue } from '../path/headsPath.ts';
import { runLayerRow } from '../path/layerRow.ts';
import { pathBuilder } from '../path/pathBuilder.ts';
import type { Sessions } from './sessions.ts';

/** Most positions, and most dimensions of each, in a displayed table. */
const MAX_POSITIONS = 256;
const MAX_DIMENSIONS = 384;
/** Most distances for which a score is computed. */
const MAX_DISTANCES = 1024;

/** One query and one key of a head. */
export interface PairRequest {
  readonly layer: number;
  readonly head: number;
  readonly query: number;
  readonly key: number;
}

/** The call about a model's positions. It throws RangeError for a layer, head or token that does not exist. */
export interface PositionCalls {
  positions(trace: Trace, request: PairRequest): Promise<PositionView>;
}

/** The position call of one model. */
export function openPositions(spec: DecoderSpec, files: ModelFiles, sessions: Sessions): PositionCalls {
  return {
    positions: async (trace, request) => {
      const { positions } = spec;
      switch (positions.kind) {
        case 'learned':
        case 'sinusoidal':
          return { kind: positions.kind, table: await tableOf(spec, files) };
        case 'alibi':
          return {
            kind: 'alibi',
            query: request.query,
            slopes: Float32Array.from(positions.alibi.slopes),
            bias: relativeBias(alibiBias(positions.alibi, trace.run.ids.length), spec.heads, request.query),
          };
        case 'none':
          return { kind: 'none' };
        default: {
          const { rope } = attentionAt(spec, request.layer);
          return rope === null ? { kind: 'notRotated', layer: request.layer } : rotation(spec, files, sessions, trace, request, rope);
        }
      }
    },
  };
}

async function tableOf(spec: DecoderSpec, files: ModelFiles): Promise<PositionTable> {
  const { positions, dim, contextLength } = spec;
  const count = positions.kind === 'learned' ? (positions.table.shape[0] ?? 0) - positions.offset : Math.min(contextLength, MAX_DISTANCES);
  const shown = sampledIndices(count, MAX_POSITIONS);
  if (positions.kind === 'learned')
    return positionTable(
      (
        await readRows(
          files,
          positions.table,
          shown.map((position) => position + positions.offset),
        )
      ).data,
      shown,
      count,
      MAX_DIMENSIONS,
    );
  if (positions.kind !== 'sinusoidal') throw new Error('The model has no table of positions.');
  const whole = sinusoids(positions, count, dim);
  const rows = new Float32Array(shown.length * dim);
  for (const [i, position] of shown.entries()) rows.set(whole.subarray(position * dim, (position + 1) * dim), i * dim);
  return positionTable(rows, shown, count, MAX_DIMENSIONS);
}

/** [heads, T] bias minus that of the query's own token, which does not change the softmax of the row. */
function relativeBias(bias: Float32Array, heads: number, query: number): Float32Array {
  const tokens = bias.length / heads;
  return bias.map((value, i) => value - at(bias, Math.floor(i / tokens) * tokens + query));
}

/** A vector before and after its rotation, and the norm that follows. */
interface Turned {
  readonly before: Float32Array;
  readonly after: Float32Array;
  /** The norm that follows, where one does. */
  readonly norm: Extract<Making, { readonly kind: 'norm' }> | null;
}

async function rotation(
  spec: DecoderSpec,
  files: ModelFiles,
  sessions: Sessions,
  trace: Trace,
  { layer, head, query, key }: PairRequest,
  rope: Rope,
): Promise<Rotation> {
  const attention = attentionAt(spec, layer);
  const own = ofLayer(spec, layer);
  const kvHead = Math.floor(head / (own.heads / own.kvHeads));
  const turnOf = async (token: number, side: 'query' | 'key'): Promise<Turned> => {
    const path = pathBuilder(files);
    // A key that another layer made was rotated there.
    const place = side === 'key' ? keySource(spec, layer) : layer;
    const made = attentionAt(spec, place);
    const row = await runLayerRow(spec, sessions, trace, place, token, (name) => /^(query|key|value|latent|sharedKey)/.test(name));
    const names = await addHeads(path, row, 'ln1Out', made, own, { head, kvHead, ...sharedKeyValue(spec, trace, place, token, kvHead) });
    return turned(path.stages, side, names[side], made);
  };
  const [q, k] = [await turnOf(query, 'query'), await turnOf(key, 'key')];
  const frequencies = rotaryFrequencies(rope, trace.run.ids.length);
  const attentionFactor = attentionFactorOf(rope, trace.run.ids.length);
  const plain = attention.projections.kind === 'latent' ? attention.projections.plain : 0;
  const pairs = Int32Array.from(
    Array.from({ length: rope.width }, (_, i) => i).flatMap((i) =>
      i < rotaryPartner(rope, i) ? [plain + i, plain + rotaryPartner(rope, i)] : [],
    ),
  );
  const count = Math.max(trace.run.ids.length, Math.min(spec.contextLength, MAX_DISTANCES));
  // The key stays at its position: after a norm with weights the score depends on more than the distance.
  const near = finished({ ...k, after: turnBy(k.before, pairs, frequencies, attentionFactor, key) });
  const factorAt = (position: number): number =>
    attention.queryScale === null ? 1 : at(queryScales(attention.queryScale, position, position + 1), 0);
  const scored = (distance: number): number =>
    factorAt(key + distance) * dot(finished({ ...q, after: turnBy(q.before, pairs, frequencies, attentionFactor, key + distance) }), near);
  return {
    kind: 'rotary',
    layer,
    head,
    kvHead,
    query,
    key,
    frequencies,
    pairs,
    q: q.before,
    k: k.before,
    qRotated: q.after,
    kRotated: k.after,
    style: rope.style,
    theta: rope.theta,
    scaling: rope.scaling.kind,
    attentionFactor,
    scale: attention.scale,
    dotBefore: factorAt(query) * dot(finished({ ...q, after: q.before }), finished({ ...k, after: k.before })),
    dotAfter: factorAt(query) * dot(finished(q), finished(k)),
    byDistance: Float32Array.from({ length: count }, (_, distance) => scored(distance)),
    normed: q.norm !== null,
  };
}

function turned(stages: Parameters<typeof stageOf>[0], side: 'query' | 'key', last: StageName, { projections }: Attention): Turned {
  const placed = stageOf(stages, last);
  const end = last === 'queryScaled' && placed.made.kind === 'scaled' ? stageOf(stages, placed.made.of) : placed;
  if (projections.kind === 'latent' && side === 'key') {
    const plain = stageOf(stages, 'plainKey').values;
    return { before: Float32Array.from([...plain, ...stageOf(stages, 'sharedKey').values]), after: end.values, norm: null };
  }
  const turn = end.made.kind === 'norm' ? stageOf(stages, end.made.of) : end;
  if (turn.made.kind !== 'rotated') throw new Error('The layer rotates nothing.');
  return { before: stageOf(stages, turn.made.of).values, after: turn.values, norm: end.made.kind === 'norm' ? end.made : null };
}

/** The vector as it enters the score, in float64: after the norm that follows the rotation, where there is one. */
function finished({ after, norm }: Turned): Float64Array {
  const vector = Float64Array.from(after);
  if (norm === null) return vector;
  const mean = norm.form === 'rms' ? 0 : vector.reduce((sum, value) => sum + value, 0) / vector.length;
  const divisor = Math.sqrt(vector.reduce((sum, value) => sum + (value - mean) ** 2, 0) / vector.length + norm.epsilon);
  return vector.map(
    (value, i) =>
      ((value - mean) / divisor) * (norm.weight === null ? 1 : at(norm.weight, i)) + (norm.bias === null ? 0 : at(norm.bias, i)),
  );
}

/** The vector as it would be at position `position`. */
function turnBy(before: Float32Array, pairs: Int32Array, frequencies: Float32Array, factor: number, position: number): Float32Array {
  const after = before.slice();
  for (let pair = 0; pair < pairs.length / 2; pair++) {
    const [a, b] = [at(pairs, 2 * pair), at(pairs, 2 * pair + 1)];
    const angle = position * at(frequencies, pair);
    const [cos, sin] = [Math.cos(angle) * factor, Math.sin(angle) * factor];
    after[a] = at(before, a) * cos - at(before, b) * sin;
    after[b] = at(before, b) * cos + at(before, a) * sin;
  }
  return after;
}
