import { UserError, messageOf } from '../core/errors.ts';
import type { Command } from './options.ts';
import { UsageError } from './optionValues.ts';
import { ReaderGone } from './output.ts';
import { EXIT_CODES, StoppedError } from './signals.ts';
import type { Note } from './input.ts';

const EXIT_UNUSABLE = 1;
const EXIT_USAGE = 2;

/** A command that runs a model. */
export type ComputedCommand = Extract<
  Command,
  { readonly kind: 'trace' | 'generate' | 'compare' | 'score' | 'why' | 'patch' | 'steer' | 'sizes' | 'report' | 'verify' }
>;

/**
 * Runs a command in this process, and returns its exit code. `distFolder` holds the runtime's files. A command's modules are imported
 * here so that a process that only waits for another never loads them.
 */
export async function compute(command: ComputedCommand, distFolder: string, say: Note): Promise<number> {
  if (command.kind === 'score') {
    const { options } = command;
    if (options.engine !== null) return (await import('./runEngineScore.ts')).scoreByEngine(options, options.engine, say);
    return (await import('./runScore.ts')).score(options, distFolder, say);
  }
  if (command.kind === 'verify') {
    const { options } = command;
    if (options.engine !== null) return (await import('./runEngineReport.ts')).verifyByEngine(options, options.engine, say);
    return (await import('./runVerify.ts')).verify(options, distFolder, say);
  }
  if (command.kind === 'generate') {
    const { options } = command;
    if (options.engine !== null) await (await import('./runEngineGenerate.ts')).generateByEngine(options, options.engine, say);
    else await (await import('./runGenerate.ts')).generate(options, distFolder, say);
  } else if (command.kind === 'sizes') await (await import('./runSizes.ts')).sizes(command.options, distFolder, say);
  else if (command.kind === 'compare') await (await import('./runCompare.ts')).compare(command.options, distFolder, say);
  else if (command.kind === 'patch') await (await import('./runPatch.ts')).patch(command.options, distFolder, say);
  else if (command.kind === 'report') {
    const { options } = command;
    if (options.engine !== null) await (await import('./runEngineReport.ts')).reportByEngine(options, options.engine, distFolder, say);
    else await (await import('./runReport.ts')).report(options, distFolder, say);
  } else if (command.kind === 'steer') await (await import('./runSteer.ts')).steer(command.options, distFolder, say);
  else if (command.kind === 'why') await (await import('./runWhy.ts')).why(command.options, distFolder, say);
  else await (await import('./runTrace.ts')).trace(command.options, distFolder, say);
  return 0;
}

/** The exit code of `run`. An error becomes a sentence and a code of its own. */
export async function exitCodeOf(run: () => Promise<number>, say: Note): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    if (error instanceof StoppedError) {
      if (error.message !== '') await say(error.message);
      return EXIT_CODES[error.signal];
    }
    await say(error instanceof UserError || error instanceof UsageError ? error.message : `Unexpected error: ${messageOf(error)}`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_UNUSABLE;
  }
}
