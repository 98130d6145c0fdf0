import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vsixPath } from '../e2e/session.ts';
import { readZip } from './zip.ts';

const run = promisify(execFile);

interface Traced {
  readonly model: { readonly runtime: string };
  readonly tokens: readonly { readonly id: number; readonly logprob: number | null }[];
}

describe('the command line of this machine’s VSIX, unpacked', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unpacked-'));
  const trace = async (args: readonly string[] = [], package_ = 'own'): Promise<{ readonly traced: Traced; readonly said: string }> => {
    const cli = join(folder, package_, 'extension/dist/cli.js');
    const { stdout, stderr } = await run(process.execPath, [cli, 'trace', '--text', 'The cat sat on the mat.', ...args]);
    return { traced: JSON.parse(stdout) as Traced, said: stderr };
  };

  beforeAll(() => {
    for (const [name, vsix] of [['own', vsixPath()] as const, ['universal', vsixPath('universal')] as const]) {
      for (const entry of readZip(readFileSync(vsix))) {
        const file = join(folder, name, entry.name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, entry.read());
      }
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('computes natively without being told, in WASM when told or where there is nothing else, with the same numbers', async () => {
    const own = await trace();
    const wasm = await trace(['--runtime', 'wasm']);
    const universal = await trace([], 'universal');
    expect([own, wasm, universal].map(({ traced, said }) => [traced.model.runtime, said])).toEqual([
      ['native', ''],
      ['wasm', ''],
      ['wasm', ''],
    ]);
    for (const other of [wasm, universal]) {
      expect(other.traced.tokens.map(({ id }) => id)).toEqual(own.traced.tokens.map(({ id }) => id));
      other.traced.tokens.forEach(({ logprob }, at) => expect(logprob ?? 0).toBeCloseTo(own.traced.tokens[at]?.logprob ?? 0, 4));
    }
  });

  it('says in one line why it computes in WASM where the binary is broken, and refuses where the native one was insisted on', async () => {
    const native = join(folder, 'own/extension/dist/native/node_modules/onnxruntime-node/bin/napi-v6', process.platform, process.arch);
    writeFileSync(join(native, 'onnxruntime_binding.node'), 'no binary');
    const { traced, said } = await trace();
    expect(traced.model.runtime).toBe('wasm');
    expect(said).toMatch(
      /^explain-tokens: The slower WebAssembly computes, with the same results: The native runtime .* cannot be loaded: .*\n$/,
    );
    await expect(trace(['--runtime', 'native'])).rejects.toThrow(/The native runtime .* cannot be loaded: /);
  });
});
