import { countText } from '../../core/countText.ts';
import { UserError } from '../../core/errors.ts';
import { changeAt, residualSteps } from '../../core/interventions.ts';
import { checkRecipe, type RecipeScope } from '../../core/recipe.ts';
import type { Recipe, Run } from '../../core/run.ts';
import { allFinite, at, row, tensor, type Tensor } from '../../core/tensor.ts';
import { msg } from '../../core/translatable.ts';
import { readRows } from './embeddingRows.ts';
import { recurrenceIn } from '../families/mixers.ts';
import { carriedWidth, keySource, ofLayer, type DecoderSpec } from '../families/spec.ts';
import type { ModelFiles } from '../formats/modelFiles.ts';
import { addsPositions, layerExtras } from '../graph/decoder.ts';
import { layerInputs, positionTables, tableShapes } from '../graph/inputs.ts';
import { neuronsOf } from '../graph/mlp.ts';
import { interventionTables, spanRows } from '../graph/interventionInputs.ts';
import { sinusoids, type Span } from '../graph/positionsGraph.ts';
import type { ExpertChoice, LatentVectors, LayerState, Trace, Past } from './forwardTrace.ts';
import { floats, ints, itemOf } from './outputs.ts';
import { perLayerFeed, perLayerVectors } from './perLayer.ts';
import type { CutText } from './pieces.ts';
import type { Feed } from './runtime.ts';
import type { Sessions, TrunkPart } from './sessions.ts';
import { hasStates, stateFeeds, stateOf } from './states.ts';
import { refuseOtherActive, residualsOf, startOfStreams } from './streams.ts';

/** What a forward pass runs on. */
export interface Runnable {
  readonly spec: DecoderSpec;
  readonly files: ModelFiles;
  readonly sessions: Sessions;
  readonly cut: CutText;
}

/**
 * One forward pass of all layers over the ids of `run`, which follow `past` in a text of `whole` tokens; the trace covers these ids
 * alone. `onLayer` is awaited with the number of layers done; `other`: the input [T, D] that the first block reads in place of
 * what the ids give and the recipe makes of it, with the rows of the embedding table that are those of the ids.
 * Throws UserError for numbers that are not finite.
 */
export async function forward(
  { spec, files, sessions }: Runnable,
  trunk: readonly TrunkPart[],
  run: Run,
  past: Past,
  whole: number,
  onLayer: (layers: number) => unknown,
  other: { readonly input: Tensor; readonly embedding: Tensor } | null = null,
): Promise<Trace> {
  const { heads } = spec;
  const { ids, recipe } = run;
  const length = ids.length;
  const embedding = other?.embedding ?? (await readRows(files, spec.embedding, ids));
  const made = (): Promise<Tensor> => firstResidual({ spec, files, sessions }, embedding, past.tokens);
  const first = other?.input ?? changedInput(await made(), recipe, past.tokens);
  const carried = [await startOfStreams({ spec, sessions }, first)];
  const perLayer = await perLayerVectors({ spec, files, sessions }, ids, made);
  const q: Tensor[] = [];
  const k: Tensor[] = [];
  const v: Tensor[] = [];
  const experts: (ExpertChoice | null)[] = [];
  const latent: LatentVectors[] = [];
  const states: LayerState[] = [];
  const span: Span = { past: past.tokens, room: past.room, tokens: length, length: whole };
  const tables = positionTables(spec, span);
  const rows = spanRows(span);
  for (const { session, from, to } of trunk) {
    const inputs: Record<string, Feed> = { resid: itemOf(carried, from), ...interventionTables(spec, recipe, from, to, rows) };
    for (const [name] of tableShapes(spec, layerInputs(spec, from, to))) inputs[name] = tables.get(name) ?? missing(name);
    const blocks = spec.blocks.slice(from, to);
    for (const [i, block] of blocks.entries()) {
      const { attention } = block;
      const recurrence = recurrenceIn(block);
      const layer = from + i;
      Object.assign(inputs, perLayerFeed(spec, perLayer, layer, 0, length));
      if (recurrence !== null) Object.assign(inputs, stateFeeds(recurrence, layer, past.states[layer] ?? null));
      if (attention.kind === 'attention') {
        const { kvHeads, headDim, valueDim } = ofLayer(spec, layer);
        const source = keySource(spec, layer);
        if (source < from) Object.assign(inputs, { [`ownK.${layer}`]: itemOf(k, source), [`ownV.${layer}`]: itemOf(v, source) });
        inputs[`pastK.${layer}`] = { dims: [kvHeads, past.room, headDim], data: past.k[layer] ?? new Float32Array(0) };
        inputs[`pastV.${layer}`] = { dims: [kvHeads, past.room, valueDim], data: past.v[layer] ?? new Float32Array(0) };
      }
    }
    const names = blocks.flatMap((block, i) => [`resid.${from + i + 1}`, ...layerExtras(block).map((name) => `${name}.${from + i}`)]);
    const out = await session.run(inputs, names);
    for (const [i, block] of blocks.entries()) {
      const { attention, mlp } = block;
      const recurrence = recurrenceIn(block);
      const layer = from + i;
      states.push(recurrence === null ? {} : stateOf(recurrence, layer, out));
      if (attention.kind === 'attention') {
        const { kvHeads, headDim, valueDim } = ofLayer(spec, layer);
        const source = keySource(spec, layer);
        q.push(tensor([heads, length, headDim], floats(out[`q.${layer}`])));
        k.push(source === layer ? tensor([kvHeads, length, headDim], floats(out[`k.${layer}`])) : itemOf(k, source));
        v.push(source === layer ? tensor([kvHeads, length, valueDim], floats(out[`v.${layer}`])) : itemOf(v, source));
      } else for (const all of [q, k, v]) all.push(tensor([0, length, 0], new Float32Array(0)));
      carried.push(finite(tensor([length, carriedWidth(spec)], floats(out[`resid.${layer + 1}`])), layer, recipe));
      experts.push(
        mlp.kind === 'experts'
          ? { ids: ints(out[`experts.${layer}`]), weights: tensor([length, mlp.chosen], floats(out[`expertWeights.${layer}`])) }
          : null,
      );
      if (attention.kind === 'attention' && attention.projections.kind === 'latent') {
        const { rank, rotated } = attention.projections;
        latent.push({
          compressed: tensor([length, rank], floats(out[`compressed.${layer}`])),
          sharedKey: tensor([length, rotated], floats(out[`sharedKey.${layer}`])),
        });
      }
    }
    await onLayer(to);
  }
  return {
    run,
    embedding,
    ...residualsOf(spec, carried),
    q,
    k,
    v,
    ...(perLayer === null ? {} : { perLayer }),
    ...(experts.some((choice) => choice !== null) ? { experts } : {}),
    ...(latent.length > 0 ? { latent } : {}),
    ...(hasStates(spec) ? { states } : {}),
  };
}

/** The input of block `place` with what a recipe does to it; `first`: position of its first row. */
export function changedInput(input: Tensor, recipe: Recipe, first: number, place = 0): Tensor {
  const steps = residualSteps(recipe, place);
  if (steps.length === 0) return input;
  const changed = tensor(input.dims, input.data.slice());
  for (let index = 0; index < at(input.dims, 0); index++) {
    const { factor, shift } = changeAt(steps, 0, first + index);
    const own = row(changed, index);
    for (const [i, value] of own.entries()) own[i] = factor * value + (shift === null ? 0 : at(shift, i));
  }
  return changed;
}

/** [T, D], input of the first block for rows [T, E] of the embedding table as tokens from position `first` on. */
export async function firstResidual({ spec, files, sessions }: Omit<Runnable, 'cut'>, embedding: Tensor, first: number): Promise<Tensor> {
  const [length = 0] = embedding.dims;
  const scaled =
    spec.embeddingScale === 1
      ? embedding
      : tensor(
          embedding.dims,
          embedding.data.map((value) => value * spec.embeddingScale),
        );
  const positions = await positionRows(spec, files, first, length);
  const session = await sessions.input();
  if (session === null) return positions === null ? scaled : tensor(scaled.dims, sumOf(scaled.data, positions.data));
  const feeds: Record<string, Feed> = { embedding: scaled, ...(positions === null ? {} : { positions }) };
  return tensor([length, spec.dim], floats((await session.run(feeds, ['resid'])).resid));
}

/** A loop of its own: a call a number takes several times as long. */
function sumOf(a: Float32Array, b: Float32Array): Float32Array {
  const sum = new Float32Array(a.length);
  for (let i = 0; i < sum.length; i++) sum[i] = (a[i] ?? Number.NaN) + (b[i] ?? Number.NaN);
  return sum;
}

/** [T, D], position vectors added to the embedding, from position `first` on; null: none. */
async function positionRows(spec: DecoderSpec, files: ModelFiles, first: number, length: number): Promise<Tensor | null> {
  const { positions, dim } = spec;
  if (!addsPositions(spec)) return null;
  if (positions.kind === 'sinusoidal')
    return tensor([length, dim], sinusoids({ ...positions, offset: positions.offset + first }, length, dim));
  if (positions.kind !== 'learned') return null;
  return readRows(
    files,
    positions.table,
    Int32Array.from({ length }, (_, i) => first + i + positions.offset),
  );
}

function missing(name: string): never {
  throw new Error(`No table ${name}.`);
}

/** The residual after a layer. Throws UserError where its numbers are not finite. */
export function finite(resid: Tensor, layer: number, recipe: Recipe): Tensor {
  if (!allFinite(resid.data))
    throw new UserError(
      recipe.length === 0
        ? msg`The model's numbers are not finite after layer ${layer}: its weights are damaged.`
        : msg`Under this recipe the model's numbers are not finite after layer ${layer}.`,
    );
  return resid;
}

/** What a recipe for the model may name. */
export function recipeScope(spec: DecoderSpec): Omit<RecipeScope, 'tokens'> {
  const { blocks, heads, dim, vocab, unembed, finalProjection, streams } = spec;
  return {
    layers: blocks.length,
    heads,
    valueDims: blocks.map((_, layer) => ofLayer(spec, layer).valueDim),
    dim,
    vocab: finalProjection === null && streams === null && unembed.layout === 'out-in' ? vocab : 0,
    neurons: blocks.map(({ mlp }) => neuronsOf(mlp)),
    recurrences: blocks.map(({ attention }) => (attention.kind === 'attention' ? null : attention.kind)),
  };
}

/**
 * Throws UserError for no ids, ids outside the vocabulary, or more of them than learned positions; and for a recipe that names a layer or
 * head that the model does not have.
 */
export function checkRun({ ids, recipe }: Run, spec: DecoderSpec): void {
  checkRecipe(recipe, { ...recipeScope(spec), tokens: null });
  if (ids.length === 0) throw new UserError(msg`There is no token to run the model on.`);
  if (residualSteps(recipe, 0).length > 0) refuseOtherActive(spec);
  const outside = ids.find((id) => id < 0 || id >= spec.vocab);
  if (outside !== undefined) throw new UserError(msg`Token ${outside} is outside the model's vocabulary of ${spec.vocab}.`);
  const foreign = ids.find((id) => id >= (spec.perLayerInputs?.beyond?.refused ?? Infinity));
  if (foreign !== undefined) throw new UserError(msg`Token ${foreign} is none of a text: the model has no per-layer embedding for it.`);
  if (spec.positions.kind === 'learned' && ids.length > spec.contextLength) {
    throw new UserError(msg`The model reads ${countText(spec.contextLength)} tokens at most, not ${countText(ids.length)}.`);
  }
}
