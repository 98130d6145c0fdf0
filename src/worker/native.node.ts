import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import type { OnnxRuntimeNode } from '../model/run/runtime.ts';
import { PROVIDER_NAMES, type ExecutionProvider, type OtherProvider, type RuntimeChoice } from '../core/runtimeChoice.ts';
import { UserError, messageOf } from '../core/errors.ts';
import { msg, type Translatable } from '../core/translatable.ts';

const MODULE = 'onnxruntime-node';
/** The package that onnxruntime-node itself loads. */
const NEEDED = 'onnxruntime-common';

/**
 * File of the module onnxruntime-node, or null where WASM is used. It is looked for in `folder` if the user named one (where it was
 * installed, the `node_modules` there, or the module itself), else in the extension's own folder, where packages for one platform
 * contain it. Parent folders, where Node would look as well, are not searched, since others may be able to write to them. Throws
 * UserError where `native` was chosen and there is none.
 */
export function findNativeRuntime(choice: RuntimeChoice, distFolder: string, folder?: string): string | null {
  if (choice === 'wasm') return null;
  const start = folder ?? dirname(distFolder);
  const installed = join(start, 'node_modules', MODULE);
  const places =
    folder === undefined ? [join(distFolder, 'native', 'node_modules', MODULE), installed] : [installed, join(start, MODULE), start];
  for (const place of places) {
    const file = moduleAt(place);
    if (file !== null) return file;
  }
  if (choice === 'native')
    throw new UserError(msg`The native runtime was asked for, but the module ${MODULE} is not installed in ${start}.`);
  return null;
}

/** The native runtime of a process, as determined before the process starts. */
export interface NativeState {
  /** File of onnxruntime-node; null for WASM. */
  readonly file: string | null;
  /** Whether the user chose `native`: a runtime that does not load is then an error, and WASM is no substitute. */
  readonly insisted: boolean;
  /** The reason why there is no native runtime although one was expected. */
  readonly failure?: string;
  /** The execution provider that was asked for; absent: the CPU. */
  readonly provider?: OtherProvider;
  /** How the provider ended an earlier process: the CPU computes. */
  readonly providerCrash?: string;
}

/**
 * The native runtime for a choice. Throws UserError as `findNativeRuntime` does; where `auto` finds none in the folder that the user
 * named, `failure` says so.
 */
export function nativeState(choice: RuntimeChoice, distFolder: string, folder?: string, provider: ExecutionProvider = 'cpu'): NativeState {
  const file = findNativeRuntime(choice, distFolder, folder);
  const missing = choice === 'auto' && file === null && folder !== undefined;
  return {
    file,
    insisted: choice === 'native',
    ...(missing ? { failure: `The module ${MODULE} is not installed in ${folder}.` } : {}),
    ...(file === null || provider === 'cpu' ? {} : { provider }),
  };
}

/**
 * The main file of the module in this folder; null where there is no module or it is incomplete: the package that it loads itself must
 * be inside the folder or beside it.
 */
function moduleAt(place: string): string | null {
  try {
    const real = realpathSync(place);
    const { name } = JSON.parse(readFileSync(join(real, 'package.json'), 'utf8')) as { readonly name?: unknown };
    if (name !== MODULE) return null;
    const file = createRequire(join(real, 'package.json')).resolve(real);
    // Node looks in these two folders first; the parent folders, where it would look next, do not count.
    const isWhole = [join(real, 'node_modules'), dirname(real)].some((folder) => existsSync(join(folder, NEEDED, 'package.json')));
    return isWhole && file.startsWith(real + sep) ? file : null;
  } catch {
    return null;
  }
}

/** Loads the module that `findNativeRuntime` found. Throws UserError where it does not load on this machine. */
export function loadNativeRuntime(file: string): OnnxRuntimeNode {
  try {
    return createRequire(file)(file) as OnnxRuntimeNode;
  } catch (error) {
    throw new UserError(msg`The native runtime ${file} cannot be loaded: ${messageOf(error)}.`, { cause: error });
  }
}

/** Why a provider cannot compute, in a sentence and for the log; null where the binary has it and it ended no process before. */
export function providerRefusal(
  { listSupportedBackends }: Pick<OnnxRuntimeNode, 'listSupportedBackends'>,
  provider: OtherProvider,
  crash?: string,
): { readonly why: Translatable; readonly details: string } | null {
  const name = PROVIDER_NAMES[provider];
  if (crash !== undefined)
    return {
      why: msg`The execution provider ${name} ended its process, so the CPU computes; the log has the details.`,
      details: `The process ended with ${crash}.`,
    };
  const list = listSupportedBackends().map((backend) => backend.name);
  if (list.includes(provider)) return null;
  return {
    why: msg`The native runtime here has no execution provider ${name}, so the CPU computes.`,
    details: `The binary has these: ${list.join(', ')}.`,
  };
}

/** Windows' exit codes for an access violation and for an illegal instruction. */
const CRASH_CODES = new Set([0xc0000005, 0xc000001d]);
const CRASH_SIGNALS: ReadonlySet<string> = new Set(['SIGILL', 'SIGSEGV', 'SIGBUS']);
/** A driver that gives up; JavaScript without memory ends so as well. */
const ABORTED = 'SIGABRT';

/**
 * The signal or exit code of a crash in native code, which JavaScript and WASM cannot cause; null for any other end of a process. An
 * execution provider (`withProvider`) is suspected of every abort: without it the CPU computes, so nothing is lost.
 */
export function crashOf(code: number | null, signal: string | null, withProvider = false): string | null {
  if (signal !== null) return CRASH_SIGNALS.has(signal) || (withProvider && signal === ABORTED) ? signal : null;
  return code !== null && CRASH_CODES.has(code >>> 0) ? `exit code 0x${(code >>> 0).toString(16)}` : null;
}
