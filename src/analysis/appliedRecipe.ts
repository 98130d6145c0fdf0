import { UserError } from '../core/errors.ts';
import { checkRecipe } from '../core/recipe.ts';
import { runOf, UNCHANGED, type Intervention, type Recipe, type Run } from '../core/run.ts';
import { at, dot, row, tensor, type Tensor } from '../core/tensor.ts';
import { msg } from '../core/translatable.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { layerOf } from './traceRows.ts';

/**
 * A recipe with the numbers that some of its steps take from the text: its length, and as it is read without the recipe means over its
 * tokens and the length of a residual. `traceOf`: the trace of that reading, asked for only where it is needed. `prompt`: how many tokens
 * at the start are no generated ones. Throws UserError for a recipe of another model, and for a step that moves a residual that the text
 * does not have.
 */
export async function appliedRecipe(
  model: LanguageModel,
  ids: Int32Array,
  recipe: Recipe,
  traceOf: (run: Run) => Promise<Trace>,
  prompt = ids.length,
): Promise<Recipe> {
  const counted = recipe.map((step) => (step.kind === 'steer' && step.on !== undefined ? { ...step, prompt } : step));
  if (!recipe.some(readsText)) return counted;
  checkRecipe(recipe, { ...model.recipeScope, tokens: null });
  const trace = await traceOf(runOf(ids, UNCHANGED));
  const steps: Intervention[] = [];
  for (const step of counted) steps.push(await applied(model, trace, step));
  return steps;
}

function readsText(step: Intervention): boolean {
  return step.action === 'mean' || 'direction' in step;
}

async function applied(model: LanguageModel, trace: Trace, step: Intervention): Promise<Intervention> {
  if (step.kind === 'residual' && 'direction' in step) {
    const resid = layerOf(trace.resid, step.layer);
    const tokens = at(resid.dims, 0);
    if (step.token >= tokens)
      throw new UserError(msg`The recipe moves the residual of token ${step.token}, and the text's last token is ${tokens - 1}.`);
    const direction = await model.unembeddingRow(step.direction);
    const scale = (step.strength * norm(row(resid, step.token))) / norm(direction);
    return { ...step, values: Array.from(direction, (value) => Math.fround(scale * value)) };
  }
  if (step.action !== 'mean') return step;
  const { heads, mlp } = await model.layerOutputs(trace, step.layer);
  if (step.kind === 'mlp') return { ...step, values: meanRow(mlp) };
  const valueDim = model.recipeScope.valueDims?.[step.layer] ?? 0;
  return { ...step, values: meanRow(heads).slice(step.head * valueDim, (step.head + 1) * valueDim) };
}

function norm(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector));
}

/** [n], the mean of the rows of [T, n]. */
function meanRow({ dims, data }: Tensor): readonly number[] {
  const [tokens = 0, width = 0] = dims;
  const sums = new Float64Array(width);
  const rows = tensor([tokens, width], data);
  for (let token = 0; token < tokens; token++) for (const [i, value] of row(rows, token).entries()) sums[i] = at(sums, i) + value;
  return Array.from(sums, (sum) => Math.fround(sum / tokens));
}
