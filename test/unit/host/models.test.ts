import { afterEach, describe, expect, it, vi } from 'vitest';
import { CancelledError } from '../../../src/core/errors.ts';
import { itemOf } from '../../closeness.ts';
import { endHosts, FIRST, startHost, turns } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;
const PATH = '/storage/models/owner--name';

/** Asks for a model of the hub by its id, as typed into the list, and agrees. */
async function download(host: Host, id = 'owner/name', { hasty = false } = {}): Promise<void> {
  host.window.showInformationMessage.mockImplementation(async (message, ...rest) =>
    message.startsWith('Download ') ? rest.at(-1) : undefined,
  );
  const lists = host.picks.length;
  host.run('downloadModel');
  while (host.picks.length === lists) await turns(1);
  const pick = itemOf(host.picks, lists);
  pick.type(id);
  pick.accept(hasty ? undefined : pick.items[0]);
  await turns(20);
}

const settings = (host: Host): unknown => host.api.workspace.getConfiguration().get('model');
/** Labels of the view of models, headings and all. */
async function view(host: Host): Promise<readonly string[]> {
  const { tree } = host;
  const names = async (node?: unknown): Promise<readonly string[]> => {
    const children = await tree().getChildren(node);
    const items = await Promise.all(children.map(async (child) => [(await tree().getTreeItem(child)).label, ...(await names(child))]));
    return items.flat();
  };
  return names();
}

describe('a download', () => {
  it('is on the list when it is there, and is used where the user says so', async () => {
    const host = await startHost();
    await download(host);
    expect(host.hub.going.map(({ id }) => id)).toEqual(['owner/name']);
    host.window.showInformationMessage.mockResolvedValue('Use This Model');
    itemOf(host.hub.going, 0).finish();
    await host.settle();
    expect(settings(host)).toBe(PATH);
    expect(await view(host)).toContain('owner/name');
    expect([host.errors(), host.logged]).toEqual([[], []]);
  });

  it('is begun for the id that was typed, where Enter was faster than the list', async () => {
    const host = await startHost();
    await download(host, 'owner/name', { hasty: true });
    expect(host.hub.going.map(({ id }) => id)).toEqual(['owner/name']);
  });

  it('that is cancelled in its notification is no error, and can be begun again', async () => {
    const host = await startHost();
    await download(host);
    const first = itemOf(host.hub.going, 0);
    first.options.signal.addEventListener('abort', () => first.fail(new CancelledError()));
    host.notifications.findLast(({ title }) => title.startsWith('Downloading'))?.cancel();
    await host.settle();
    expect([first.options.signal.aborted, host.hub.there.size]).toEqual([true, 0]);
    await download(host);
    itemOf(host.hub.going, 1).finish();
    await host.settle();
    expect(await view(host)).toContain('owner/name');
  });

  it('that fails is told once with the log at hand, and the next one succeeds', async () => {
    const host = await startHost();
    await download(host);
    itemOf(host.hub.going, 0).fail(host.userError('The connection broke.'));
    await host.settle();
    expect([host.errors(), host.logged.length]).toEqual([['The connection broke.'], 1]);
    await download(host);
    itemOf(host.hub.going, 1).finish();
    await host.settle();
    expect([host.errors().length, host.hub.there.size]).toEqual([1, 1]);
  });

  it('tells how far it is, not more often than the eye follows, and its end always', async () => {
    const host = await startHost();
    await download(host);
    const { options, finish } = itemOf(host.hub.going, 0);
    for (let bytesDone = 0; bytesDone <= 100; bytesDone++) options.onProgress({ stage: 'download', bytesDone, bytes: 100 });
    finish();
    await host.settle();
    const told = host.notifications.find(({ title }) => title.startsWith('Downloading'))?.told ?? [];
    expect(told.at(-1)).toMatchObject({ message: '100 bytes of 100 bytes' });
    expect(told.length).toBeLessThan(5);
    expect(told.reduce<number>((sum, one) => sum + (one as { readonly increment: number }).increment, 0)).toBe(100);
  });

  it('goes on beside another, each to its own end', async () => {
    const host = await startHost();
    await download(host, 'owner/one');
    await download(host, 'owner/two');
    itemOf(host.hub.going, 1).finish();
    itemOf(host.hub.going, 0).fail(host.userError('No room.'));
    await host.settle();
    expect([[...host.hub.there.keys()], host.errors()]).toEqual([['owner/two'], ['No room.']]);
  });

  it('is not begun where the user declines, or leaves the list', async () => {
    const host = await startHost();
    host.window.showInformationMessage.mockResolvedValue(undefined);
    const lists = host.picks.length;
    for (const leave of [true, false]) {
      host.run('downloadModel');
      while (host.picks.length === lists + (leave ? 0 : 1)) await turns(1);
      const pick = itemOf(host.picks, host.picks.length - 1);
      pick.type('owner/name');
      if (leave) pick.hide();
      else pick.accept(pick.items[0]);
      await host.settle();
    }
    expect([host.hub.going, host.errors()]).toEqual([[], []]);
  });

  it('of the model in use is removed from the disk, and the bundled model takes its place', async () => {
    const host = await startHost();
    await download(host);
    host.window.showInformationMessage.mockResolvedValue('Use This Model');
    itemOf(host.hub.going, 0).finish();
    await host.settle();
    host.window.showWarningMessage.mockImplementation(async (...asked) => asked.at(-1));
    host.run('removeModel', { entry: { setting: PATH, group: 'downloaded' } });
    await host.settle();
    expect([settings(host), host.hub.there.size]).toEqual([undefined, 0]);
    expect(await view(host)).not.toContain('owner/name');
  });
});

describe('the models that can be chosen', () => {
  it('are the bundled one, those of other programs, and one that the settings name', async () => {
    const host = await startHost({ model: '/models/mine' });
    await host.useModels(['/models/other']);
    const names = await view(host);
    expect(names).toEqual(expect.arrayContaining(['Bundled model', '/models/other', 'mine']));
    expect(names.filter((name) => name === 'mine')).toHaveLength(1);
  });

  it('are described one after another, a broken one with its reason, and the list stands', async () => {
    const host = await startHost();
    await host.useModels(['/models/broken', '/models/other']);
    await view(host);
    await host.settle();
    const about = async (setting: string): Promise<string> => {
      for (const node of await host.tree().getChildren()) {
        for (const child of [node, ...(await host.tree().getChildren(node))]) {
          const item = await host.tree().getTreeItem(child);
          if (item.id?.endsWith(` ${setting}`)) return String(item.description);
        }
      }
      throw new Error(`${setting} is not in the view.`);
    };
    expect(await about('/models/broken')).toContain('There is no model folder /models/broken.');
    expect(await about('/models/other')).toMatch(/\d/);
    expect([host.errors(), host.logged]).toEqual([[], []]);
  });

  it('are listed though other programs’ cannot be looked for, which the log says', async () => {
    const host = await startHost();
    host.platform.findModels = vi.fn(() => Promise.reject(new Error('The disk is gone.')));
    expect(await view(host)).toEqual(['Bundled model']);
    expect(host.logged.join('\n')).toContain('The disk is gone.');
  });

  it('change what reads the text as soon as one is used; the one in use is not opened again', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    await host.useModels(['/models/other']);
    host.run('useModel', { entry: { setting: '/models/other', group: 'lmStudio' } });
    await host.settle();
    expect(settings(host)).toBe('/models/other');
    expect(host.outcome()).toMatchObject({ shown: { explanation: { text: FIRST, model: { name: 'gpt2' } } } });
    const said = host.workers.said();
    host.run('useModel', { entry: { setting: '/models/other', group: 'lmStudio' } });
    await host.settle();
    expect(host.workers.said()).toBe(said);
  });

  it('are found by what a command names, and by nothing else', async () => {
    const host = await startHost();
    for (const node of [undefined, null, 7, {}, { entry: { setting: '/nowhere', group: 'added' } }]) host.run('useModel', node);
    await host.settle();
    expect(host.errors()).toHaveLength(5);
    expect(settings(host)).toBeUndefined();
  });

  it('are given up twice at once without harm: the later choice counts', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    host.set('model', '/models/other');
    host.set('model', '');
    await host.settle();
    expect(host.outcome()).toMatchObject({ shown: { explanation: { model: { name: 'llama' } } } });
    expect(host.errors()).toEqual([]);
  });
});
