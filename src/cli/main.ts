import { version } from '../../package.json';
import { UserError, messageOf } from '../core/errors.ts';
import { visibleControls } from '../core/visibleText.ts';
import { computeApart, isApart } from './computeApart.ts';
import { HELP } from './help.ts';
import { parseCommand, type Command } from './options.ts';
import { UsageError } from './optionValues.ts';
import { ReaderGone, standardOutput } from './output.ts';
import { EXIT_CODES, StoppedError } from './signals.ts';

const EXIT_UNUSABLE = 1;
const EXIT_USAGE = 2;

/**
 * Writes one line to standard error and resolves when it is written. Control characters are made visible, so words from models, files
 * and hubs cannot act on the terminal.
 */
function say(sentence: string): Promise<void> {
  return new Promise((resolve) =>
    process.stderr.write(`explain-tokens: ${visibleControls(sentence.replace(/\s*\n\s*/g, ' '))}\n`, () => resolve()),
  );
}

async function main(): Promise<number> {
  try {
    const command = parseCommand(process.argv.slice(2));
    if (command.kind === 'help') await standardOutput().write(HELP);
    else if (command.kind === 'version') await standardOutput().write(`${version}\n`);
    else if (command.kind === 'download') await (await import('./runDownload.ts')).download(command.options, say);
    else if (isApart()) return await compute(command);
    else return await computeApart(__filename, command.options.output);
    return 0;
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

/** Runs a command in this process, and returns its exit code. Its modules are imported here so that the parent process never loads them. */
async function compute(
  command: Extract<Command, { readonly kind: 'trace' | 'generate' | 'compare' | 'score' | 'why' | 'patch' | 'steer' | 'sizes' }>,
): Promise<number> {
  const { endWithParent } = await import('../worker/port.node.ts');
  endWithParent();
  if (command.kind === 'score') {
    const { options } = command;
    if (options.engine !== null) return (await import('./runEngineScore.ts')).scoreByEngine(options, options.engine, say);
    return (await import('./runScore.ts')).score(options, __dirname, say);
  }
  if (command.kind === 'generate') {
    const { options } = command;
    if (options.engine !== null) await (await import('./runEngineGenerate.ts')).generateByEngine(options, options.engine, say);
    else await (await import('./runGenerate.ts')).generate(options, __dirname, say);
  } else if (command.kind === 'sizes') await (await import('./runSizes.ts')).sizes(command.options, __dirname, say);
  else if (command.kind === 'compare') await (await import('./runCompare.ts')).compare(command.options, __dirname, say);
  else if (command.kind === 'patch') await (await import('./runPatch.ts')).patch(command.options, __dirname, say);
  else if (command.kind === 'steer') await (await import('./runSteer.ts')).steer(command.options, __dirname, say);
  else if (command.kind === 'why') await (await import('./runWhy.ts')).why(command.options, __dirname, say);
  else await (await import('./runTrace.ts')).trace(command.options, __dirname, say);
  return 0;
}

// The runtime's threads would keep the process alive; everything has been written by now.
void main().then((code) => process.exit(code));
