import { UserError } from '../core/errors.ts';
import type { GenerationStep, StopReason } from '../core/generation.ts';
import { continued, runOf } from '../core/run.ts';
import { at } from '../core/tensor.ts';
import { readGeneration, type Generation } from '../model/generation/generationConfig.ts';
import type { GenerationOption } from '../core/trace.ts';
import { checkStep, readInto, takeStep } from '../analysis/generationStep.ts';
import { openInput, type Note, type Opened } from './input.ts';
import { modelJson } from './jsonOutput.ts';
import type { GenerateOptions } from './options.ts';
import { openOutput, type Output } from './output.ts';
import { appliedRecipe } from '../analysis/appliedRecipe.ts';
import { readRecipe, recipeMember } from './recipeOption.ts';

/** Why a generation ended: its last step's reason, or `limit` after as many tokens as were asked for. */
type End = StopReason | 'limit';

/** Writes a generation in one format, step by step. */
interface Writer {
  start(): Promise<void>;
  step(step: GenerationStep, ids: Int32Array): Promise<void>;
  end(ids: Int32Array, end: End): Promise<void>;
}

/** Generates tokens after the input and writes each step as soon as it is taken. Throws UserError or UsageError. */
export async function generate(options: GenerateOptions, distFolder: string, note: Note): Promise<void> {
  const recipe = await readRecipe(options);
  const opened = await openInput(options, distFolder, note);
  const { model, tokens, reading, files, omitted } = opened;
  const { contextLength } = model.info;
  if (omitted !== null) throw new UserError(`${omitted.bound}: the text takes more, and there is no room for another.`);
  const generation = await readGeneration(files, model.config);
  // Positions may be those of tokens yet to come.
  recipe.check(model, tokens.length + options.tokens);
  const ids = Int32Array.from(tokens, ({ id }) => id);
  const prompt = runOf(ids, await appliedRecipe(model, ids, recipe.recipe, (run) => model.run(run)));
  const { sampling, seed, pastEnd } = options;
  checkStep({ run: prompt, sampling, seed, topK: options.top }, contextLength);
  const format = options.format ?? (options.output === null && process.stdout.isTTY ? 'text' : 'json');
  if (format === 'text' && !(await files.list()).includes('tokenizer.json'))
    throw new UserError(`The folder ${files.name} has no tokenizer.json, so its tokens have no text: choose --format json.`);
  if (generation.leftOut.length > 0)
    await note(`Not done, though the model's generation_config.json asks for it: ${listed(generation.leftOut)}.`);
  if (format === 'text' && generation.applied.length > 0)
    await note(`Done at every step, as the model's generation_config.json says: ${listed(generation.applied)}.`);
  const output = await openOutput(options.output);
  const writer =
    format === 'text'
      ? textWriter(output, opened, note, options.output === null && process.stdout.isTTY)
      : jsonWriter(output, opened, options, prompt.ids, generation, recipeMember(recipe));
  const sequence = model.sequence();
  const generated: number[] = [];
  try {
    await writer.start();
    let end: End | null = null;
    while (end === null && generated.length < options.tokens) {
      const run = continued(prompt, generated);
      const step = await takeStep(
        { model, piece: reading.piece, generation },
        { run, prompt: prompt.ids.length, sampling, seed, topK: options.top, pastEnd },
        () => readInto(sequence, run, undefined),
      );
      generated.push(step.id);
      end = step.stop;
      await writer.step(step, Int32Array.from(generated));
    }
    await writer.end(Int32Array.from(generated), end ?? 'limit');
  } catch (error) {
    await output.abandon();
    throw error;
  }
  await output.finish();
}

/**
 * Writes the generated text alone, followed by a line feed on a terminal. A character that spans several tokens is written when it is
 * complete. The reason why the generation ended goes to `note`.
 */
function textWriter(output: Output, { reading, model }: Opened, note: Note, onTerminal: boolean): Writer {
  let written = 0;
  const write = async (text: string): Promise<void> => {
    if (text.length > written) await output.write(text.slice(written));
    written = Math.max(written, text.length);
  };
  return {
    start: async () => undefined,
    step: (_, ids) => write(reading.textOf(ids).replace(/\ufffd+$/, '')),
    end: async (ids, end) => {
      await write(reading.textOf(ids));
      if (onTerminal) await output.write('\n');
      if (end === 'limit') await note(`Ended after ${ids.length} tokens, which is the limit: see --tokens.`);
      if (end === 'context') await note(`Ended as the text fills the ${model.info.contextLength} tokens that the model reads at once.`);
    },
  };
}

/** Writes one JSON object, each step on a line of its own as soon as it is taken. */
function jsonWriter(
  output: Output,
  { reading, model }: Opened,
  { sampling, seed }: GenerateOptions,
  prompt: Int32Array,
  { eos, applied, leftOut, suggested }: Generation,
  more: string,
): Writer {
  let steps = 0;
  return {
    start: () =>
      output.write(
        `{"model":${modelJson(model.info)}${more},\n"sampling":${JSON.stringify({ ...sampling, seed })},\n"generationConfig":` +
          `${JSON.stringify({ applied: optionsJson(applied), leftOut: optionsJson(leftOut), suggested: optionsJson(suggested) })},\n` +
          `"eos":${JSON.stringify(eos)},\n"prompt":${JSON.stringify([...prompt])},\n"steps":[`,
      ),
    step: (step) => output.write(`${steps++ === 0 ? '' : ','}\n${JSON.stringify(record(step))}`),
    end: (ids, end) => output.write(`\n],\n"text":${JSON.stringify(reading.textOf(ids))},\n"end":${JSON.stringify(end)}}\n`),
  };
}

function listed(options: readonly GenerationOption[]): string {
  return options.map(({ name, value }) => `${name} ${value}`).join(', ');
}

function optionsJson(options: readonly GenerationOption[]): object {
  return Object.fromEntries(options.map(({ name, value }) => [name, jsonOf(value)]));
}

/** A value as in its file; a long list, which is cut off and so not valid JSON, stays a string. */
function jsonOf(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function record({ topIds, topProbs, topTempered, topFinal, pieces, ...step }: GenerationStep): object {
  const top = Array.from(topIds, (id, k) => ({
    id,
    text: pieces[id] ?? '',
    prob: at(topProbs, k),
    tempered: at(topTempered, k),
    final: at(topFinal, k),
  }));
  return { ...step, top };
}
