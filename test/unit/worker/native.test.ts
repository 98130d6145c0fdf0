import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../../src/core/errors.ts';
import { crashOf, findNativeRuntime, loadNativeRuntime, nativeState, providerRefusal } from '../../../src/worker/native.node.ts';

let root = '';
/** The product, below a folder that anyone may have put modules in. */
let dist = '';
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'explain-tokens-native-')));
  dist = join(root, 'above', 'product', 'dist');
  mkdirSync(dist, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function module(folder: string, name: string, content = 'module.exports = {};'): void {
  mkdirSync(join(folder, name, 'dist'), { recursive: true });
  writeFileSync(join(folder, name, 'package.json'), JSON.stringify({ name, main: 'dist/index.js' }));
  writeFileSync(join(folder, name, 'dist', 'index.js'), content);
}

/** As npm lays them out. */
function install(folder: string): string {
  module(folder, 'onnxruntime-common', 'exports.from = __filename;');
  module(folder, 'onnxruntime-node', "exports.common = require('onnxruntime-common').from;");
  return join(folder, 'onnxruntime-node', 'dist', 'index.js');
}

describe('the native runtime', () => {
  it('is found in the product’s own folder, and not in any above it', () => {
    install(join(root, 'above', 'node_modules'));
    install(join(root, 'node_modules'));
    expect(findNativeRuntime('auto', dist)).toBeNull();
    expect(() => findNativeRuntime('native', dist)).toThrow(
      `The native runtime was asked for, but the module onnxruntime-node is not installed in ${join(root, 'above', 'product')}.`,
    );
    const own = install(join(root, 'above', 'product', 'node_modules'));
    expect(findNativeRuntime('auto', dist)).toBe(own);
    expect(findNativeRuntime('wasm', dist)).toBeNull();
    const shipped = install(join(dist, 'native', 'node_modules'));
    expect(findNativeRuntime('auto', dist)).toBe(shipped);
    expect(findNativeRuntime('wasm', dist)).toBeNull();
  });

  it('that was named and is not there is a failure to be told, not the one shipped; none at all is not', () => {
    expect(nativeState('auto', dist)).toEqual({ file: null, insisted: false });
    const shipped = install(join(dist, 'native', 'node_modules'));
    expect(nativeState('native', dist)).toEqual({ file: shipped, insisted: true });
    const failure = `The module onnxruntime-node is not installed in ${root}.`;
    expect(nativeState('auto', dist, root)).toEqual({ file: null, insisted: false, failure });
    expect(nativeState('wasm', dist, root)).toEqual({ file: null, insisted: false });
    expect(() => nativeState('native', dist, root)).toThrow(UserError);
    expect(nativeState('auto', dist, undefined, 'webgpu')).toEqual({ file: shipped, insisted: false, provider: 'webgpu' });
    expect(nativeState('auto', dist, undefined, 'cpu')).not.toHaveProperty('provider');
    expect(nativeState('wasm', dist, undefined, 'webgpu')).not.toHaveProperty('provider');
  });

  it.each([
    [null, 'SIGILL', 'SIGILL'],
    [null, 'SIGBUS', 'SIGBUS'],
    [null, 'SIGKILL', null],
    [null, 'SIGABRT', null],
    [0xc000001d, null, 'exit code 0xc000001d'],
    [0xc0000005 - 2 ** 32, null, 'exit code 0xc0000005'],
    [1, null, null],
  ])('ended its process by exit code %s or signal %s: %s', (code, signal, crash) => {
    expect(crashOf(code, signal)).toBe(crash);
  });

  it('with an execution provider is not the one suspected: that of every abort, and of what it did to an earlier process', () => {
    expect(crashOf(null, 'SIGABRT', true)).toBe('SIGABRT');
    expect(crashOf(null, 'SIGKILL', true)).toBeNull();
    const binary = { listSupportedBackends: () => [{ name: 'cpu' }, { name: 'webgpu' }] };
    expect(providerRefusal(binary, 'webgpu')).toBeNull();
    expect(providerRefusal(binary, 'webgpu', 'SIGABRT')?.details).toBe('The process ended with SIGABRT.');
    expect(providerRefusal(binary, 'dml')?.details).toBe('The binary has these: cpu, webgpu.');
  });

  it('is found in the chosen folder, in its node_modules or as it, and not in any above it or of the product', () => {
    const chosen = join(root, 'above', 'chosen');
    mkdirSync(join(chosen, 'node_modules'), { recursive: true });
    install(join(root, 'above', 'node_modules'));
    install(join(root, 'above', 'product', 'node_modules'));
    expect(findNativeRuntime('auto', dist, chosen)).toBeNull();
    expect(findNativeRuntime('auto', dist, join(root, 'nowhere'))).toBeNull();
    const own = install(join(chosen, 'node_modules'));
    for (const folder of [chosen, join(chosen, 'node_modules'), join(chosen, 'node_modules', 'onnxruntime-node')])
      expect(findNativeRuntime('auto', dist, folder)).toBe(own);
    expect(loadNativeRuntime(own)).toEqual({ common: join(chosen, 'node_modules', 'onnxruntime-common', 'dist', 'index.js') });
  });

  it('is not one that would take what it needs from a folder above', () => {
    const chosen = join(root, 'above', 'chosen');
    install(join(root, 'above', 'node_modules'));
    module(join(chosen, 'node_modules'), 'onnxruntime-node');
    expect(findNativeRuntime('auto', dist, chosen)).toBeNull();
    module(join(chosen, 'node_modules', 'onnxruntime-node', 'node_modules'), 'onnxruntime-common');
    expect(findNativeRuntime('auto', dist, chosen)).toBe(join(chosen, 'node_modules', 'onnxruntime-node', 'dist', 'index.js'));
  });

  it('may be a link, as pnpm lays modules out, and is no other module in its place', () => {
    const chosen = join(root, 'chosen');
    const store = join(chosen, 'node_modules', '.pnpm', 'onnxruntime-node@1', 'node_modules');
    const real = install(store);
    symlinkSync(join(store, 'onnxruntime-node'), join(chosen, 'node_modules', 'onnxruntime-node'), 'dir');
    expect(findNativeRuntime('auto', dist, chosen)).toBe(real);
    writeFileSync(join(store, 'onnxruntime-node', 'package.json'), JSON.stringify({ name: 'something-else', main: 'dist/index.js' }));
    expect(findNativeRuntime('auto', dist, chosen)).toBeNull();
  });
});
