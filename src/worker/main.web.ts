import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import { asFolder } from '../model/formats/asFolder.ts';
import { wasmRuntime } from '../model/run/runtime.ts';
import type { WorkerApi } from './workerApi.ts';
import { createEngine } from './engine.ts';
import { memoryFiles } from './files.memory.ts';
import type { WebBoot } from './port.web.ts';
import { serve, type Port } from './rpc.ts';

/** The global object of a dedicated worker; the compiler's types describe that of a page. */
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

scope.addEventListener(
  'message',
  ({ data }) => {
    const { wasmBinary } = data as WebBoot;
    const engine = createEngine({
      // Several threads would need shared memory, which a page without cross-origin isolation does not have.
      runtime: () => wasmRuntime({ wasmBinary, threads: 1 }),
      runtimeKind: 'wasm',
      openFiles: async (location) => {
        if (location.kind === 'folder') throw new UserError(msg`The folder ${location.path} cannot be read here: there is no disk.`);
        return asFolder(memoryFiles(location.name, location.files));
      },
    });
    serve<WorkerApi>(port, engine);
  },
  { once: true },
);
