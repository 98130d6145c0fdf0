import { scoreText } from '../analysis/windowScores.ts';
import { UserError } from '../core/errors.ts';
import { compareSizes, fitSizes, type SizedReading } from '../core/modelSizes.ts';
import { UNWATCHED } from '../core/progress.ts';
import { runOf, UNCHANGED } from '../core/run.ts';
import { strideOf } from '../core/textWindows.ts';
import type { Runtime } from '../model/run/runtime.ts';
import { openTextModel, readInput, runtimeOf, type Note } from './input.ts';
import { openOutput } from './output.ts';
import { progressLine } from './progressLine.ts';
import { roomNow } from './room.ts';
import type { SizesOptions } from './sizesOptions.ts';
import { sizesJson, sizesTable, type NamedSize } from './sizesOutput.ts';

/** Most UTF-16 units of a text whose tokens of all models are in memory at once. */
const MOST_TEXT = 1_000_000;

/** Reads one text with several models, one after another, and writes how they compare. Throws UserError. */
export async function sizes(options: SizesOptions, distFolder: string, note: Note): Promise<void> {
  const text = await readInput(options.input, note);
  if (text.length > MOST_TEXT) throw new UserError(`sizes reads ${MOST_TEXT} characters at most, and this text has ${text.length}.`);
  const runtime = runtimeOf(options, distFolder);
  const progress = progressLine();
  const read: (NamedSize & SizedReading)[] = [];
  for (const [index, path] of options.models.entries()) {
    progress.tell(`model ${index + 1} of ${options.models.length}`);
    read.push(
      await readBy(path, text, runtime, async (sentence) => {
        progress.clear();
        await note(sentence);
      }),
    );
  }
  progress.clear();
  const ordered = read.toSorted((a, b) => a.parameters - b.parameters);
  const comparison = compareSizes(text, ordered);
  const fit = fitSizes(
    ordered.map(({ parameters }) => parameters),
    comparison.bitsPerByte,
  );
  const output = await openOutput(options.output);
  try {
    await output.write((options.format === 'json' ? sizesJson : sizesTable)(text, ordered, comparison, fit));
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
}

/** One model's numbers; the model is gone afterwards, so that the next has its room. */
async function readBy(path: string, text: string, runtime: Runtime, note: Note): Promise<NamedSize & SizedReading> {
  const { model, tokenizer } = await openTextModel(path, runtime, note);
  try {
    const { name, family, parameters, contextLength } = model.info;
    if (contextLength < 2) throw new UserError(`${name} reads ${contextLength} token at once, so it predicts none.`);
    const { tokens: length } = await roomNow(model);
    if (length < 2) throw new UserError(`${name}: free memory holds windows of ${length} tokens, fewer than are needed.`);
    const { ids, tokens } = tokenizer.encode(text);
    const { logprob, rank } = await scoreText(model, runOf(ids, UNCHANGED), { length, stride: strideOf(length) }, UNWATCHED);
    return { name, family, parameters, tokens, logprob, rank };
  } finally {
    await model.dispose();
  }
}
