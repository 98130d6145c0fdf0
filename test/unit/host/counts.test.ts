import { afterEach, describe, expect, it } from 'vitest';
import { itemOf } from '../../closeness.ts';
import { FakeUri } from './fakeEditor.ts';
import { endHosts, startHost, turns } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function until(done: () => boolean): Promise<void> {
  for (const begun = performance.now(); performance.now() - begun < 30_000 && !done();) await turns(1);
  expect(done()).toBe(true);
}

/** A host with these files in the folder /work. */
async function folderHost(files: Readonly<Record<string, Uint8Array>>): Promise<Host> {
  const host = await startHost();
  for (const [path, content] of Object.entries(files)) host.files.set(`/work/${path}`, content);
  return host;
}

describe('the tokens of a folder', () => {
  it('are counted file by file, and what is no text is left out in one sentence', async () => {
    const host = await folderHost({
      'a.md': bytes('the cat'),
      'src/b.ts': bytes('a cat sat on a mat'),
      'src/c.bin': Uint8Array.of(1, 0, 2),
      'src/d.txt': Uint8Array.of(0xff, 0xfe, 0x41),
    });
    host.run('countFolder', FakeUri.file('/work'));
    await until(() => host.window.showInformationMessage.mock.calls.length > 0);
    const [said] = itemOf(host.window.showInformationMessage.mock.calls, 0);
    expect(said).toContain('25 tokens in 2 files.');
    expect(said).toContain('unreadable: 2 files.');
    const tree = itemOf(host.trees, 2);
    const items = await Promise.all((await tree.getChildren()).map(async (node) => tree.getTreeItem(node)));
    expect(items.map(({ label, description }) => [label, description])).toEqual([
      ['src', '18 tokens · 18 bytes'],
      ['a.md', '7 tokens · 7 bytes'],
    ]);
    expect(host.errors()).toEqual([]);
  });

  it('are those of the files that no .gitignore names, from the workspace’s folder down', async () => {
    const host = await folderHost({
      '.gitignore': bytes('dist/\n*.log\n'),
      'src/a.md': bytes('the cat'),
      'src/b.log': bytes('the log'),
      'src/dist/c.js': bytes('built'),
    });
    host.run('countFolder', FakeUri.file('/work/src'));
    await until(() => host.window.showInformationMessage.mock.calls.length > 0);
    const tree = itemOf(host.trees, 2);
    const items = await Promise.all((await tree.getChildren()).map(async (node) => tree.getTreeItem(node)));
    expect(items.map(({ label }) => label).toSorted()).toEqual(['a.md']);
    expect(host.errors()).toEqual([]);
  });

  it('are not told of when the counting is cancelled', async () => {
    const host = await folderHost({ 'a.md': bytes('the cat'), 'b.md': bytes('sat') });
    host.run('countFolder', FakeUri.file('/work'));
    await until(() => host.notifications.length > 0);
    itemOf(host.notifications, 0).cancel();
    await host.settle();
    expect(host.window.showInformationMessage).not.toHaveBeenCalled();
    expect(await itemOf(host.trees, 2).getChildren()).toEqual([]);
    expect(host.errors()).toEqual([]);
  });
});
