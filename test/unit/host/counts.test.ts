import { afterEach, describe, expect, it } from 'vitest';
import { itemOf } from '../../closeness.ts';
import { FakeUri } from './fakeEditor.ts';
import { LONG, readFile, status } from './fileHost.ts';
import { endHosts, startHost, turns } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What was said in messages. */
const said = (host: Host): readonly unknown[] => host.window.showInformationMessage.mock.calls.map(([message]) => message);

async function until(done: () => boolean): Promise<void> {
  for (const begun = performance.now(); performance.now() - begun < 180_000 && !done();) await turns(1);
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
      ['src', '18 tokens · 28 % of the context'],
      ['a.md', '7 tokens · 11 % of the context'],
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

  it('are added up for what is checked, files and folders, against what the model reads at once', async () => {
    const host = await folderHost({
      'a.md': bytes('the cat sat on a mat. another cat'),
      'src/b.ts': bytes('a cat sat on a mat'),
      'src/c.ts': bytes('the cat'),
      'd.md': bytes('it ran'),
    });
    host.run('countFolder', FakeUri.file('/work'));
    await until(() => host.window.showInformationMessage.mock.calls.length > 0);
    const [tree, view] = [itemOf(host.trees, 2), itemOf(host.views, 1)];
    const all = 33 + 18 + 7 + 6;
    expect(view.message).toBe(
      `All files together take 100 % of the 64 tokens that the model reads at once. Check files to see whether they fit together.`,
    );
    expect(all).toBe(64);
    const nodes = (await tree.getChildren()) as readonly { readonly name: string; readonly children: readonly unknown[] | null }[];
    const named = (name: string) => nodes.find((node) => node.name === name) ?? expect.fail(`There is no ${name}.`);
    const shown = async (node: unknown) => {
      const item = (await tree.getTreeItem(node)) as {
        readonly description?: unknown;
        readonly checkboxState?: { readonly state: number };
      };
      return [item.description, item.checkboxState?.state];
    };
    view.boxes.fire({ items: [[named('src'), 1]] });
    expect(view.message).toBe('Checked: 2 files, 25 of 64 tokens. They fit together: 39 tokens are left.');
    expect(await shown(named('src'))).toEqual(['25 tokens · 39 % of the context', 1]);
    expect(await shown(named('src').children?.[1])).toEqual(['7 tokens · 11 % of the context · 25 so far', 1]);
    view.boxes.fire({ items: [[named('a.md'), 1]] });
    expect(view.message).toBe('Checked: 3 files, 58 of 64 tokens. They fit together: 6 tokens are left.');
    view.boxes.fire({ items: [[named('src').children?.[1], 0]] });
    expect(await shown(named('src'))).toEqual(['25 tokens · 39 % of the context', 0]);
    expect(view.message).toBe('Checked: 2 files, 51 of 64 tokens. They fit together: 13 tokens are left.');
    host.files.set('/work/e.md', bytes('another one ran on a mat and sat'));
    host.run('countFolder', FakeUri.file('/work'));
    await until(() => host.window.showInformationMessage.mock.calls.length > 1);
    expect(view.message).toMatch(/^All files together take 150 %/);
    const again = await tree.getChildren();
    view.boxes.fire({ items: again.map((node) => [node, 1]) });
    expect(view.message).toBe('Checked: 5 files, 96 of 64 tokens. 32 too many: the first 1 fit together.');
    expect(await Promise.all(again.map(async (node) => (await shown(node))[0]))).toContain(
      '6 tokens · 9.4 % of the context · 96 so far: too many',
    );
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

  it('have their bits per byte where that is asked for: those of the whole file in the editor, and of folders the sums', async () => {
    const host = await folderHost({ 'notes.md': bytes(LONG), 'src/b.ts': bytes('a cat sat on a mat'), 'src/c.ts': bytes('the cat') });
    host.run('readBits');
    await until(() => said(host).length === 1);
    expect(said(host)).toEqual(['Nothing was counted yet: run Count Tokens in Folder first.']);
    host.run('countFolder', FakeUri.file('/work'));
    await until(() => said(host).length === 2);
    const tree = itemOf(host.trees, 2);
    const nodes = (await tree.getChildren()) as readonly { readonly name: string; readonly children: readonly unknown[] | null }[];
    const named = (name: string) => nodes.find((node) => node.name === name) ?? expect.fail(`There is no ${name}.`);
    const rate = async (node: unknown): Promise<string | undefined> =>
      /[\d.]+(?= bits\/byte)/.exec(String(((await tree.getTreeItem(node)) as { readonly description?: unknown }).description))?.[0];
    expect(await rate(named('notes.md'))).toBeUndefined();
    host.run('readBits', named('src').children?.[0]);
    await host.settle();
    // A folder has none while a file of it was not read.
    expect([await rate(named('src').children?.[0]), await rate(named('src'))]).toEqual([expect.stringMatching(/^\d+\.\d{3}$/), undefined]);
    host.run('readBits', named('src'));
    await host.settle();
    expect(await rate(named('src'))).toMatch(/^\d+\.\d{3}$/);
    host.files.set('/work/src/b.ts', Uint8Array.of(0));
    host.run('readBits');
    await until(() => said(host).length === 3);
    expect(said(host)[2]).toMatch(/unreadable: 1 files/);
    host.document.text = LONG;
    host.select(host.shown, 0, 0);
    await readFile(host);
    expect(status(host)?.text).toContain(`${await rate(named('notes.md'))} bits/byte`);
    // What is counted again has other numbers, until they are read.
    host.run('countFolder', FakeUri.file('/work'));
    await until(() => said(host).length === 4);
    expect(await rate((await tree.getChildren())[0])).toBeUndefined();
    host.run('readBits');
    await until(() => host.notifications.length > 5);
    host.notifications.at(-1)?.cancel();
    await host.settle();
    expect(host.errors()).toEqual([]);
  });
});
