import { UserError } from '../core/errors.ts';
import { withMinusSign } from '../core/numberText.ts';
import { partnersOf, type PatchEstimate, type PatchGrid } from '../core/patchGrid.ts';
import type { CallContext } from '../core/progress.ts';
import { runOf, type Recipe } from '../core/run.ts';
import { at, dot, row, type Tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import type { Gradient, LogitTarget } from '../model/run/gradientCalls.ts';
import type { LayerOutputs } from '../model/run/layerBackwards.ts';
import { layerOf } from './traceRows.ts';

/** Least difference between the two texts' logit differences of which shares can be told. */
const LEAST_DIFFERENCE = 1e-3;

/** Two texts whose numbers are exchanged. */
export interface Patching {
  readonly model: LanguageModel;
  readonly clean: Trace;
  readonly corrupted: Trace;
  /** In the corrupted text. */
  readonly target: LogitTarget;
  /** As in `PatchEstimate`, up to the target's position. */
  readonly partners: Int32Array;
  /** The target's value in each text. */
  readonly values: Readonly<Record<'clean' | 'corrupted', number>>;
  /** What the layers of the clean text put out, as they are asked for. */
  readonly outputs: Map<number, LayerOutputs>;
}

/**
 * Prepares patching numbers of the clean text into the corrupted one, where `target` is. Throws UserError for texts that cannot be aligned
 * there, that predict alike, or a token outside the vocabulary.
 */
export async function openPatching(model: LanguageModel, clean: Trace, corrupted: Trace, target: LogitTarget): Promise<Patching> {
  const { position } = target;
  const partners = partnersOf(clean.run.ids, corrupted.run.ids).slice(0, position + 1);
  const partner = at(partners, position);
  if (partner === -1)
    throw new UserError(
      msg`The texts cannot be aligned: nothing in the other corresponds to token ${position}, where the prediction is made.`,
    );
  const values = {
    clean: await model.logit(clean, { ...target, position: partner }),
    corrupted: await model.logit(corrupted, target),
  };
  const difference = values.clean - values.corrupted;
  if (!(Math.abs(difference) >= LEAST_DIFFERENCE))
    throw new UserError(
      msg`Both texts predict alike: the logit difference is ${withMinusSign(values.corrupted.toFixed(4))} in the one and \
${withMinusSign(values.clean.toFixed(4))} in the other, so nothing is there to be restored.`,
    );
  return { model, clean, corrupted, target, partners, values, outputs: new Map() };
}

/** How many columns a grid has: tokens up to the target's, or heads. */
export function columnsOf({ model, partners }: Patching, grid: PatchGrid): number {
  return grid === 'heads' ? model.info.heads : partners.length;
}

/** The share of the logit difference that a value of the target is: 0 that of the corrupted text, 1 that of the clean one. */
function shareOf({ values: { clean, corrupted } }: Patching, change: number): number {
  return change / (clean - corrupted);
}

/** The gradient's estimate of all cells. */
export async function estimatePatches(patching: Patching, grid: PatchGrid, context: CallContext): Promise<PatchEstimate> {
  const { model, clean, corrupted, target, partners, values } = patching;
  const { layers } = model.info;
  const columns = columnsOf(patching, grid);
  const estimate = new Float32Array(layers * columns);
  const gradient = await model.gradient(corrupted, target, context.progress, (name) => isPatched(name));
  for (let layer = 0; layer < layers; layer++) {
    await context.checkpoint();
    if (grid === 'residual') {
      const [to, from] = [layerOf(clean.resid, layer), layerOf(corrupted.resid, layer)];
      const changes = changesOf(partners, to, from, layerOf(gradient.resid, layer), 1);
      for (const [token, [change = 0]] of changes.entries()) estimate[layer * columns + token] = shareOf(patching, change);
      continue;
    }
    const slopes = insideOf(gradient, layer, grid);
    if (slopes === null) {
      estimate.fill(Number.NaN, layer * columns, (layer + 1) * columns);
      continue;
    }
    const to = await cleanOutputs(patching, layer);
    const from = await model.layerOutputs(corrupted, layer);
    const part = grid === 'mlp' ? 'mlp' : 'heads';
    const units = grid === 'heads' ? columns : 1;
    const changes = changesOf(partners, to[part], from[part], slopes, units);
    for (let column = 0; column < columns; column++) {
      // A head is patched at all tokens that there are in both texts.
      const change =
        grid === 'heads'
          ? changes.reduce((sum, own) => sum + (Number.isNaN(at(own, column)) ? 0 : at(own, column)), 0)
          : changes[column]?.[0];
      estimate[layer * columns + column] = shareOf(patching, change ?? Number.NaN);
    }
  }
  const { position, token, rival = null } = target;
  return { position, token, rival, grid, partners, ...values, layers, columns, estimate };
}

const isPatched = (name: string): boolean => name === 'concatenatedHeads' || name === 'mlpScaled';

/** null: the layer has no such part. */
function insideOf({ inside }: Gradient, layer: number, grid: 'attention' | 'mlp' | 'heads'): Tensor | null {
  return inside[layer]?.get(grid === 'mlp' ? 'mlpScaled' : 'concatenatedHeads') ?? null;
}

/** [T][units], by token and unit of its row: what the clean row changes, times the gradient; NaN where there is no clean row. */
function changesOf(partners: Int32Array, clean: Tensor, corrupted: Tensor, gradient: Tensor, units: number): readonly Float64Array[] {
  const width = at(corrupted.dims, 1) / units;
  return Array.from(partners, (partner, token) =>
    Float64Array.from({ length: units }, (_, unit) => {
      if (partner === -1) return Number.NaN;
      const part = (of: Tensor, index: number): Float32Array => row(of, index).subarray(unit * width, (unit + 1) * width);
      return dot(part(clean, partner), part(gradient, token)) - dot(part(corrupted, token), part(gradient, token));
    }),
  );
}

async function cleanOutputs({ model, clean, outputs }: Patching, layer: number): Promise<LayerOutputs> {
  const known = outputs.get(layer) ?? (await model.layerOutputs(clean, layer));
  outputs.set(layer, known);
  return known;
}

/** The share that one cell restores, measured; NaN for a token without a partner. Throws RangeError for a cell outside the grid. */
export async function patchedShare(patching: Patching, grid: PatchGrid, cell: number, context: CallContext): Promise<number> {
  const { model, corrupted, target, values } = patching;
  const columns = columnsOf(patching, grid);
  const [layer, column] = [Math.floor(cell / columns), cell % columns];
  // Tokens before the first that differs have the same numbers in both texts.
  if (grid !== 'heads' && column < model.sharedTokens(patching.clean.run, corrupted.run)) return 0;
  const steps = await stepsOf(patching, grid, layer, column);
  if (steps.length === 0) return grid === 'heads' ? 0 : Number.NaN;
  const { ids, recipe } = corrupted.run;
  const { position } = target;
  const patched = await model.finalRow({ run: runOf(ids, [...recipe, ...steps]), position, known: corrupted }, context.checkpoint);
  return shareOf(patching, (await model.logitOf(patched, target)) - values.corrupted);
}

/** What sets a cell's numbers to those of the clean text. */
async function stepsOf(patching: Patching, grid: PatchGrid, layer: number, column: number): Promise<Recipe> {
  const { model, clean, partners } = patching;
  const numbers = (of: Tensor, partner: number): readonly number[] => [...row(of, partner)];
  const partner = grid === 'heads' ? -1 : at(partners, column);
  if (grid !== 'heads' && partner === -1) return [];
  const place = { layer, token: column, action: 'set' } as const;
  if (grid === 'residual') return [{ ...place, kind: 'residual', values: numbers(layerOf(clean.resid, layer), partner) }];
  const { heads, mlp } = await cleanOutputs(patching, layer);
  if (grid === 'mlp') return [{ ...place, kind: 'mlp', values: numbers(mlp, partner) }];
  const { heads: count } = model.info;
  const width = at(heads.dims, 1) / count;
  const ofHead = (head: number, from: number) => [...row(heads, from).subarray(head * width, (head + 1) * width)];
  // What attention puts out is a linear map of what all its heads do.
  if (grid === 'attention')
    return Array.from({ length: count }, (_, head) => ({ ...place, kind: 'head', head, values: ofHead(head, partner) }));
  return Array.from(partners).flatMap((from, token) =>
    from === -1 ? [] : [{ kind: 'head', layer, head: column, token, action: 'set', values: ofHead(column, from) } as const],
  );
}
