import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import { asFolder } from '../model/asFolder.ts';
import { wasmRuntime } from '../model/runtime.ts';
import type { WorkerApi } from './api.ts';
import { createEngine } from './engine.ts';
import { memoryFiles } from './files.memory.ts';
import type { WebBoot } from './port.web.ts';
import { serve, type Port } from './rpc.ts';

/** What a dedicated worker's global object has; the compiler knows the page's only. */
interface WorkerScope {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void, options?: { readonly once: boolean }): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;
const port: Port = {
  post: (message, transfer = []) => scope.postMessage(message, [...transfer]),
  onMessage: (listener) => scope.addEventListener('message', (event) => listener(event.data)),
  onFailure: () => undefined,
  terminate: async () => scope.close(),
};

scope.addEventListener('message', ({ data }) => {
  const { wasmBinary } = data as WebBoot;
  const engine = createEngine({
    // A page without cross-origin isolation has no shared memory, which several threads would need.
    runtime: () => wasmRuntime({ wasmBinary, threads: 1 }),
    runtimeKind: 'wasm',
    openFiles: async (location) => {
      if (location.kind === 'folder') throw new UserError(msg`The folder ${location.path} cannot be read here: there is no disk.`);
      return asFolder(memoryFiles(location.name, location.files));
    },
  });
  serve<WorkerApi>(port, engine);
}, { once: true });
