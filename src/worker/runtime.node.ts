import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nativeRuntime, wasmRuntime, type Runtime } from '../model/runtime.ts';
import { loadNativeRuntime } from './native.node.ts';

/** More threads than this gain little and take the machine from its user. */
const MAX_WASM_THREADS = 4;

/** The runtime of this process: native from the module's file, or WASM with its two files in `distFolder`. */
export function nodeRuntime(distFolder: string, nativeFile: string | null): Runtime {
  const cores = availableParallelism();
  if (nativeFile !== null) return nativeRuntime(loadNativeRuntime(nativeFile), cores);
  const wasm = join(distFolder, 'ort-wasm-simd-threaded.wasm');
  const wasmPaths = { mjs: pathToFileURL(join(distFolder, 'ort-wasm-simd-threaded.mjs')).href, wasm: pathToFileURL(wasm).href };
  // The runtime's build for the web would fetch a URL of a file, which Node cannot: it gets the bytes.
  return wasmRuntime({ wasmBinary: readFileSync(wasm), wasmPaths, threads: Math.min(MAX_WASM_THREADS, cores) });
}
