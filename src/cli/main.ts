import { setFlagsFromString } from 'node:v8';
import { version } from '../../package.json';
import { UserError, messageOf } from '../core/errors.ts';
import { compare } from './compare.ts';
import { download } from './download.ts';
import { generate } from './generate.ts';
import { HELP } from './help.ts';
import { UsageError, parseCommand } from './options.ts';
import { ReaderGone, standardOutput } from './output.ts';
import { trace } from './trace.ts';

/**
 * How much of a WebAssembly function V8 runs before it optimizes it, in bytes of code passed; its own 1.8 million are reached by a function of
 * half a megabyte that sets the runtime up once. That takes a core for a second, and a process waits for it when it ends.
 */
const WASM_TIERING_BUDGET = 400_000_000;
const EXIT_UNUSABLE = 1;
const EXIT_USAGE = 2;

/** One line on standard error, written before the process goes on. */
function say(sentence: string): Promise<void> {
  return new Promise((resolve) => process.stderr.write(`explain-tokens: ${sentence.replace(/\s*\n\s*/g, ' ')}\n`, () => resolve()));
}

async function main(): Promise<number> {
  try {
    const command = parseCommand(process.argv.slice(2));
    if (command.kind === 'help') await standardOutput().write(HELP);
    else if (command.kind === 'version') await standardOutput().write(`${version}\n`);
    else if (command.kind === 'generate') await generate(command.options, __dirname, say);
    else if (command.kind === 'compare') await compare(command.options, __dirname, say);
    else if (command.kind === 'download') await download(command.options, say);
    else await trace(command.options, __dirname, say);
    return 0;
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    await say(error instanceof UserError || error instanceof UsageError ? error.message : `Unexpected error: ${messageOf(error)}`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_UNUSABLE;
  }
}

setFlagsFromString(`--wasm-tiering-budget=${WASM_TIERING_BUDGET}`);
// The runtime's threads would keep the process alive; everything has been written by now.
void main().then((code) => process.exit(code));
