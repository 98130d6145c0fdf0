import type { StageName } from '../../core/forwardPath.ts';
import { changeAt, residualSteps } from '../../core/interventions.ts';
import { topIndices } from '../../core/probability.ts';
import { at, row, tensor } from '../../core/tensor.ts';
import { readRows } from '../run/embeddingRows.ts';
import { carriedWidth, type DecoderSpec } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { addsPositions } from '../graph/decoder.ts';
import { sinusoids } from '../graph/positionsGraph.ts';
import { carriedIn, type Trace } from '../run/forwardTrace.ts';
import { firstResidual } from '../run/forward.ts';
import { floats } from '../run/outputs.ts';
import type { Feed } from '../run/runtime.ts';
import type { Sessions } from '../run/sessions.ts';
import { changeMade } from './attentionPath.ts';
import { softmaxTerms } from './layerRow.ts';
import { readLinearRow } from './linearRow.ts';
import type { PathBuilder } from './pathBuilder.ts';

/** Number of most likely tokens whose logits are shown. */
const CANDIDATES = 20;

/** Adds the stages from the token's id to the input of the first block. */
export async function addInput(
  path: PathBuilder,
  spec: DecoderSpec,
  files: ModelFiles,
  sessions: Sessions,
  trace: Trace,
  token: number,
): Promise<void> {
  const { embedding, embeddingScale, embeddingProjection, embeddingNorm, positions, dim } = spec;
  const id = at(trace.run.ids, token);
  const change = changeMade('embedding', changeAt(residualSteps(trace.run.recipe, 0), 0, token));
  const read = rowAt(trace.resid[0]?.data, token, dim);
  const own = tensor([1, trace.embedding.dims[1] ?? dim], row(trace.embedding, token).slice());
  const first = change === null ? read : (await firstResidual({ spec, files, sessions }, own, token)).data;
  let last: StageName = 'embedding';
  const stored = row(trace.embedding, token);
  path.step('embedding');
  path.add('embedding', stored, { kind: 'row', row: id, rows: embedding.shape[0] ?? 0, tensor: embedding.name });
  let values = stored;
  if (embeddingScale !== 1) {
    values = stored.map((value) => value * embeddingScale);
    path.add('scaledEmbedding', values, { kind: 'scaled', of: 'embedding', factor: embeddingScale });
    last = 'scaledEmbedding';
  }
  const position = await positionRow(spec, files, token);
  const session = await sessions.input();
  const names = [
    ...(embeddingProjection === null ? [] : ['projectedEmbedding']),
    ...(position !== null && embeddingNorm !== null ? ['placedEmbedding'] : []),
  ];
  const feeds: Record<string, Feed> = {
    embedding: tensor([1, values.length], values),
    ...(position === null ? {} : { positions: tensor([1, dim], position) }),
  };
  const made = session === null || names.length === 0 ? {} : await session.run(feeds, names);
  if (embeddingProjection !== null) {
    path.linear('projectedEmbedding', floats(made['projectedEmbedding']), last, embeddingProjection);
    last = 'projectedEmbedding';
  }
  if (position !== null) {
    path.step('position');
    path.add(
      'position',
      position,
      positions.kind === 'learned'
        ? { kind: 'row', row: token + positions.offset, rows: positions.table.shape[0] ?? 0, tensor: positions.table.name }
        : { kind: 'sinusoid', position: token + (positions.kind === 'sinusoidal' ? positions.offset : 0) },
    );
    path.add('placedEmbedding', embeddingNorm === null ? first : floats(made['placedEmbedding']), {
      kind: 'sum',
      of: last,
      with: 'position',
      factor: 1,
    });
    last = 'placedEmbedding';
  }
  if (embeddingNorm !== null) {
    path.step('embeddingNorm');
    const input = path.stages.find(({ name }) => name === last)?.values ?? values;
    await path.norm('normedEmbedding', first, last, embeddingNorm, input);
    last = 'normedEmbedding';
  }
  if (change !== null) path.add('inputChanged', read, { ...change, of: last });
}

/** [D], the position vector added to the embedding; null: none. */
async function positionRow(spec: DecoderSpec, files: ModelFiles, token: number): Promise<Float32Array | null> {
  const { positions, dim } = spec;
  if (!addsPositions(spec)) return null;
  if (positions.kind === 'sinusoidal') return sinusoids(positions, token + 1, dim).slice(token * dim);
  if (positions.kind !== 'learned') return null;
  return (await readRows(files, positions.table, Int32Array.of(token + positions.offset))).data;
}

/** Adds the stages from the last residual to the next-token distribution: of the most likely ids and the actual next token. */
export async function addOutput(
  path: PathBuilder,
  spec: DecoderSpec,
  files: ModelFiles,
  sessions: Sessions,
  trace: Trace,
  token: number,
): Promise<Int32Array> {
  const { dim, vocab, finalNorm, finalProjection, unembed, logitScale, logitCap, streams } = spec;
  path.step('layers', 'layer');
  const places = trace.resid.map(({ data }) => rowAt(data, token, dim));
  path.add('lengths', Float32Array.from(places, length), { kind: 'lengths' });
  path.add(
    'changes',
    Float32Array.from(places.slice(1), (after, i) => length(after.map((value, k) => value - at(places[i] ?? after, k)))),
    { kind: 'lengths' },
  );

  const width = carriedWidth(spec);
  const carried = rowAt(carriedIn(trace).at(-1)?.data, token, width);
  const names = [
    ...(streams === null ? [] : ['merged', ...others(streams.count).flatMap((index) => [`streamOut.${index}`, `streamFactor.${index}`])]),
    'logits',
    ...(finalNorm === null ? [] : ['normed']),
    ...(finalProjection === null ? [] : ['narrowed']),
  ];
  const out = await (
    await sessions.unembed()
  ).run(
    {
      rows: { dims: [1, width], data: carried },
      targets: { dims: [1, 1], data: BigInt64Array.of(0n) },
      topK: { dims: [1], data: BigInt64Array.of(1n) },
      finalExponentials: { dims: [1, vocab], data: new Float32Array(vocab) },
      finalSum: { dims: [1, 1], data: Float32Array.of(1) },
      finalEntropyBits: { dims: [1, 1], data: Float32Array.of(0) },
    },
    names,
  );
  const logits = floats(out['logits']);
  const input = streams === null ? carried : floats(out['merged']);
  if (streams !== null) {
    path.step('mergedStreams');
    const factors = others(streams.count).map((index) => at(floats(out[`streamFactor.${index}`]), 0));
    const shares = Float32Array.from([1, ...factors], (factor) => factor / streams.count);
    const rows = new Float32Array(streams.count * dim);
    rows.set(carried.subarray(0, dim));
    for (const index of others(streams.count)) rows.set(floats(out[`streamOut.${index}`]), index * dim);
    path.along('stream');
    path.add('streamShares', shares, { kind: 'shareOfStreams' });
    path.along('dimension');
    path.add('merged', input, { kind: 'weighted', of: 'streamShares', rows });
  }
  path.step('finalNorm');
  if (streams === null) path.add('finalInput', input, { kind: 'given' });
  let last: StageName = streams === null ? 'finalInput' : 'merged';
  if (finalNorm !== null) {
    await path.norm('lnFinalOut', floats(out['normed']), last, finalNorm, input);
    last = 'lnFinalOut';
  }
  if (finalProjection !== null) {
    path.linear('finalProjected', floats(out['narrowed']), last, finalProjection);
    last = 'finalProjected';
  }
  const ids = candidatesOf(logits, trace.run.ids[token + 1]);
  const shown = Float32Array.from(ids, (id) => at(logits, id));
  path.step('logits', 'vocabulary');
  if (logitScale === 1 && logitCap === null) {
    path.linear('logits', shown, last, unembed, (index) => at(ids, index), ids);
  } else {
    const read = path.stages.find(({ name }) => name === last)?.values ?? input;
    const raw = Float32Array.from(
      await Promise.all(
        Array.from(ids, async (id) => {
          const { weights, bias } = await readLinearRow(files, { linear: unembed, row: id });
          return weights.reduce((sum, weight, i) => sum + weight * at(read, i), bias ?? 0);
        }),
      ),
    );
    path.linear('rawLogits', raw, last, unembed, (index) => at(ids, index), ids);
    const scaled = raw.map((logit) => logit * logitScale);
    if (logitScale !== 1)
      path.add(
        logitCap === null ? 'logits' : 'scaledLogits',
        logitCap === null ? shown : scaled,
        { kind: 'scaled', of: 'rawLogits', factor: logitScale },
        ids,
      );
    if (logitCap !== null)
      path.add('logits', shown, { kind: 'capped', of: logitScale === 1 ? 'rawLogits' : 'scaledLogits', limit: logitCap }, ids);
  }
  path.step('probabilities', 'vocabulary');
  const { max, sum } = softmaxTerms(logits, null);
  path.add(
    'probabilities',
    shown.map((logit) => Math.exp(logit - max) / sum),
    { kind: 'softmax', of: 'logits', max, sum, sink: null },
    ids,
  );
  return ids;
}

/** Ids by descending logit, including the id that follows in the text. */
function candidatesOf(logits: Float32Array, next: number | undefined): Int32Array {
  const best = topIndices(logits, CANDIDATES);
  return next === undefined || best.includes(next) ? Int32Array.from(best) : Int32Array.from([...best, next]);
}

/** The streams but the first. */
function others(count: number): readonly number[] {
  return Array.from({ length: count - 1 }, (_, index) => index + 1);
}

function rowAt(data: Float32Array | undefined, index: number, width: number): Float32Array {
  return data?.slice(index * width, (index + 1) * width) ?? new Float32Array(width);
}

function length(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value ** 2, 0));
}
