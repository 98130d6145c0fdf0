import { lastResidual, predict } from '../worker/predictions.ts';
import { openInput, type Note } from './input.ts';
import { writeJson } from './json.ts';
import { UsageError, type TraceOptions } from './options.ts';
import { openOutput } from './output.ts';
import { writeSafetensors } from './safetensors.ts';

/** Runs the model over the input and writes the result. Throws UserError or UsageError. */
export async function trace(options: TraceOptions, distFolder: string, note: Note): Promise<void> {
  if (options.format === 'safetensors' && options.output === null && process.stdout.isTTY) throw new UsageError('safetensors is not for a terminal: name a file with --output.');
  const { model, tokens, reading, omitted, characters } = await openInput(options, distFolder, note);
  if (omitted > 0) await note(`The model reads ${model.info.contextLength} tokens at once: the last ${omitted} of ${characters} characters were left out.`);
  const ids = Int32Array.from(tokens, (token) => token.id);
  const output = await openOutput(options.output);
  try {
    const pass = await model.run(ids);
    if (options.format === 'safetensors') await writeSafetensors(output, model, pass);
    else await writeJson(output, model.info, tokens, await predict(model, lastResidual(pass), ids, Math.max(1, options.top), () => undefined), options.top, reading.piece);
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
}
