import { copyFile, mkdir, mkdtemp, readFile, readdir, readlink, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderFiles, modelAt } from '../../src/worker/files.node.ts';
import { openWeights } from '../../src/model/formats/weights.ts';
import { openTokenizer } from '../../src/model/tokenizer/textTokenizer.ts';

const MODEL = 'test/fixtures/models/families/qwen2.1';
let root = '';
let gguf: Buffer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'models-'));
  gguf = gunzipSync(await readFile('test/fixtures/gguf/qwen2.q4_1.gguf.gz'));
});
afterAll(() => rm(root, { recursive: true }));

/** A folder of these files and links. */
async function folderOf(
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  links: Readonly<Record<string, string>> = {},
): Promise<string> {
  const path = join(root, name);
  await mkdir(path, { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
  for (const [file, target] of Object.entries(links)) await symlink(target, join(path, file));
  return path;
}

describe('links in a model folder', () => {
  test('that lead out of it are not followed', async () => {
    await writeFile(join(root, 'secret.json'), '{"model_type": "llama"}');
    const files = await folderFiles(
      await folderOf('linked', {}, { 'config.json': join(root, 'secret.json'), 'up.json': '../secret.json', 'same.json': 'own.json' }),
    );
    for (const file of ['config.json', 'up.json']) {
      for (const call of [() => files.size(file), () => files.read(file, 0, 1), async () => files.localPath?.(file)]) {
        await expect(call()).rejects.toThrow(`${file} in the model folder is a link to a place outside of it, which is not followed.`);
      }
    }
    await expect(files.size('same.json')).rejects.toThrow('The model folder has no file same.json.');
    await writeFile(join(root, 'linked', 'own.json'), '{}');
    expect(await files.size('same.json')).toBe(2);
  });

  test('of the cache of Hugging Face lead to the blobs beside it', async () => {
    const blobs = await folderOf('hub/models--a--b/blobs', {});
    await copyFile(`${MODEL}/config.json`, join(blobs, '4f1a'));
    const snapshot = await folderOf(
      'hub/models--a--b/snapshots/0123',
      {},
      { 'config.json': '../../blobs/4f1a', 'other.json': '../../../../secret.json' },
    );
    const files = await folderFiles(snapshot);
    expect(await files.size('config.json')).toBeGreaterThan(100);
    expect(await files.localPath?.('config.json')).toMatch(/blobs.4f1a$/);
    await expect(files.size('other.json')).rejects.toThrow(/link to a place outside/);
  });

  test('a folder that is itself reached by a link is the folder it leads to', async () => {
    const path = await folderOf('real', { 'config.json': '{}' });
    await symlink(path, join(root, 'by-link'));
    expect(await (await folderFiles(join(root, 'by-link'))).size('config.json')).toBe(2);
  });
});

describe('a file of a model', () => {
  /** Open handles of this process on a file. */
  const handlesOn = async (path: string): Promise<number> => {
    const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
    return (await Promise.all(links)).filter((link) => link === path).length;
  };

  test('is opened once for parts read together, and closed soon after the last', async () => {
    const folder = await folderOf('parts', { 'a.bin': Uint8Array.from({ length: 100_000 }, (_, i) => i % 251) });
    const path = await realpath(join(folder, 'a.bin'));
    const files = await folderFiles(folder);
    const parts = Array.from({ length: 50 }, (_, part) => files.read('a.bin', 2000 * part, part === 0 ? 100_000 : 2000));
    for (const [part, bytes] of (await Promise.all(parts)).entries())
      expect([bytes[0], bytes[1999]]).toEqual([(2000 * part) % 251, (2000 * part + 1999) % 251]);
    expect(await files.read('a.bin', 251, 1)).toEqual(Uint8Array.of(0));
    expect(await handlesOn(path)).toBe(1);
    await expect.poll(() => handlesOn(path), { interval: 100, timeout: 60_000 }).toBe(0);
    expect(await files.read('a.bin', 252, 1)).toEqual(Uint8Array.of(1));
  });

  test('that is missing or too short is said to be, and read once it is there', async () => {
    const folder = await folderOf('late', { 'short.bin': Uint8Array.of(1, 2) });
    const files = await folderFiles(folder);
    await expect(files.read('short.bin', 1, 2)).rejects.toThrow('short.bin ends before byte 3.');
    const reads = [files.read('late.bin', 0, 1), files.read('late.bin', 1, 1)];
    for (const read of reads) await expect(read).rejects.toThrow('The model folder has no file late.bin.');
    await writeFile(join(folder, 'late.bin'), Uint8Array.of(7));
    expect(await files.read('late.bin', 0, 1)).toEqual(Uint8Array.of(7));
  });
});

describe('a path to a GGUF file', () => {
  test('opens the model, whatever the file is called and wherever a link to it leads', async () => {
    const store = await folderOf('blobs', { 'sha256-00aa': gguf });
    await symlink(join(store, 'sha256-00aa'), join(root, 'tiny.gguf'));
    for (const [path, name] of [
      [join(store, 'sha256-00aa'), 'sha256-00aa'],
      [join(root, 'tiny.gguf'), 'tiny'],
    ] as const) {
      const files = await modelAt(path);
      expect(files.name).toBe(name);
      expect(files.weights?.type).toBe('Q4_1');
      expect(await files.localPath?.('sha256-00aa')).toMatch(/blobs.sha256-00aa$/);
    }
    expect((await modelAt(join(store, 'sha256-00aa'), 'qwen2:latest')).name).toBe('qwen2:latest');
  });

  test('or to a folder with nothing else in it', async () => {
    expect((await modelAt(await folderOf('only', { 'tiny.gguf': gguf }))).weights?.type).toBe('Q4_1');
  });

  test.each<[what: string, file: string, content: string, message: RegExp]>([
    ['another file', 'notes.txt', 'GGML', /notes\.txt is neither a folder nor a GGUF file\.$/],
    ['an empty file', 'empty.gguf', '', /empty\.gguf is neither a folder nor a GGUF file\.$/],
    ['weights alone', 'model.safetensors', '{}', /model\.safetensors is neither a folder nor a GGUF file: choose the folder it is in\.$/],
  ])('%s is refused', async (_, file, content, message) => {
    await expect(modelAt(join(await folderOf('others', { [file]: content }), file))).rejects.toThrow(message);
  });

  test('a device is refused, and not waited for', async () => {
    const folder = await folderOf('devices', {}, { 'zeros.gguf': '/dev/zero' });
    await expect(modelAt(join(folder, 'zeros.gguf'))).rejects.toThrow(/zeros\.gguf is neither a folder nor a GGUF file\.$/);
  });
});

describe('a folder is refused by one sentence', () => {
  test.each<[what: string, files: Readonly<Record<string, string>>, message: RegExp]>([
    [
      'with another index than the model’s',
      { 'model.fp16.safetensors.index.json': '{}', 'model.fp16-00001-of-00001.safetensors': '' },
      /^two holds 1 safetensors files but no model\.safetensors\.index\.json that says what is where\.$/,
    ],
    [
      'with a pointer in place of the weights',
      { 'model.safetensors': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' },
      /^model\.safetensors is a Git LFS pointer, not the file itself: fetch it with "git lfs pull"\.$/,
    ],
    [
      'with a pointer in place of the index',
      { 'model.safetensors.index.json': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' },
      /^model\.safetensors\.index\.json is a Git LFS pointer/,
    ],
  ])('%s', async (_, files, message) => {
    const path = await folderOf('two', files);
    await expect(openWeights(await folderFiles(path))).rejects.toThrow(message);
    await rm(path, { recursive: true });
  });

  test('without a tokenizer, or with a pointer in its place', async () => {
    await expect(openTokenizer(await folderFiles(await folderOf('bare', { 'config.json': '{}' })), 10)).rejects.toThrow(
      'The folder bare has no tokenizer.json.',
    );
    const path = await folderOf('pointer', { 'tokenizer.json': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' });
    await expect(openTokenizer(await folderFiles(path), 10)).rejects.toThrow(/^tokenizer\.json is a Git LFS pointer/);
  });
});
