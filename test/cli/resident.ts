import { build } from 'esbuild';
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundles } from '../../scripts/lib/bundles.mjs';
import { ROOT } from '../../scripts/lib/paths.mjs';
import type { Answered, Asked } from './residentMain.ts';

/** Models are not closed where a process ends after its command: past this a new process takes over. */
const MOST_BYTES = 1_200_000_000;

let script: Promise<string> | undefined;
let resident: ChildProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

async function buildScript(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-resident-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'resident.cjs');
  await build({ ...bundles.cli, entryPoints: ['test/cli/residentMain.ts'], outfile });
  return outfile;
}

/**
 * Runs a command of the command line in a process that goes on to the next one, which takes a third of the time of a process each: the
 * same functions that the built command calls in the child process in which it computes. Commands wait for each other.
 */
export function runResident(args: readonly string[], cwd: string): Promise<Answered> {
  const run = last.then(async () => {
    const path = await (script ??= buildScript());
    const child = (resident ??= fork(path, { serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    const asked: Asked = { args, cwd, dist: join(ROOT, 'dist') };
    const answered = await new Promise<Answered>((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`The process ended with ${code} at ${args.join(' ')}`));
      child.once('exit', ended);
      child.once('message', (message) => {
        child.off('exit', ended);
        resolve(message as Answered);
      });
      child.send(asked);
    }).catch((error: unknown) => {
      resident = undefined;
      throw error;
    });
    if (answered.bytes > MOST_BYTES) {
      child.kill('SIGKILL');
      resident = undefined;
    }
    return answered;
  });
  last = run.catch(() => undefined);
  return run;
}
