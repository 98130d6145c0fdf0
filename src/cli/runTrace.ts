import { predict } from '../analysis/predictions.ts';
import { lastResidual } from '../analysis/traceRows.ts';
import { openInput, type Note } from './input.ts';
import { windowMember, writeJson } from './jsonOutput.ts';
import type { TraceOptions } from './options.ts';
import { UsageError } from './optionValues.ts';
import { openOutput } from './output.ts';
import { readRecipe, recipeMember, runWith } from './recipeOption.ts';
import { writeSafetensors } from './safetensorsOutput.ts';

/** Runs the model over the input and writes the result as JSON or safetensors. Throws UserError or UsageError. */
export async function trace(options: TraceOptions, distFolder: string, note: Note): Promise<void> {
  if (options.format === 'safetensors' && options.output === null && process.stdout.isTTY)
    throw new UsageError('safetensors is not for a terminal: name a file with --output.');
  const recipe = await readRecipe(options);
  const { model, tokens, reading, omitted, window } = await openInput(options, distFolder, note);
  if (omitted !== null) await note(omitted.sentence);
  if (window !== null) await note(window.sentence);
  const ids = Int32Array.from(tokens, (token) => token.id);
  recipe.check(model, ids.length);
  const output = await openOutput(options.output);
  try {
    const pass = await runWith(model, ids, recipe.recipe);
    if (options.format === 'safetensors') await writeSafetensors(output, model, pass, recipe.json);
    else
      await writeJson(
        output,
        model.info,
        tokens,
        await predict(model, lastResidual(pass), ids, Math.max(1, options.top), () => undefined),
        options.top,
        reading.piece,
        recipeMember(recipe) + windowMember(window?.read ?? null),
      );
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
}
