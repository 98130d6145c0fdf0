import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { OnnxRuntimeNode } from '../model/runtime.ts';
import { UserError, messageOf } from '../core/errors.ts';
import { msg } from '../core/translatable.ts';

const MODULE = 'onnxruntime-node';

/** Which runtime is wanted: `auto` takes the native one where it is installed. */
export const RUNTIME_CHOICES = ['auto', 'wasm', 'native'] as const;
export type RuntimeChoice = (typeof RUNTIME_CHOICES)[number];

/**
 * File of the installed module onnxruntime-node, or null where WASM is to be used: looked for from `folder` (an
 * explicit choice) or else from the product's own folder and NODE_PATH. Throws UserError when `native` is asked for in vain.
 */
export function findNativeRuntime(choice: RuntimeChoice, distFolder: string, folder?: string): string | null {
  if (choice === 'wasm') return null;
  const starts = folder === undefined ? [distFolder] : [folder, join(folder, 'node_modules')];
  for (const start of starts) {
    try {
      return createRequire(join(start, 'noop.js')).resolve(MODULE);
    } catch {
      // Not there: the next place, or WASM.
    }
  }
  if (choice === 'native') throw new UserError(msg`The native runtime was asked for, but the module ${MODULE} is not installed.`);
  return null;
}

/** Loads the module that `findNativeRuntime` found. Throws UserError when it does not load on this machine. */
export function loadNativeRuntime(file: string): OnnxRuntimeNode {
  try {
    return createRequire(file)(file) as OnnxRuntimeNode;
  } catch (error) {
    throw new UserError(msg`The native runtime ${file} cannot be loaded: ${messageOf(error)}.`, { cause: error });
  }
}
