import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';
import { onTestFinished } from 'vitest';
import type { LockTimes } from '../../src/library/hub/lock.ts';

/** Program that holds a lock until it is told to end, or to fail like a rename whose folder is gone, and prints the outcome. */
const SCRIPT = `
import { createInterface } from 'node:readline';
import { withLock } from './src/library/hub/lock.ts';
const [, , path, times] = process.argv;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const work = async (lock) => {
  console.log('held' + (lock?.mayHaveAnother === true ? ' after another' : ''));
  for (;;) {
    const { value = 'end' } = await lines.next();
    if (value === 'end') return 'done';
    if (value === 'confirm') await lock.confirm().then(() => console.log('still held'));
    if (value === 'fail') throw new Error('ENOENT: no such file or directory, rename');
    if (value === 'lost?') console.log(lock.lost.aborted ? 'knows' : 'does not know');
  }
};
withLock(path, work, JSON.parse(times))
  .then((done) => console.log(done ? done.value : 'refused'), (error) => console.log(error.name))
  .finally(() => process.exit());
`;

let script: string | undefined;

/** Path of the bundled script, which is built once. */
function built(): string {
  if (script !== undefined) return script;
  const folder = mkdtempSync(join(tmpdir(), 'explain-tokens-holder-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  script = join(folder, 'holder.mjs');
  buildSync({
    stdin: { contents: SCRIPT, loader: 'ts', resolveDir: join(import.meta.dirname, '../..') },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: script,
  });
  return script;
}

/** A process that holds a lock. */
export interface Holder {
  readonly process: ChildProcess;
  /** The next line that it prints. */
  says(): Promise<string>;
  tell(command: 'end' | 'fail' | 'confirm' | 'lost?'): void;
  /** Ends the process with SIGKILL and waits for its end. */
  kill(): Promise<void>;
}

/** Starts a process that takes the lock at `path`. */
export function holder(path: string, times: Partial<LockTimes> = {}): Holder {
  const child = spawn(process.execPath, [built(), path, JSON.stringify(times)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  return {
    process: child,
    says: async () => String((await lines.next()).value),
    tell: (command) => void child.stdin.write(`${command}\n`),
    kill,
  };
}
