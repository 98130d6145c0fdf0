import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CancelledError, UserError } from '../../src/core/errors.ts';
import type { DownloadProgress } from '../../src/library/hub/hubApi.ts';
import { contentsOf, HURRIED, setting, settingWith, type Setting } from './hub.ts';
import { commitOf } from './hubServer.ts';
import { SHARDED, SINGLE } from './models.ts';

const WEIGHTS = SINGLE.files['model.safetensors'] ?? new Uint8Array();
const NEEDED = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'];

/** The model's folder holds exactly its files, byte for byte, and nothing is left beside it. */
function expectWhole({ root }: Setting, names = NEEDED, model = SINGLE): void {
  const folder = model.id.replace('/', '--');
  const found = contentsOf(root);
  expect(Object.keys(found).sort()).toEqual([...names, 'download.json'].map((name) => `${folder}/${name}`).sort());
  for (const name of names) {
    const expected = model.files[name];
    if (expected === undefined) throw new Error(`The model has no ${name}.`);
    expect(found[`${folder}/${name}`]?.equals(expected), name).toBe(true);
  }
}

/** What has arrived of the weights, below the root. */
function partOf({ root }: Setting): string {
  return Object.keys(contentsOf(root)).find((path) => /safetensors.*\.incomplete$/.test(path)) ?? '';
}

/** Nothing that could be taken for a model. */
async function expectNothingUsable({ root, hub }: Setting): Promise<void> {
  expect(Object.keys(contentsOf(root)).filter((path) => !path.startsWith('.incomplete/'))).toEqual([]);
  expect(await hub.listDownloaded(root)).toEqual([]);
}

const refused =
  (message: RegExp): ((error: unknown) => void) =>
  (error) => {
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^[^\n]+[.:]?$/);
  };

afterEach(() => vi.restoreAllMocks());

describe('a download', () => {
  it('brings the files that are needed, tells what they are, and takes nothing else', async () => {
    const at = await setting(SINGLE);
    const progress: DownloadProgress[] = [];
    const model = await at.fetch('tiny/llama', { onProgress: (each) => progress.push(each) });
    expectWhole(at);
    const bytes = NEEDED.reduce((sum, name) => sum + (SINGLE.files[name]?.length ?? 0), 0);
    expect(model).toMatchObject({
      id: 'tiny/llama',
      commit: commitOf(SINGLE),
      licence: 'apache-2.0',
      entry: null,
      folder: join(at.root, 'tiny--llama'),
      path: join(at.root, 'tiny--llama'),
      bytes,
    });
    expect(progress.at(-1)).toEqual({ stage: 'download', bytesDone: bytes, bytes });
    progress.reduce((before, { bytesDone }) => (expect(bytesDone).toBeGreaterThanOrEqual(before), bytesDone), 0);
    expect(await at.hub.listDownloaded(at.root)).toEqual([model]);
    expect(await at.hub.listUnfinished(at.root)).toEqual([]);
    expect(at.server.requests.length).toBeGreaterThan(NEEDED.length);
    expect(at.server.requests.every(({ url }) => !/README|\.bin|onnx/.test(url))).toBe(true);
    expect(at.server.requests.every(({ url, host }) => host === 'cdn' || /blobs=true|\/resolve\/[0-9a-f]{40}\//.test(url))).toBe(true);
  });

  it('brings shards as the index names them, several at once', async () => {
    const at = await setting(SHARDED);
    await at.fetch('tiny/sharded');
    expectWhole(at, Object.keys(SHARDED.files), SHARDED);
  });

  it('is not made twice, and asks for nothing where the same is there', async () => {
    const at = await setting(SINGLE);
    const first = await at.fetch('tiny/llama');
    const requests = at.server.requests.length;
    expect(await at.fetch('tiny/llama')).toEqual(first);
    expect(at.server.requests.slice(requests).map(({ url }) => url)).toEqual(['/api/models/tiny/llama?blobs=true']);
  });

  it('replaces an older commit as a whole', async () => {
    const at = await setting(SINGLE);
    await at.fetch('tiny/llama');
    const newer = { ...SINGLE, files: { ...SINGLE.files, 'config.json': Buffer.from('{"newer": true}') } };
    at.server.serve(newer);
    expect((await at.fetch('tiny/llama')).commit).toBe(commitOf(newer));
    expectWhole(at, NEEDED, newer);
  });

  it('leaves alone a folder that is somebody’s own', async () => {
    const at = await setting(SINGLE);
    mkdirSync(join(at.root, 'tiny--llama'));
    writeFileSync(join(at.root, 'tiny--llama', 'mine.txt'), 'mine');
    await at.fetch('tiny/llama').then(() => expect.unreachable(), refused(/is there already and holds no download/));
    await at.hub.removeDownload(at.root, 'tiny/llama');
    expect(readFileSync(join(at.root, 'tiny--llama', 'mine.txt'), 'utf8')).toBe('mine');
  });

  it('can be removed, and only it', async () => {
    const at = await setting(SINGLE, SHARDED);
    await at.fetch('tiny/llama');
    await at.fetch('tiny/sharded');
    await at.hub.removeDownload(at.root, 'tiny/llama');
    expectWhole(at, Object.keys(SHARDED.files), SHARDED);
    await expect(at.hub.removeDownload(at.root, '../..')).rejects.toThrow(/is not the id of a model/);
  });
});

describe('a connection that breaks', () => {
  const offsets = [0, 1, 2, 100, 65_535, 65_536, 65_537, 200_000, WEIGHTS.length - 1, WEIGHTS.length];
  it.each(offsets)('after byte %i of the weights is taken up there', async (after) => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'content', file: 'model.safetensors', kind: 'cut', after, times: 1 });
    await at.fetch('tiny/llama');
    expectWhole(at);
    const ranges = at.server.requests
      .filter(({ host }) => host === 'cdn')
      .map(({ headers }) => Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0));
    // What is on its way when the connection breaks may be lost, but nothing that has arrived.
    expect(ranges[0]).toBe(0);
    if (ranges.length > 1) expect(ranges[1]).toBeLessThanOrEqual(after);
  });

  it('at many a byte, one download after the other, leaves the same files every time', async () => {
    const at = await setting(SINGLE);
    for (let after = 3; after < WEIGHTS.length; after += 30_011) {
      at.server.misbehave(
        { where: 'content', file: 'model.safetensors', kind: 'cut', after, times: 1 },
        { where: 'content', file: 'config.json', kind: 'cut', after: after % 700, times: 1 },
      );
      await at.fetch('tiny/llama');
      expectWhole(at);
      await at.hub.removeDownload(at.root, 'tiny/llama');
    }
  });

  it('at every byte of a small file, again and again, still ends whole', async () => {
    const at = await setting(SINGLE);
    at.server.misbehave(
      { where: 'content', file: 'generation_config.json', kind: 'cut', after: 1 },
      { where: 'content', file: 'config.json', kind: 'cut', after: 37 },
    );
    await at.fetch('tiny/llama');
    expectWhole(at);
  });

  it('for good is told in one sentence, and what has arrived is kept for the next time', async () => {
    const at = await setting(SINGLE);
    at.server.misbehave(
      { where: 'content', file: 'model.safetensors', kind: 'cut', after: 100_000, times: 1 },
      { where: 'content', file: 'model.safetensors', kind: 'cut', after: 0 },
    );
    await at.fetch('tiny/llama').then(() => expect.unreachable(), refused(/^The connection to 127\.0\.0\.1:\d+ failed: /));
    await expectNothingUsable(at);
    const [unfinished] = await at.hub.listUnfinished(at.root);
    expect(unfinished?.bytesDone).toBeGreaterThan(30_000);
    at.server.behave();
    const before = at.server.requests.length;
    await at.fetch('tiny/llama');
    expectWhole(at);
    const again = at.server.requests.slice(before).filter(({ host }) => host === 'cdn');
    expect(again.map(({ headers }) => headers.range)).toEqual([expect.stringMatching(/^bytes=\d{5,6}-$/)]);
    expect(again[0]?.headers['if-range']).toMatch(/^"[0-9a-f]{64}"$/);
  });

  it.each(['noRange', 'rangeRefused', 'otherRange'] as const)('is begun anew where the hub gives no range (%s)', async (kind) => {
    const at = await setting(SINGLE);
    at.server.misbehave(
      { where: 'content', file: 'model.safetensors', kind: 'cut', after: 150_000, times: 1 },
      { where: 'content', file: 'model.safetensors', kind, times: 1 },
    );
    await at.fetch('tiny/llama');
    expectWhole(at);
  });

  it('on which nothing comes any more is given up and taken up', async () => {
    const at = await settingWith(HURRIED, SINGLE);
    at.server.misbehave(
      { where: 'content', file: 'model.safetensors', kind: 'stall', after: 50_000, times: 1 },
      { where: 'resolve', file: 'config.json', kind: 'never', times: 1 },
    );
    await at.fetch('tiny/llama');
    expectWhole(at);
  });

  it('may be slow', async () => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'content', file: 'model.safetensors', kind: 'slow', bytesAtATime: 20_000, ms: 5 });
    await at.fetch('tiny/llama');
    expectWhole(at);
  });
});

describe('content that is not what was announced', () => {
  it.each(['model.safetensors', 'config.json'])('is refused, and nothing of it kept: %s', async (file) => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'content', file, kind: 'wrong' });
    await at.fetch('tiny/llama').then(() => expect.unreachable(), refused(new RegExp(`^${file} arrived damaged`)));
    await expectNothingUsable(at);
    expect(Object.keys(contentsOf(at.root)).filter((path) => path.includes(`/${file}`))).toEqual([]);
    at.server.behave();
    await at.fetch('tiny/llama');
    expectWhole(at);
  });

  it('in a part from before costs one more try from the beginning', async () => {
    const at = await setting(SINGLE);
    at.server.misbehave(
      { where: 'content', file: 'model.safetensors', kind: 'cut', after: 200_000, times: 1 },
      { where: 'resolve', file: 'model.safetensors', kind: 'status', status: 404 },
    );
    await at.fetch('tiny/llama').then(() => expect.unreachable(), refused(/./));
    const handle = await open(join(at.root, partOf(at)), 'r+');
    await handle.write('damaged', 1000);
    await handle.close();
    at.server.behave();
    await at.fetch('tiny/llama');
    expectWhole(at);
  });

  it('on the disk by the time all has arrived is noticed: another process may have written there', async () => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'content', file: 'model.safetensors', kind: 'slow', bytesAtATime: 20_000, ms: 5 });
    let written = false;
    const damage = ({ bytesDone }: DownloadProgress): void => {
      if (written || bytesDone < 100_000) return;
      written = true;
      const other = openSync(join(at.root, partOf(at)), 'r+');
      writeSync(other, 'damaged', 1000);
      closeSync(other);
    };
    await at.fetch('tiny/llama', { onProgress: damage }).then(() => expect.unreachable(), refused(/^model.safetensors arrived damaged/));
    await expectNothingUsable(at);
    at.server.behave();
    await at.fetch('tiny/llama');
    expectWhole(at);
  });

  it.each([
    ['longer', true],
    ['longer', false],
    ['shorter', true],
    ['shorter', false],
  ] as const)('in size is refused: %s, declared %s', async (kind, declared) => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'content', file: 'model.safetensors', kind, declared });
    await at
      .fetch('tiny/llama')
      .then(
        () => expect.unreachable(),
        refused(
          declared
            ? /is announced with 427360 bytes and comes with/
            : kind === 'longer'
              ? /does not end after the 427360 bytes/
              : /ends after 427359 of 427360 bytes|not expected/,
        ),
      );
    await expectNothingUsable(at);
  });

  it('and has no end is refused after its last byte', async () => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'content', file: 'config.json', kind: 'endless' });
    await at.fetch('tiny/llama').then(() => expect.unreachable(), refused(/^config.json does not end after the \d+ bytes/));
    await expectNothingUsable(at);
  });
});

describe('a download that is stopped', () => {
  it.each([0, 1, 2, 3, 5, 8, 13, 20, 30])('at its event %i is cancelled, uses nothing, and can go on', async (event) => {
    const at = await setting(SINGLE);
    at.server.misbehave({ where: 'content', file: 'model.safetensors', kind: 'slow', bytesAtATime: 10_000, ms: 0 });
    const stop = new AbortController();
    let seen = 0;
    const fetched = at.fetch('tiny/llama', { signal: stop.signal, onProgress: () => seen++ === event && stop.abort() });
    await expect(fetched).rejects.toBeInstanceOf(CancelledError);
    await expectNothingUsable(at);
    at.server.behave();
    await at.fetch('tiny/llama');
    expectWhole(at);
  });

  it('while it waits for the hub, for longer than this test may take, ends at once', async () => {
    const at = await settingWith({ longestAskedMs: 310_000 }, SINGLE);
    at.server.misbehave({ where: 'resolve', kind: 'status', status: 429, headers: { 'retry-after': '300' } });
    const stop = new AbortController();
    await expect(
      at.fetch('tiny/llama', { signal: stop.signal, onProgress: ({ stage }) => stage === 'wait' && stop.abort() }),
    ).rejects.toBeInstanceOf(CancelledError);
  });

  it('by another download of the same model says so; afterwards all is there', async () => {
    const at = await setting(SINGLE);
    const results = await Promise.allSettled([at.fetch('tiny/llama'), at.fetch('tiny/llama')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    refused(/^tiny\/llama is being downloaded already\.$/)(results.find((result) => result.status === 'rejected')?.reason);
    expectWhole(at);
  });

  it('by another window says so', async () => {
    const at = await setting(SINGLE);
    at.server.misbehave(
      { where: 'content', file: 'model.safetensors', kind: 'cut', after: 200_000, times: 1 },
      { where: 'resolve', file: 'model.safetensors', kind: 'status', status: 404 },
    );
    await at.fetch('tiny/llama').then(() => expect.unreachable(), refused(/./));
    at.server.behave();
    const lock = join(at.root, '.incomplete', 'tiny--llama.lock');
    const hold = (pid: number, host: string): void => writeFileSync(lock, JSON.stringify({ pid, host, nonce: 'x' }));
    for (const [pid, host] of [
      [process.ppid, hostname()],
      [1, 'another-machine'],
    ] as const) {
      hold(pid, host);
      await at.fetch('tiny/llama').then(() => expect.unreachable(), refused(/^tiny\/llama is being downloaded already\.$/));
    }
    // Not touched for two minutes, nor while it is watched: whoever held it is gone, or asleep with its files open.
    utimesSync(lock, new Date(Date.now() - 120_000), new Date(Date.now() - 120_000));
    const asleep = await open(join(at.root, partOf(at)), 'r+');
    await at.fetch('tiny/llama');
    await asleep.write('damaged', 1000);
    await asleep.truncate(2000);
    await asleep.close();
    expectWhole(at);
  });

  it('by another that took it over, or moved its folder, is told in one sentence', async () => {
    const at = await setting(SINGLE);
    const lock = join(at.root, '.incomplete', 'tiny--llama.lock');
    at.server.misbehave({ where: 'content', file: 'model.safetensors', kind: 'slow', bytesAtATime: 20_000, ms: 5 });
    const takeOver = ({ bytesDone }: DownloadProgress): void => {
      if (bytesDone > 200_000) writeFileSync(lock, JSON.stringify({ pid: 1, host: 'another-machine', nonce: 'x' }));
    };
    await at
      .fetch('tiny/llama', { onProgress: takeOver })
      .then(() => expect.unreachable(), refused(/^Another window or program has taken over tiny\/llama, /));
    expect(readFileSync(lock, 'utf8')).toContain('another-machine');
    rmSync(lock);
    const moveAway = ({ bytesDone }: DownloadProgress): void => {
      if (bytesDone > 300_000) renameSync(join(at.root, '.incomplete'), join(at.root, '.away'));
    };
    await at
      .fetch('tiny/llama', { onProgress: (progress) => existsSync(lock) && moveAway(progress) })
      .then(() => expect.unreachable(), refused(/^Another window or program has taken over tiny\/llama, or its folder was moved: /));
    await at.fetch('tiny/llama');
    expect(await at.hub.listDownloaded(at.root)).toHaveLength(1);
  });

  it('in the midst of removing leaves nothing for ever', async () => {
    const at = await setting(SINGLE);
    mkdirSync(join(at.root, '.incomplete', '.removed-0', 'below'), { recursive: true });
    writeFileSync(join(at.root, '.incomplete', '.removed-0', 'below', 'model.safetensors'), 'much');
    await at.fetch('tiny/llama');
    expectWhole(at);
  });

  it('leaves a lock behind where its process ended: the next one takes it', async () => {
    const at = await setting(SINGLE);
    mkdirSync(join(at.root, '.incomplete'));
    writeFileSync(join(at.root, '.incomplete', 'tiny--llama.lock'), JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), nonce: 'x' }));
    await at.fetch('tiny/llama');
    expectWhole(at);
  });
});

describe('a disk', () => {
  it('that is full is told in one sentence, and what was written is kept', async () => {
    const at = await setting(SINGLE);
    const probe = await open(join(at.root, 'probe'), 'w');
    const handles = Object.getPrototypeOf(probe) as { write(...args: readonly unknown[]): Promise<unknown> };
    await probe.close();
    rmSync(join(at.root, 'probe'));
    const write = handles.write;
    let written = 0;
    const full = vi.spyOn(handles, 'write').mockImplementation(function (this: unknown, ...args) {
      written += Number(args[2]);
      if (written > 150_000) return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
      return write.apply(this, args);
    });
    await at.fetch('tiny/llama').then(() => expect.unreachable(), refused(/^The disk is full at /));
    await expectNothingUsable(at);
    full.mockRestore();
    await at.fetch('tiny/llama');
    expectWhole(at);
  });

  it('with too little room is found out before anything is asked for', async () => {
    const at = await setting({
      ...SINGLE,
      lies: {
        siblings: [
          ...['config.json', 'tokenizer.json'].map((rfilename) => ({ rfilename, size: 1, blobId: 'a'.repeat(40) })),
          { rfilename: 'model.safetensors', lfs: { size: 2 ** 44, sha256: 'b'.repeat(64) } },
        ],
      },
    });
    await at
      .fetch('tiny/llama')
      .then(() => expect.unreachable(), refused(/^There is not enough room for tiny\/llama: it needs 17\.6 TB, and .* are free at /));
    expect(at.server.requests).toHaveLength(1);
    await expectNothingUsable(at);
  });

  it('that cannot be written is told in one sentence', async () => {
    const at = await setting(SINGLE);
    writeFileSync(join(at.root, '.incomplete'), 'a file where a folder should be');
    await at.fetch('tiny/llama').then(() => expect.unreachable(), refused(/cannot be written: /));
  });
});
