import { UserError } from './errors.ts';
import { isRecord } from './records.ts';
import { readStep, shown, type Fail } from './recipeSteps.ts';
import { RECURRENCE_NAMES } from './recurrence.ts';
import type { Intervention, Recipe } from './run.ts';
import type { RecurrenceKind } from './trace.ts';
import { msg, type Translatable } from './translatable.ts';

/** Version of recipe files; their format is published in media/recipe.schema.json. */
export const RECIPE_VERSION = 1;
/** Most steps of a recipe. */
const MAX_STEPS = 10_000;

/** What of a model and a text a recipe may name. */
export interface RecipeScope {
  readonly layers: number;
  readonly heads: number;
  /** Widths of a head's output in each layer, and of the residual stream; absent: not known here, and checked by the model. */
  readonly valueDims?: readonly number[];
  readonly dim?: number;
  /** Rows of the unembedding that are directions of the residual stream: 0 where something lies between the two. Absent: as above. */
  readonly vocab?: number;
  /** Neurons of each layer's MLP, 0 where it has none; null: it has experts. Absent: as above. */
  readonly neurons?: readonly (number | null)[];
  /** What each layer has in place of attention; null: it has that. Absent: all layers have, or as above. */
  readonly recurrences?: readonly (RecurrenceKind | null)[];
  /** Tokens that positions may name; null: not known yet, as where a text goes on. */
  readonly tokens: number | null;
}

/** Reads the text of a recipe file. `name`: what errors call it. Throws UserError in one sentence, with the step where one is wrong. */
export function parseRecipe(text: string, name: string): Recipe {
  const parsed = jsonOf(text, name);
  if (!isRecord(parsed) || !Object.hasOwn(parsed, 'version') || !Array.isArray(parsed['steps']))
    throw new UserError(msg`${name} is not a recipe: that is {"version": ${RECIPE_VERSION}, "steps": [...]}.`);
  const { version, steps } = parsed;
  if (version !== RECIPE_VERSION)
    throw new UserError(msg`${name} is a recipe of version ${shown(version)}, and ${RECIPE_VERSION} is the one that can be read.`);
  const other = Object.keys(parsed).find((key) => !['$schema', 'version', 'steps'].includes(key));
  if (other !== undefined) throw new UserError(msg`${name}: a recipe has no ${shown(other)}.`);
  if (steps.length > MAX_STEPS) throw new UserError(msg`${name} has ${steps.length} steps, and a recipe at most ${MAX_STEPS}.`);
  return steps.map((step: unknown, index) => readStep(step, failing(name, index)));
}

/**
 * Throws UserError in one sentence for a step that is none, or that names what the model or the text does not have, as far as `scope` says
 * it. `name`: what the sentence calls the recipe.
 */
export function checkRecipe(recipe: Recipe, scope: RecipeScope, name: string | Translatable = msg`The recipe`): void {
  for (const [index, step] of recipe.entries()) checkStep(readStep(step, failing(name, index)), scope, failing(name, index));
}

function checkStep(step: Intervention, scope: RecipeScope, fail: Fail): void {
  const { layer, head, query, key, token, neuron, direction } = placesOf(step);
  // The residual has one place more than there are layers: after the last.
  const isResidual = step.kind === 'residual' || step.kind === 'steer';
  const last = isResidual ? scope.layers : scope.layers - 1;
  if (layer !== undefined && layer > last)
    fail(
      isResidual
        ? msg`there is no residual at ${layer}: the model has residuals 0 to ${last}, the last after all layers.`
        : msg`there is no layer ${layer}: the model has layers 0 to ${last}.`,
    );
  if (head !== undefined && head >= scope.heads) fail(msg`there is no head ${head}: the model has heads 0 to ${scope.heads - 1}.`);
  if (step.kind === 'head' || step.kind === 'pattern' || step.kind === 'key' || step.kind === 'edge') checkAttention(step, scope, fail);
  const position = query ?? key ?? token;
  if (position !== undefined && scope.tokens !== null && position >= scope.tokens)
    fail(msg`position ${position} is outside the text, whose last token is ${scope.tokens - 1}.`);
  const neurons = layer === undefined ? undefined : scope.neurons?.[layer];
  if (layer !== undefined && neurons === 0 && (step.kind === 'mlp' || neuron !== undefined)) fail(msg`layer ${layer} has no MLP.`);
  if (neuron !== undefined && neurons === null)
    fail(msg`layer ${layer ?? 0} has experts, each with neurons of its own: single neurons are of a layer with one MLP.`);
  if (neuron !== undefined && typeof neurons === 'number' && neuron >= neurons)
    fail(msg`there is no neuron ${neuron}: the MLP of layer ${layer ?? 0} has neurons 0 to ${neurons - 1}.`);
  if (direction !== undefined && scope.vocab === 0)
    fail(msg`the model has more than a norm between its residual and the unembedding, so a token is no direction of the residual.`);
  if (direction !== undefined && scope.vocab !== undefined && direction >= scope.vocab)
    fail(msg`token ${direction} is outside the model's vocabulary of ${scope.vocab}.`);
  const width = step.kind === 'head' ? scope.valueDims?.[step.layer] : scope.dim;
  const given = 'values' in step ? step.values?.length : undefined;
  if (given !== undefined && width !== undefined && given !== width)
    fail(msg`"values" has ${given} numbers, and what it stands for in this model ${width}.`);
}

/** Throws for a step about attention in a layer that has none. */
function checkAttention({ layer }: { readonly layer?: number }, { recurrences }: RecipeScope, fail: Fail): void {
  const own = recurrences?.findIndex((kind, index) => kind !== null && (layer === undefined || index === layer)) ?? -1;
  const kind = recurrences?.[own] ?? null;
  if (kind === null) return;
  if (layer !== undefined) fail(msg`layer ${layer} is ${RECURRENCE_NAMES[kind]}: it has no attention weights to change.`);
  fail(msg`layer ${own} is ${RECURRENCE_NAMES[kind]}, in which nothing can be hidden from later tokens: name a layer with attention.`);
}

/** `value` as the steps of a recipe; undefined where one of them is none, or there are too many. */
export function stepsOf(value: unknown): Recipe | undefined {
  if (!Array.isArray(value) || value.length > MAX_STEPS) return undefined;
  try {
    return value.map((step: unknown, index) => readStep(step, failing('', index)));
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** A recipe as the text of its file, a step a line. */
export function recipeText(recipe: Recipe): string {
  const steps = recipe.map((step) => `\n    ${JSON.stringify(step)}`);
  return `{\n  "version": ${RECIPE_VERSION},\n  "steps": [${steps.join(',')}${steps.length === 0 ? '' : '\n  '}]\n}\n`;
}

function jsonOf(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UserError(msg`${name} is not JSON.`, { cause: error });
  }
}

function failing(name: string | Translatable, index: number): Fail {
  return (problem) => {
    throw new UserError(msg`${name}, step ${index + 1}: ${problem}`);
  };
}

type PlaceName = 'layer' | 'head' | 'query' | 'key' | 'token' | 'neuron' | 'direction';

/** The places that a step names; `query` only of an edge, after its key. */
function placesOf(step: Intervention): Readonly<Partial<Record<PlaceName, number>>> {
  return step;
}
