import { UserError } from '../core/errors.ts';
import type { GenerationStep, StopReason } from '../core/generation.ts';
import { at } from '../core/tensor.ts';
import { readStopTokens } from '../model/stopTokens.ts';
import { checkStep, readInto, takeStep } from '../worker/step.ts';
import { openInput, type Note, type Opened } from './input.ts';
import { modelJson } from './json.ts';
import type { GenerateOptions } from './options.ts';
import { openOutput, type Output } from './output.ts';

/** Why a generation ended: as its last step says, or because as many tokens were generated as were asked for. */
type End = StopReason | 'limit';

/** Writes one kind of result, step by step. */
interface Writer {
  start(): Promise<void>;
  step(step: GenerationStep, ids: Int32Array): Promise<void>;
  end(ids: Int32Array, end: End): Promise<void>;
}

/** Lets the model go on from the input and writes each step as it is taken. Throws UserError or UsageError. */
export async function generate(options: GenerateOptions, distFolder: string, note: Note): Promise<void> {
  const opened = await openInput(options, distFolder, note);
  const { model, tokens, reading, files, omitted } = opened;
  const { contextLength } = model.info;
  if (omitted > 0) throw new UserError(`The text takes more than the ${contextLength} tokens that the model reads at once: there is no room for another.`);
  const eos = await readStopTokens(files, model.config);
  const prompt = Int32Array.from(tokens, (token) => token.id);
  const { sampling, seed } = options;
  checkStep({ ids: prompt, sampling, seed, topK: options.top }, contextLength);
  const format = options.format ?? (options.output === null && process.stdout.isTTY ? 'text' : 'json');
  if (format === 'text' && !(await files.list()).includes('tokenizer.json')) throw new UserError(`The folder ${files.name} has no tokenizer.json, so its tokens have no text: choose --format json.`);
  const output = await openOutput(options.output);
  const writer = format === 'text' ? textWriter(output, opened, note) : jsonWriter(output, opened, options, prompt, eos);
  const sequence = model.sequence();
  const generated: number[] = [];
  try {
    await writer.start();
    let end: End | null = null;
    while (end === null && generated.length < options.tokens) {
      const ids = Int32Array.from([...prompt, ...generated]);
      const step = await takeStep({ model, piece: reading.piece, eos }, { ids, sampling, seed, topK: options.top }, () => readInto(sequence, ids, undefined));
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

/** The text alone; a character of several tokens when it is whole. What it ended with goes to `note`. */
function textWriter(output: Output, { reading, model }: Opened, note: Note): Writer {
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
      if (process.stdout.isTTY) await output.write('\n');
      if (end === 'limit') await note(`Ended after ${ids.length} tokens, which is the limit: see --tokens.`);
      if (end === 'context') await note(`Ended as the text fills the ${model.info.contextLength} tokens that the model reads at once.`);
    },
  };
}

/** One object; each step is written on a line of its own as soon as it is taken. */
function jsonWriter(output: Output, { reading, model }: Opened, { sampling, seed }: GenerateOptions, prompt: Int32Array, eos: readonly number[]): Writer {
  let steps = 0;
  return {
    start: () => output.write(`{"model":${modelJson(model.info)},\n"sampling":${JSON.stringify({ ...sampling, seed })},\n"eos":${JSON.stringify(eos)},\n"prompt":${JSON.stringify([...prompt])},\n"steps":[`),
    step: (step) => output.write(`${steps++ === 0 ? '' : ','}\n${JSON.stringify(record(step))}`),
    end: (ids, end) => output.write(`\n],\n"text":${JSON.stringify(reading.textOf(ids))},\n"end":${JSON.stringify(end)}}\n`),
  };
}

function record({ topIds, topProbs, topTempered, topFinal, pieces, ...step }: GenerationStep): object {
  const top = Array.from(topIds, (id, k) => ({ id, text: pieces[id] ?? '', prob: at(topProbs, k), tempered: at(topTempered, k), final: at(topFinal, k) }));
  return { ...step, top };
}
