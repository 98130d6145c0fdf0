import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Worker, parentPort, workerData } from 'node:worker_threads';
import { findNativeRuntime, type RuntimeChoice } from './native.node.ts';
import type { Port } from './rpc.ts';

/** What the other side is told when it starts. */
export interface Boot {
  readonly distFolder: string;
  /** File of onnxruntime-node; null for WASM. */
  readonly nativeFile: string | null;
}

export interface NodeWorkerOptions {
  readonly runtime?: RuntimeChoice;
  /** Where onnxruntime-node is installed, if not where the product would find it. */
  readonly nativeFolder?: string;
}

/**
 * Starts dist/worker.js. With the native runtime in a process of its own, since ending a thread in the midst of a
 * native run would take the whole process along; with WASM in a thread. Throws UserError when `native` is not installed.
 */
export function startNodeWorker(distFolder: string, { runtime = 'auto', nativeFolder }: NodeWorkerOptions = {}): Port {
  const boot: Boot = { distFolder, nativeFile: findNativeRuntime(runtime, distFolder, nativeFolder) };
  const script = join(distFolder, 'worker.js');
  return boot.nativeFile === null ? threadPort(new Worker(script, { workerData: boot })) : processPort(startProcess(script, boot));
}

function startProcess(script: string, boot: Boot): ChildProcess {
  // VS Code's own executable runs as Node only when told so.
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
  return fork(script, [JSON.stringify(boot)], { serialization: 'advanced', env, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
}

function threadPort(worker: Worker): Port {
  const failure = failureOnce();
  worker.on('error', (error) => failure.report(stopped(error instanceof Error ? error.message : String(error))));
  worker.on('messageerror', (error) => failure.report(stopped(error.message)));
  worker.on('exit', (code) => failure.report(stopped(`exit code ${code}`)));
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) => void worker.on('message', listener),
    onFailure: failure.listen,
    terminate: async () => {
      failure.silence();
      await worker.terminate();
    },
  };
}

function processPort(child: ChildProcess): Port {
  const failure = failureOnce();
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.on('error', (error) => failure.report(stopped(error.message)));
  child.on('exit', (code, signal) => failure.report(stopped(signal === null ? `exit code ${code}` : `signal ${signal}`)));
  return {
    post: (message) => {
      if (child.connected) child.send(message as object, (error) => (error === null ? undefined : failure.report(stopped(error.message))));
      else failure.report(stopped('connection lost'));
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

/** The end seen from within dist/worker.js, and what it was told at its start. */
export function parentSide(): { readonly port: Port; readonly boot: Boot } {
  if (parentPort !== null) {
    const parent = parentPort;
    const port: Port = {
      post: (message, transfer = []) => parent.postMessage(message, [...transfer]),
      onMessage: (listener) => void parent.on('message', listener),
      onFailure: () => undefined,
      terminate: async () => process.exit(),
    };
    return { port, boot: workerData as Boot };
  }
  // A parent that died takes its model along.
  process.on('disconnect', () => process.exit());
  const port: Port = {
    post: (message) => void process.send?.(message),
    onMessage: (listener) => void process.on('message', listener),
    onFailure: () => undefined,
    terminate: async () => process.exit(),
  };
  return { port, boot: JSON.parse(process.argv[2] ?? '{}') as Boot };
}

function stopped(reason: string): Error {
  return new Error(`The model worker stopped unexpectedly (${reason}).`);
}

/** Tells listeners of the first failure only, late ones included; none after `silence`. */
function failureOnce(): { readonly report: (error: Error) => void; readonly listen: (listener: (error: Error) => void) => void; readonly silence: () => void } {
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
