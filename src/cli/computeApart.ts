import { fork } from 'node:child_process';
import { UserError } from '../core/errors.ts';
import { crashOf } from '../worker/native.node.ts';
import { allocatorOf } from '../worker/port.node.ts';
import { removeLeftovers } from './output.ts';
import { onStop, StoppedError, stopSignal, type StopSignal } from './signals.ts';

/** Environment variable that tells a process that it was started by `computeApart`. */
const MARK = 'EXPLAIN_TOKENS_COMPUTES';

/** Whether this process was started by `computeApart`. */
export function isApart(): boolean {
  return process.env[MARK] === '1' && process.send !== undefined;
}

/**
 * Runs this command in a child process that shares this one's streams, and returns its exit code. A process that computes cannot react
 * to signals, so this one receives them: it kills the child and removes the partial file of `output`. Throws StoppedError after a
 * signal, UserError if the child cannot be started or does not exit normally.
 */
export async function computeApart(script: string, output: string | null): Promise<number> {
  const child = fork(script, process.argv.slice(2), {
    // Which runtime there is, the child finds out; with WASM it holds somewhat more, and ends soon.
    env: { ...allocatorOf('native'), ...process.env, [MARK]: '1' },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  let stoppedBy: StopSignal | undefined;
  const off = onStop((signal) => {
    stoppedBy = signal;
    child.kill('SIGKILL');
  });
  try {
    const { code, signal } = await new Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>(
      (resolve, reject) => {
        child.once('error', (error) =>
          reject(new UserError(`The process for the model cannot be started: ${error.message}.`, { cause: error })),
        );
        child.once('exit', (ended, by) => resolve({ code: ended, signal: by }));
      },
    );
    if (output !== null && code !== 0) await removeLeftovers(output);
    // Ctrl+C reaches both processes in a terminal, in either order.
    stoppedBy ??= stopSignal(signal);
    if (stoppedBy !== undefined) throw new StoppedError(stoppedBy, '');
    const crash = crashOf(code, signal);
    if (crash !== null)
      throw new UserError(`The process of the model crashed (${crash}): if the native runtime does not work here, --runtime wasm does.`);
    if (code === null)
      throw new UserError(`The process of the model was ended by ${signal}: it may have needed more memory than there is.`);
    return code;
  } finally {
    off();
  }
}
