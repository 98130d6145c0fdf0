import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder } from '../unit/model/folder.ts';
import { goldenTests } from './cases.ts';
import { FIXTURES, compareWithGolden, native } from './compare.ts';

describe('native', () => {
  goldenTests('native', native);

  test('reads weights through links out of the folder, as in the cache of Hugging Face', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'cache-'));
    const [blobs, snapshot] = [join(cache, 'blobs'), join(cache, 'snapshot')];
    await mkdir(blobs);
    await mkdir(snapshot);
    for (const [file, hash] of [
      ['config.json', '4f1a'],
      ['model.safetensors', '9c3e'],
    ] as const) {
      await copyFile(`${FIXTURES}/llama/${file}`, join(blobs, hash));
      await symlink(join(blobs, hash), join(snapshot, file));
    }
    const files = folder(snapshot);
    expect(await files.localPath?.('model.safetensors')).toMatch(/blobs.9c3e$/);
    await compareWithGolden(files, folder(`${FIXTURES}/llama`), native());
    await rm(cache, { recursive: true });
  });
});
