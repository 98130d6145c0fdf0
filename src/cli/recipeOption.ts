import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { bytesText } from '../core/bytesText.ts';
import { UserError, messageOf } from '../core/errors.ts';
import { checkRecipe, parseRecipe, RECIPE_VERSION } from '../core/recipe.ts';
import { runOf, UNCHANGED, type Recipe, type SteeringIntervention } from '../core/run.ts';
import { checkDirections, steeringSteps } from '../core/steering.ts';
import { appliedRecipe } from '../analysis/appliedRecipe.ts';
import { readControlVector } from '../model/formats/gguf/controlVector.ts';
import type { LanguageModel } from '../model/languageModel.ts';
import type { Trace } from '../model/run/forwardTrace.ts';
import { folderFiles } from '../worker/files.node.ts';
import type { ModelOptions } from './options.ts';
import type { SteerBy } from './steerOptions.ts';

/** Most bytes of a recipe's file. */
const MAX_BYTES = 16_000_000;

/** The recipe of a command. */
export interface RecipeOption {
  readonly recipe: Recipe;
  /** The recipe as a file's content, for results: they say what was applied. null: the option was not given. */
  readonly json: string | null;
  /** Throws UserError, naming file and step, for what a model and a text of `tokens` tokens do not have. */
  check(model: Pick<LanguageModel, 'recipeScope'>, tokens: number): void;
}

/**
 * Reads the files of `--recipe` and `--steer`; null: nothing is done to the model. Throws UserError in one sentence that names the file.
 */
export async function readRecipe({ recipe: path, steer }: Pick<ModelOptions, 'recipe' | 'steer'>): Promise<RecipeOption> {
  if (path === null && steer === null) return { recipe: UNCHANGED, json: null, check: () => undefined };
  const name = `--recipe ${path}`;
  const own = path === null ? UNCHANGED : parseRecipe(await textOf(path, name), name);
  const added = steer === null ? [] : await steeringOf(steer);
  const recipe = [...own, ...added];
  return {
    recipe,
    json: JSON.stringify({ version: RECIPE_VERSION, steps: recipe }),
    check: ({ recipeScope }, tokens) => {
      checkRecipe(own, { ...recipeScope, tokens }, name);
      checkDirections(added, recipeScope, `--steer ${steer?.path}`);
    },
  };
}

async function steeringOf({ path, ...steering }: SteerBy): Promise<readonly SteeringIntervention[]> {
  const { directions } = await readControlVector(await folderFiles(dirname(path)), basename(path));
  return steeringSteps(directions, steering);
}

/** A forward pass with what the recipe does to it. Throws UserError where it does not fit the text. */
export async function runWith(model: LanguageModel, ids: Int32Array, recipe: Recipe): Promise<Trace> {
  return model.run(runOf(ids, await appliedRecipe(model, ids, recipe, (run) => model.run(run))));
}

/** What a result's JSON says of the recipe: a member to follow another, empty without the option. */
export function recipeMember({ json }: RecipeOption): string {
  return json === null ? '' : `,\n"recipe":${json}`;
}

async function textOf(path: string, name: string): Promise<string> {
  const bytes = await (async () => {
    const there = await stat(path);
    if (!there.isFile()) throw new Error('it is not a file');
    if (there.size > MAX_BYTES) throw new Error(`it is larger than ${bytesText(MAX_BYTES)}`);
    return readFile(path);
  })().catch((error: unknown) => {
    throw new UserError(`${name} cannot be read: ${messageOf(error)}.`, { cause: error });
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UserError(`${name} is not UTF-8 text.`, { cause: error });
  }
}
