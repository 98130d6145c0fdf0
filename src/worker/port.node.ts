import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ExecutionProvider, RuntimeChoice } from '../core/runtimeChoice.ts';
import glibc from './glibc.json';
import { crashOf, nativeState, type NativeState } from './native.node.ts';
import { WorkerEndedError, type Port } from './rpc.ts';

/** The worker process's command line argument, as JSON. */
export interface Boot {
  readonly distFolder: string;
  readonly native: NativeState;
}

/** Choice of the runtime for a worker process. */
export interface NodeWorkerOptions {
  readonly runtime?: RuntimeChoice;
  /** The folder where onnxruntime-node is installed; absent: the extension's own. */
  readonly nativeFolder?: string;
  /** The native runtime's execution provider; absent: the CPU. */
  readonly provider?: ExecutionProvider;
}

/**
 * Environment variables for the GNU C library in a process that computes. It would otherwise keep freed memory (a tenth of the total) in
 * per-thread arenas: large blocks are returned to the system at once, and small ones share two arenas. Where the native runtime computes,
 * it asks for pages of 2 MB: each number of a layer is written to memory that is new to the process, and a page of 4 KB takes longer to
 * get than to fill. WASM has its memory from elsewhere, and would only need more. Other C libraries ignore them.
 */
export function allocatorOf(runtime: 'native' | 'wasm'): Readonly<Record<string, string>> {
  return runtime === 'native' ? { ...glibc.always, ...glibc.native } : glibc.always;
}

/**
 * Files of native runtimes that crashed a process, for example on an unsupported processor, and the signal or exit code; `auto` no
 * longer uses them.
 */
const crashed = new Map<string, string>();
/** The same of execution providers, each with a file: the CPU computes, as it may not be the file's fault. */
const crashedProviders = new Map<string, string>();

function withoutCrashed(native: NativeState): NativeState {
  const providerCrash = crashedProviders.get(providerKey(native));
  if (providerCrash !== undefined) return { ...withoutCrashedFile(native), providerCrash };
  return withoutCrashedFile(native);
}

function providerKey({ file, provider }: NativeState): string {
  return `${provider} ${file}`;
}

function withoutCrashedFile(native: NativeState): NativeState {
  const how = native.file === null || native.insisted ? undefined : crashed.get(native.file);
  return how === undefined ? native : { file: null, insisted: false, failure: `${native.file} ended its process (${how}).` };
}

/**
 * Starts dist/worker.js in a process of its own. The end of a process returns all of its memory, whereas a thread would leave most of it
 * allocated, and terminating a thread during a native run would crash the whole process. Throws UserError where `native` was chosen
 * and is not installed.
 */
export function startNodeWorker(distFolder: string, { runtime = 'auto', nativeFolder, provider }: NodeWorkerOptions = {}): Port {
  const native = withoutCrashed(nativeState(runtime, distFolder, nativeFolder, provider));
  const boot: Boot = { distFolder, native };
  // VS Code's own executable runs as Node only when told so.
  const env = { ...allocatorOf(native.file === null ? 'wasm' : 'native'), ...process.env, ELECTRON_RUN_AS_NODE: '1' };
  const child = fork(join(distFolder, 'worker.js'), [JSON.stringify(boot)], {
    serialization: 'advanced',
    env,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.on('exit', (code, signal) => {
    const withProvider = native.provider !== undefined && native.providerCrash === undefined;
    const how = crashOf(code, signal, withProvider);
    if (native.file === null || how === null) return;
    if (withProvider) crashedProviders.set(providerKey(native), how);
    else crashed.set(native.file, how);
  });
  return processPort(child);
}

/** Time within which the end of a process is told after its channel was lost. */
const EXIT_TOLD_MS = 1000;

function processPort(child: ChildProcess): Port {
  const failure = failureOnce();
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.on('error', (error) => failure.report(stopped(error.message)));
  child.on('exit', (code, signal) => failure.report(ended(code, signal)));
  // The channel of a process that ended closes before its end is told, which says why.
  const lost = (): void => void setTimeout(() => failure.report(stopped('connection lost')), EXIT_TOLD_MS);
  return {
    post: (message) => {
      // What was on its way when the channel closed fails in words that depend on how far it had come.
      if (child.connected) child.send(message as object, (error) => (error === null ? undefined : lost()));
      else lost();
    },
    onMessage: (listener) => void child.on('message', listener),
    onFailure: failure.listen,
    terminate: async () => {
      failure.silence();
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The worker process's end of the channel to its parent, and its start argument. */
export function parentSide(): { readonly port: Port; readonly boot: Boot } {
  endWithParent();
  const port: Port = {
    post: (message) => void process.send?.(message),
    onMessage: (listener) => void process.on('message', listener),
    onFailure: () => undefined,
    terminate: async () => process.exit(),
  };
  return { port, boot: JSON.parse(process.argv[2] ?? '{}') as Boot };
}

/** Interval at which a worker process checks that its parent is alive. */
const PARENT_CHECK_MS = 1000;

/** Ends this process when its parent has died. A second thread watches the parent, since a run blocks the main thread. */
export function endWithParent(): void {
  process.on('disconnect', () => process.exit());
  const watch = `
    const { workerData: { parent, everyMs } } = require('node:worker_threads');
    setInterval(() => {
      try {
        process.kill(parent, 0);
        if (process.ppid === parent) return;
      } catch (error) {
        if (error.code === 'EPERM') return;
      }
      process.kill(process.pid, 'SIGKILL');
    }, everyMs);`;
  new Worker(watch, { eval: true, workerData: { parent: process.ppid, everyMs: PARENT_CHECK_MS } }).unref();
}

/** Ends of a process without memory: V8 and the C library abort or trap (134 is their exit code on Windows), and Linux kills. */
const NO_MEMORY: ReadonlySet<string | number | null> = new Set(['SIGABRT', 'SIGTRAP', 'SIGKILL', 134]);

function ended(code: number | null, signal: string | null): Error {
  return new WorkerEndedError(signal === null ? `exit code ${code}` : `signal ${signal}`, NO_MEMORY.has(signal ?? code));
}

function stopped(reason: string): Error {
  return new WorkerEndedError(reason);
}

/** Reports only the first failure, to listeners added later as well; none after `silence`. */
function failureOnce(): {
  readonly report: (error: Error) => void;
  readonly listen: (listener: (error: Error) => void) => void;
  readonly silence: () => void;
} {
  const listeners: ((error: Error) => void)[] = [];
  let failed: Error | null = null;
  let silent = false;
  return {
    report: (error) => {
      if (silent || failed !== null) return;
      failed = error;
      for (const listener of listeners) listener(error);
    },
    listen: (listener) => {
      listeners.push(listener);
      if (failed !== null) listener(failed);
    },
    silence: () => {
      silent = true;
    },
  };
}
