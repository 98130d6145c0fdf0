import { vscode } from '../vscode.ts';
import { UserError } from '../../core/errors.ts';
import { checkRecipe, parseRecipe, recipeText } from '../../core/recipe.ts';
import { recurrencesIn } from '../../core/recurrence.ts';
import type { Recipe } from '../../core/run.ts';
import type { Explanation } from '../../core/trace.ts';
import { msg } from '../../core/translatable.ts';
import { t } from '../say.ts';
import { openDialog } from '../surfaces.ts';
import { fileName } from '../fileName.ts';

/** Most bytes of a recipe's file. */
const MAX_BYTES = 16_000_000;

/** Opens a recipe as a new document, as the command line reads it: to look at, to edit, and to save where the user likes. */
export async function openAsDocument(recipe: Recipe): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: 'json', content: recipeText(recipe) });
  await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, preview: false });
}

/**
 * The recipe of a file that the user chooses; undefined: none was chosen. Throws UserError in one sentence for a file that is no recipe,
 * and for a layer, head or position that the model and the text of `explanation` do not have.
 */
export async function chosenRecipe({ model, tokens }: Explanation): Promise<Recipe | undefined> {
  const file = await openDialog('file', t('Choose a recipe of interventions'), t('Use This Recipe'), { JSON: ['json'] });
  if (file === undefined) return undefined;
  const name = fileName(file);
  const bytes = await vscode.workspace.fs.readFile(file);
  if (bytes.byteLength > MAX_BYTES) throw new UserError(msg`${name} is too large for a recipe.`);
  const recipe = parseRecipe(new TextDecoder().decode(bytes), name);
  const recurrences = recurrencesIn(model);
  const scope = { layers: model.layers, heads: model.heads, tokens: tokens.length };
  checkRecipe(recipe, recurrences === undefined ? scope : { ...scope, recurrences }, name);
  return recipe;
}
