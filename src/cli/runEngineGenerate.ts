import { UserError } from '../core/errors.ts';
import type { Alternative } from '../engines/engineApi.ts';
import { engineJson, openCommandEngine } from './commandEngine.ts';
import type { EngineOptions } from './engineOptions.ts';
import { readInput, type Note } from './input.ts';
import type { GenerateOptions } from './options.ts';
import { UsageError } from './optionValues.ts';
import { openOutput } from './output.ts';

/** Generates by an engine, with its sampling. JSON has the alternatives that it returns at each step. Throws UserError or UsageError. */
export async function generateByEngine(options: GenerateOptions, engine: EngineOptions, note: Note): Promise<void> {
  const { input, sampling, seed, tokens, top } = options;
  if (input.kind === 'ids') throw new UsageError('--ids does not go with --engine.');
  const text = await readInput(input, note);
  const never = new AbortController().signal;
  const { protocol, host } = await openCommandEngine(engine, never, note);
  const alternatives = Math.min(top, Math.max(1, protocol.abilities.alternatives));
  if (tokens === 0) throw new UserError(`${host} generates one token at least: see --tokens.`);
  const generated = await protocol.generate(text, { ...sampling, seed, tokens, alternatives }, never);
  const output = await openOutput(options.output);
  const format = options.format ?? (options.output === null && process.stdout.isTTY ? 'text' : 'json');
  if (format === 'text') await output.write(`${generated.text}${options.output === null && process.stdout.isTTY ? '\n' : ''}`);
  else {
    const steps = generated.tokens.map((step) => JSON.stringify({ ...tokenJson(step), top: step.top.map(tokenJson) }));
    await output.write(
      `{"model":${engineJson(protocol, engine.address)},\n"sampling":${JSON.stringify({ ...sampling, seed })},\n"steps":[${steps
        .map((step) => `\n${step}`)
        .join(',')}\n],\n"text":${JSON.stringify(generated.text)},\n"end":${JSON.stringify(generated.end)}}\n`,
    );
  }
  await output.finish();
}

/** Probabilities are the model's, before the sampling. */
function tokenJson({ token, logprob }: Alternative): object {
  return { id: token.id, text: token.text, prob: Math.exp(logprob), logprob };
}
