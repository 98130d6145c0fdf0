import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { UserError } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';
import { asFolder } from '../model/formats/asFolder.ts';
import type { WorkerApi } from './workerApi.ts';
import { createEngine } from './engine.ts';
import { memoryFiles } from './files.memory.ts';
import { modelAt } from './files.node.ts';
import { freeMemory } from './freeMemory.node.ts';
import { parentSide } from './port.node.ts';
import { serve } from './rpc.ts';
import { nodeRuntime } from './runtime.node.ts';

/** Bytes of new arrays that are worth a collection, which takes longer than a short text's explanation. */
const WORTH_COLLECTING = 64 * 1024 * 1024;

/** V8's garbage collector, which is exposed to programs only under a flag: it collects where there are many new arrays. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let kept = 0;
  return () => {
    const held = process.memoryUsage().arrayBuffers;
    kept = Math.min(kept, held);
    if (held - kept < WORTH_COLLECTING) return;
    collect();
    kept = process.memoryUsage().arrayBuffers;
  };
}

const { port, boot } = parentSide();
const engine = createEngine({
  runtime: () => nodeRuntime(boot.distFolder, boot.native),
  runtimeKind: boot.native.file === null ? 'wasm' : 'native',
  freeMemory,
  heldMemory: () => process.memoryUsage.rss(),
  tidy: garbageCollector(),
  openFiles: async (location) => {
    if (location.kind === 'files') return asFolder(memoryFiles(location.name, location.files));
    if (location.path === '') throw new UserError(msg`No model was given.`);
    const { models = {} } = location;
    return modelAt(location.path, location.name, async () => new Map(Object.entries(models)));
  },
});
serve<WorkerApi>(port, engine);
