import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { messageOf } from '../core/errors.ts';
import { providedRuntime } from '../model/run/executionProvider.ts';
import { nativeRuntime, wasmRuntime, type OnnxRuntimeNode, type Runtime } from '../model/run/runtime.ts';
import { loadNativeRuntime, providerRefusal, type NativeState } from './native.node.ts';

/** Most threads of the WASM runtime; more gain little and slow down the user's machine. */
const MAX_WASM_THREADS = 4;

/**
 * Bytes of code that V8 executes in a WebAssembly function before it optimizes the function. V8's default of 1.8 million is reached by
 * a half-megabyte function that runs once to set up the runtime; optimizing it occupies a core for a second and delays the end of the
 * process.
 */
const WASM_TIERING_BUDGET = 400_000_000;

/**
 * The runtime of this worker process: native, loaded from the module's file, or WASM, whose two files are in `distFolder`. WASM also
 * replaces a native runtime that does not load, unless `insisted`: then UserError is thrown.
 */
export function nodeRuntime(distFolder: string, native: NativeState): Runtime {
  const { file, insisted, failure } = native;
  const cores = availableParallelism();
  if (file === null) return failure === undefined ? wasm(distFolder, cores) : { ...wasm(distFolder, cores), nativeFailure: failure };
  try {
    return withProvider(loadNativeRuntime(file), cores, native);
  } catch (error) {
    if (insisted) throw error;
    return { ...wasm(distFolder, cores), nativeFailure: messageOf(error) };
  }
}

function withProvider(ort: OnnxRuntimeNode, cores: number, { provider, providerCrash }: NativeState): Runtime {
  const cpu = nativeRuntime(ort, cores);
  if (provider === undefined) return cpu;
  const provided = providedRuntime(provider, nativeRuntime(ort, cores, provider), cpu);
  const refusal = providerRefusal(ort, provider, providerCrash);
  if (refusal !== null) provided.giveUp(refusal.why, refusal.details);
  return { ...cpu, provided };
}

function wasm(distFolder: string, cores: number): Runtime {
  setFlagsFromString(`--wasm-tiering-budget=${WASM_TIERING_BUDGET}`);
  const binary = join(distFolder, 'ort-wasm-simd-threaded.wasm');
  const wasmPaths = { mjs: pathToFileURL(join(distFolder, 'ort-wasm-simd-threaded.mjs')).href, wasm: pathToFileURL(binary).href };
  // The runtime's web build would fetch the binary from a file URL, which Node's fetch refuses, so it receives the bytes.
  return wasmRuntime({ wasmBinary: readFileSync(binary), wasmPaths, threads: Math.min(MAX_WASM_THREADS, cores) });
}
