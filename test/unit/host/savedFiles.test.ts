import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeUri, withEditor } from './fakeEditor.ts';
import { endHosts, startHost } from './wholeHost.ts';

afterEach(endHosts);

async function explained() {
  const host = await startHost();
  await host.explain();
  await host.settle();
  return host;
}

describe('a file of this machine', () => {
  it('is replaced whole, where a link leads to it, with its rights; and nothing is left beside one that cannot be', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'explain-tokens-saved-'));
    try {
      const { replaceFile } = await withEditor({}, () => import('../../../src/host/client/platform.node.ts'));
      const [file, link] = [join(folder, 'a.html'), join(folder, 'link.html')];
      await writeFile(file, 'before', { mode: 0o640 });
      await symlink(file, link);
      await replaceFile(link, new TextEncoder().encode('after'));
      expect([await readFile(file, 'utf8'), (await stat(file)).mode & 0o777, (await lstat(link)).isSymbolicLink()]).toEqual([
        'after',
        0o640,
        true,
      ]);
      await replaceFile(join(folder, 'new.html'), Uint8Array.of(65));
      await mkdir(join(folder, 'folder'));
      await expect(replaceFile(join(folder, 'folder'), Uint8Array.of(65))).rejects.toThrow(/EISDIR|EEXIST|ENOTEMPTY/);
      await expect(replaceFile(join(folder, 'none', 'a.html'), Uint8Array.of(65))).rejects.toThrow('ENOENT');
      expect((await readdir(folder)).toSorted()).toEqual(['a.html', 'folder', 'link.html', 'new.html']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a file that the panel saves', () => {
  it('is written whole where the user likes, in place of the one before, and nowhere if the user declines', async () => {
    const host = await explained();
    host.files.set('/pictures/map.svg', new Uint8Array([1]));
    host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file('/pictures/map.svg'));
    host.say({ type: 'saveFile', name: 'layer-3-head-2-attention.svg', content: '<svg/>' });
    await host.settle();
    host.say({ type: 'saveFile', name: 'other.png', content: Uint8Array.of(1, 2) });
    await host.settle();
    expect(new TextDecoder().decode(host.files.get('/pictures/map.svg'))).toBe('<svg/>');
    expect([...host.files.keys()].filter((path) => path.startsWith('/pictures') || path.includes('other'))).toEqual(['/pictures/map.svg']);
    expect(host.errors()).toEqual([]);
  });

  it('leaves the one before as it was, and nothing half-written, where the disk is full', async () => {
    const host = await explained();
    host.files.set('/pictures/map.png', new Uint8Array([1]));
    const { fs } = host.api.workspace;
    vi.spyOn(fs, 'writeFile').mockImplementationOnce(async ({ path }, bytes) => {
      host.files.set(path, bytes.subarray(0, 1));
      throw new Error('ENOSPC: no space left on device');
    });
    host.window.showSaveDialog.mockResolvedValueOnce(FakeUri.file('/pictures/map.png'));
    host.say({ type: 'saveFile', name: 'map.png', content: Uint8Array.of(1, 2, 3) });
    await host.settle();
    expect(host.errors()).toEqual(['file:///pictures/map.png cannot be saved: ENOSPC: no space left on device']);
    expect([...host.files].filter(([path]) => path.startsWith('/pictures'))).toEqual([['/pictures/map.png', new Uint8Array([1])]]);
  });
});
