// The native runtime of one platform, as the extension ships it. It comes from test/native, whose lockfile pins it by npm's hashes.
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installLocked } from './install.mjs';
import { NATIVE_FOLDER } from './paths.mjs';

/**
 * VS Code's names of the platforms that have a native runtime. Macs with Intel processors have none since ONNX Runtime 1.24, and Alpine
 * has none because of its different C library.
 */
export const NATIVE_TARGETS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];
/** Name of the package without a native runtime, for browsers and all other platforms, where WASM is used. */
export const UNIVERSAL = 'universal';

/**
 * The library beside the binding, by operating system. On Windows that library loads DirectML (40 MB) only for devices other than the
 * CPU, which are never used.
 */
const LIBRARY = { linux: 'libonnxruntime.so.1', darwin: 'libonnxruntime.1.dylib', win32: 'onnxruntime.dll' };
const MODULES = join(NATIVE_FOLDER, 'node_modules');

/** Paths of the files that a platform needs, relative to a `node_modules` folder. */
export function nativeFiles(target) {
  const [system, cpu] = target.split('-');
  const binaries = join('onnxruntime-node', 'bin', 'napi-v6', system, cpu);
  const scripts = (folder) =>
    readdirSync(join(MODULES, folder))
      .filter((name) => /\.js$|^package\.json$/.test(name))
      .map((name) => join(folder, name));
  return [
    join('onnxruntime-node', 'package.json'),
    ...scripts(join('onnxruntime-node', 'dist')),
    join(binaries, 'onnxruntime_binding.node'),
    join(binaries, LIBRARY[system]),
    join('onnxruntime-common', 'package.json'),
    ...scripts(join('onnxruntime-common', 'dist', 'cjs')),
  ];
}

/** Replaces `native` in the folder `dist` with the target's runtime; the universal package has none. Throws for a missing file. */
export function placeNativeRuntime(target, dist) {
  const folder = join(dist, 'native');
  rmSync(folder, { recursive: true, force: true });
  if (target === UNIVERSAL) return;
  for (const file of nativeFiles(target)) {
    if (!existsSync(join(MODULES, file)))
      throw new Error(`The native runtime for ${target} lacks ${file}: remove ${MODULES} and run again.`);
    cpSync(join(MODULES, file), join(folder, 'node_modules', file));
  }
}

/** Installs the native runtimes of all platforms into test/native. */
export function installNativeRuntime() {
  installLocked(NATIVE_FOLDER);
}
