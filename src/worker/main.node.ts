import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import { asFolder } from '../model/asFolder.ts';
import type { WorkerApi } from './api.ts';
import { createEngine } from './engine.ts';
import { memoryFiles } from './files.memory.ts';
import { modelAt } from './files.node.ts';
import { freeMemory } from './freeMemory.node.ts';
import { parentSide } from './port.node.ts';
import { serve } from './rpc.ts';
import { nodeRuntime } from './runtime.node.ts';

const { port, boot } = parentSide();
const engine = createEngine({
  runtime: () => nodeRuntime(boot.distFolder, boot.nativeFile),
  runtimeKind: boot.nativeFile === null ? 'wasm' : 'native',
  freeMemory,
  openFiles: async (location) => {
    if (location.kind === 'files') return asFolder(memoryFiles(location.name, location.files));
    if (location.path === '') throw new UserError(msg`No model was given.`);
    return modelAt(location.path, location.name);
  },
});
serve<WorkerApi>(port, engine);
