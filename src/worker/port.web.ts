import { WorkerEndedError, type Port } from './rpc.ts';

/** First message to a web worker: the runtime's WASM binary, because a worker from a Blob URL cannot fetch neighbouring files. */
export interface WebBoot {
  readonly wasmBinary: Uint8Array;
}

/** Starts dist/web/worker.js from a Blob URL; `script` is its text or bytes. */
export function startWebWorker(script: Uint8Array | string, wasmBinary: Uint8Array): Port {
  const url = URL.createObjectURL(new Blob([typeof script === 'string' ? script : script.slice()], { type: 'text/javascript' }));
  const worker = new Worker(url);
  const listeners: ((error: Error) => void)[] = [];
  let failed: Error | null = null;
  let ended = false;
  const fail = (reason: string): void => {
    if (ended || failed !== null) return;
    failed = new WorkerEndedError(reason);
    worker.terminate();
    for (const listener of listeners) listener(failed);
  };
  worker.addEventListener('error', (event) => fail(event.message || 'its script did not load'));
  worker.addEventListener('messageerror', () => fail('a message could not be read'));
  worker.postMessage({ wasmBinary } satisfies WebBoot, []);
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) => worker.addEventListener('message', (event: MessageEvent<unknown>) => listener(event.data)),
    onFailure: (listener) => {
      listeners.push(listener);
      if (failed !== null) listener(failed);
    },
    terminate: async () => {
      ended = true;
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
