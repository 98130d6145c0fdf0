import { commonTokens, type Run } from '../../core/run.ts';
import type { DecoderSpec } from '../families/spec.ts';
import { sameStart } from '../graph/inputs.ts';
import { tokensCutAtOnce } from '../graph/interventionInputs.ts';
import { tensor, type Tensor } from '../../core/tensor.ts';
import { checkRun, forward, type Runnable } from './forward.ts';
import type { OnLayerProgress, Trace } from './forwardTrace.ts';
import { growingTrace, type GrowingTrace } from './growingTrace.ts';
import type { CutText, Piece } from './pieces.ts';
import type { TrunkPart } from './sessions.ts';
import { statesAt } from './states.ts';
import { refuseOtherActive } from './streams.ts';

/**
 * Runs what `held` lacks of `run`, piece by piece, and appends it: equal up to rounding to running all at once. Loads the weights
 * first. What was appended before a failure stays. `other`: what the first block reads in place of what the ids give. `to`: only tokens
 * before it are run.
 */
export async function readOn(
  model: Runnable,
  held: GrowingTrace,
  { ids, recipe }: Run,
  onProgress?: OnLayerProgress,
  other?: Pick<OtherInput, 'input' | 'known'>,
  to = ids.length,
): Promise<void> {
  const { length: known } = held;
  if (known >= to) return;
  const trunk = await model.sessions.trunk((done, total) => onProgress?.({ stage: 'load', done, total }));
  const layers = model.spec.blocks.length;
  const pieces = piecesToRun(model.spec, model.cut, trunk, { ids: ids.subarray(0, to), recipe }, known);
  const report = (done: number): unknown => onProgress?.({ stage: 'forward', done, total: layers * pieces.length });
  await report(0);
  const { layerInput, pastOf: past } = held;
  if (held.states === null)
    held.restore(await statesAt(model.spec, trunk, { recipe, tokens: known, length: ids.length, layerInput, past }));
  for (const [index, { from, to }] of pieces.entries()) {
    const piece = { ids: ids.slice(known + from, known + to), recipe };
    // The last layer is told of once its piece is held.
    const onLayer = (done: number): unknown => (done < layers ? report(index * layers + done) : undefined);
    const rows = (of: Tensor): Tensor => rowsOf(of, known + from, known + to);
    const given = other === undefined ? null : { input: rows(other.input), embedding: rows(other.known.embedding) };
    held.append(await forward(model, trunk, piece, held.past, ids.length, onLayer, given));
    await report((index + 1) * layers);
  }
}

/** How the tokens of a run after the first `known` are cut, counted from there. */
export function piecesToRun(
  spec: DecoderSpec,
  cut: CutText,
  trunk: readonly TrunkPart[],
  { ids, recipe }: Run,
  known: number,
): readonly Piece[] {
  const work = trunk.reduce((most, part) => (part.work.parameters > most.parameters ? part.work : most), trunk[0]?.work ?? NO_WORK);
  const most = Math.min(...trunk.map(({ from, to }) => tokensCutAtOnce(spec, recipe, from, to, ids.length)));
  return atMost(most, cut(work, known, ids.length - known));
}

/** The pieces, those of more than `most` tokens in parts. */
function atMost(most: number, pieces: readonly Piece[]): readonly Piece[] {
  return pieces.flatMap(({ from, to }) =>
    Array.from({ length: Math.ceil((to - from) / Math.min(most, to - from)) }, (_, part) => ({
      from: part === 0 ? from : from + part * most,
      to: Math.min(to, from + (part + 1) * most),
    })),
  );
}

/** A session of nothing. */
const NO_WORK = { parameters: 0, perKey: 0, scoreBytes: 0 };

/** Tokens at the start of `run` that need not be run where the trace of `known` is there: those shared, where their values are the same. */
export function sharedTokens(spec: DecoderSpec, known: Run, run: Run): number {
  return sameStart(spec, known.ids.length, run.ids.length) ? commonTokens(known, run) : 0;
}

/**
 * The trace of `run`; the tokens that it shares with `known` are copied from there. Throws UserError for no ids, ids outside the
 * vocabulary, more ids than learned positions, or a recipe of another model.
 */
export async function runWhole(model: Runnable, run: Run, known: Trace | null, onProgress?: OnLayerProgress): Promise<Trace> {
  checkRun(run, model.spec);
  const held = growingTrace(model.spec, run.ids.length);
  if (known !== null) held.append(known, sharedTokens(model.spec, known.run, run));
  await readOn(model, held, run, onProgress);
  return held.taken(run.recipe);
}

/** What a forward pass starts from in place of what the ids give. */
export interface OtherInput {
  /** [T, D], read by the first block. */
  readonly input: Tensor;
  /** A trace of a run that begins with the same ids; of its first `tokens` tokens input and recipe are the same, too. */
  readonly known: Trace;
  readonly tokens: number;
}

/** The trace of `run` where the first block reads another input: its `resid` begins with that, its `embedding` is still that of the ids. */
export async function runFrom(
  model: Runnable,
  run: Run,
  { input, known, tokens }: OtherInput,
  onProgress?: OnLayerProgress,
): Promise<Trace> {
  checkRun(run, model.spec);
  refuseOtherActive(model.spec);
  const held = growingTrace(model.spec, run.ids.length);
  held.append(known, tokens);
  await readOn(model, held, run, onProgress, { input, known });
  return held.taken(run.recipe);
}

/** A view of rows from..to - 1. */
function rowsOf({ dims, data }: Tensor, from: number, to: number): Tensor {
  const [, dim = 0] = dims;
  return tensor([to - from, dim], data.subarray(from * dim, to * dim));
}
