import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NATIVE_TARGETS, placeNativeRuntime } from '../../scripts/lib/nativeRuntime.mjs';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { startNodeWorker, type NodeWorkerOptions } from '../../src/worker/port.node.ts';
import { connect, type Connection } from '../../src/worker/rpc.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';

const bundled = { kind: 'folder', name: 'explain-tokens-9m', path: join(ROOT, 'media', 'models', 'explain-tokens-9m') } as const;
const target = `${process.platform}-${process.arch}`;
const own = join('native', 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6', process.platform, process.arch);
const BINDING = join(own, 'onnxruntime_binding.node');
const LIBRARY = join(own, 'libonnxruntime.so.1');

/** The built files as a package for this machine has them. */
let dist = '';
const connections: Connection<WorkerApi>[] = [];

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'platform-'));
  dist = join(folder, 'dist');
  for (const file of ['worker.js', 'cli.js', 'ort-wasm-simd-threaded.wasm', 'ort-wasm-simd-threaded.mjs'])
    cpSync(join(ROOT, 'dist', file), join(dist, file));
  placeNativeRuntime(target, dist);
});

afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.dispose();
  rmSync(dirname(dist), { recursive: true });
});

function start(options: NodeWorkerOptions = {}): Connection<WorkerApi>['remote'] {
  const connection = connect<WorkerApi>(startNodeWorker(dist, options));
  connections.push(connection);
  return connection.remote;
}

describe('a package with a native runtime', () => {
  it('is what this machine has one of', () => {
    expect(NATIVE_TARGETS).toContain(target);
  });

  it('uses it without being told, and WASM when told', async () => {
    const info = await start().open(bundled);
    expect(info.runtime).toBe('native');
    expect(info).not.toHaveProperty('nativeFailure');
    expect((await start({ runtime: 'wasm' }).open(bundled)).runtime).toBe('wasm');
  });
});

const BROKEN: readonly [string, RegExp, () => void][] = [
  ['whose binding is missing', /Cannot find module/, () => rmSync(join(dist, BINDING))],
  ['whose library is missing', /libonnxruntime\.so\.1: cannot open shared object file/, () => rmSync(join(dist, LIBRARY))],
  ['that is an empty file', /file too short/, () => truncateSync(join(dist, BINDING), 0)],
  ['whose library is empty', /file too short/, () => truncateSync(join(dist, LIBRARY), 0)],
  ['that is no binary', /invalid ELF header|file too short/, () => writeFileSync(join(dist, BINDING), 'words '.repeat(1000))],
  ['for another processor', /wrong ELF class|invalid ELF header|cannot open shared object file/, () => otherProcessor(join(dist, LIBRARY))],
  ['for a newer C library', /version `GLIBC_9\.28' not found/, () => newerLibrary(join(dist, LIBRARY))],
];

/** ELF's e_machine, of the other processor that has a package. */
function otherProcessor(file: string): void {
  const bytes = readFileSync(file);
  bytes.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18);
  writeFileSync(file, bytes);
}

/** Asks for a version of the C library that nobody has: the name, and the ELF hash of it by which the loader finds it. */
function newerLibrary(file: string): void {
  const bytes = readFileSync(file);
  const hash = (name: string): Buffer => {
    let h = 0;
    for (const character of Buffer.from(name)) {
      h = ((h << 4) + character) >>> 0;
      const high = (h & 0xf0000000) >>> 0;
      h = ((h ^ (high >>> 24)) & ~high) >>> 0;
    }
    const word = Buffer.alloc(4);
    word.writeUInt32LE(h);
    return word;
  };
  for (const [from, to] of [
    [Buffer.from('GLIBC_2.28\0'), Buffer.from('GLIBC_9.28\0')] as const,
    [hash('GLIBC_2.28'), hash('GLIBC_9.28')] as const,
  ]) {
    for (let at = bytes.indexOf(from); at >= 0 && at < 400_000; at = bytes.indexOf(from, at + 1)) to.copy(bytes, at);
  }
  writeFileSync(file, bytes);
}

describe.each(BROKEN)('a native runtime %s', (_, why, breakIt) => {
  it('is replaced by WASM with the reason, and refused in a sentence where it was insisted on', async () => {
    breakIt();
    const remote = start();
    const info = await remote.open(bundled);
    expect(info.runtime).toBe('wasm');
    expect(info.nativeFailure).toMatch(why);
    expect((await remote.explain({ text: 'The cat sat.', topK: 3 })).tokens.length).toBeGreaterThan(3);
    await expect(start({ runtime: 'native' }).open(bundled)).rejects.toThrow(/^The native runtime .* cannot be loaded: /);
  });
});

/** Puts an instruction that no processor knows at the beginning of what runs when the library is loaded (ELF's DT_INIT). */
function unknownInstruction(file: string): void {
  const bytes = readFileSync(file);
  const whole = (at: number): number => Number(bytes.readBigUInt64LE(at));
  const headers = Array.from({ length: bytes.readUInt16LE(56) }, (_, i) => whole(32) + i * bytes.readUInt16LE(54));
  const [LOAD, DYNAMIC, INIT] = [1, 2, 12];
  const dynamic = headers.find((at) => bytes.readUInt32LE(at) === DYNAMIC) ?? 0;
  const entries = Array.from({ length: whole(dynamic + 32) / 16 }, (_, i) => whole(dynamic + 8) + i * 16);
  const address = whole((entries.find((at) => whole(at) === INIT) ?? 0) + 8);
  const segment = headers.find(
    (at) => bytes.readUInt32LE(at) === LOAD && address >= whole(at + 16) && address < whole(at + 16) + whole(at + 32),
  );
  const place = address - whole((segment ?? 0) + 16) + whole((segment ?? 0) + 8);
  // ud2 of x64, udf of arm64.
  bytes.set(process.arch === 'x64' ? [0x0f, 0x0b] : [0, 0, 0, 0], place);
  writeFileSync(file, bytes);
}

describe.each([
  ['as nearly all of it is missing', /^SIG(BUS|SEGV)$/, () => truncateSync(join(dist, LIBRARY), 700)],
  ['as half of it is missing', /^SIG(BUS|SEGV)$/, () => truncateSync(join(dist, LIBRARY), 20_000_000)],
  ['as the processor does not know its instructions', /^SIGILL$/, () => unknownInstruction(join(dist, LIBRARY))],
] as const)('a native runtime that takes its process down, %s', (_, signal, breakIt) => {
  it('fails one request, and the next one is answered by WASM', async () => {
    breakIt();
    const error: unknown = await start()
      .open(bundled)
      .catch((thrown: unknown) => thrown);
    expect(/signal (SIG\w+)/.exec(String(error))?.[1]).toMatch(signal);
    const remote = start();
    const info = await remote.open(bundled);
    expect([info.runtime, info.nativeFailure]).toEqual(['wasm', expect.stringMatching(/onnxruntime-node.* ended its process \(SIG/)]);
    expect((await remote.explain({ text: 'The cat sat.', topK: 3 })).tokens.length).toBeGreaterThan(3);
  });
});

describe('a folder that was named', () => {
  it('and holds no runtime is said, though WASM computes', async () => {
    const info = await start({ nativeFolder: ROOT }).open(bundled);
    expect([info.runtime, info.nativeFailure]).toEqual(['wasm', `The module onnxruntime-node is not installed in ${ROOT}.`]);
  });
});
