import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { runResident } from './resident.ts';

/** How a command ended, and all that it wrote. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in the folder `cwd` as the built command line does, but in a process that is there already: see `runResident`. */
export async function runHere(args: readonly string[], cwd: string): Promise<Ran> {
  const { code, out, err } = await runResident(args, cwd);
  return { code, out: Buffer.concat(out).toString(), err };
}

/** Runs the built command line in the folder `cwd`. `node`: options of Node itself; `input`: its standard input. */
export function runCommand(
  args: readonly string[],
  { cwd, node = [], input = '' }: { readonly cwd: string; readonly node?: readonly string[]; readonly input?: string },
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...node, join(ROOT, 'dist', 'cli.js'), ...args], { cwd });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // A character may lie in two chunks.
    child.on('close', (code) => resolve({ code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }));
    child.stdin.end(input);
  });
}
