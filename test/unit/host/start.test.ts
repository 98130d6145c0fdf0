import { afterEach, describe, expect, it } from 'vitest';
import { EXAMPLE_TEXTS } from '../../../src/protocol/exampleTexts.ts';
import { FakeDocument } from './fakeEditor.ts';
import { endHosts, FIRST, SECOND, startHost, TEXT, turns } from './wholeHost.ts';

afterEach(endHosts);

describe('where nothing is explained yet', () => {
  it('a panel opens that begins with an example, if there is no text', async () => {
    const host = await startHost();
    host.window.visibleTextEditors.splice(0);
    host.activate(undefined);
    host.run('explain');
    while (host.panels.length === 0) await turns(1);
    expect([host.panels.length, host.window.showInformationMessage.mock.calls]).toEqual([1, []]);
    host.greet();
    await host.settle();
    expect(host.posted().find(({ type }) => type === 'init')).toMatchObject({ follows: false });
    host.say({ type: 'example', name: 'code' });
    await host.settle();
    expect(host.untitled.map(({ content }) => content)).toEqual([EXAMPLE_TEXTS.code.text]);
    // An example that is open is a text: what is asked for next has no need to say so.
    expect(host.panels).toHaveLength(1);
  });

  it('the panel says that there is no text if it is asked to explain one', async () => {
    const host = await startHost();
    host.window.visibleTextEditors.splice(0);
    host.activate(undefined);
    host.run('explain');
    while (host.panels.length === 0) await turns(1);
    host.greet();
    host.say({ type: 'command', name: 'explain' });
    await host.settle();
    expect(host.window.showInformationMessage.mock.calls.map(([sentence]) => sentence)).toEqual([
      'Open a text and select what to explain.',
    ]);
  });

  it('the panel explains the visible text that was active last, as it has the focus itself', async () => {
    const host = await startHost();
    const start = TEXT.indexOf(SECOND);
    const second = host.open(new FakeDocument('second.md', TEXT), start, start + SECOND.length);
    host.activate(second);
    host.open(new FakeDocument('third.md', TEXT), 0, FIRST.length);
    // The panel is pressed, and no editor is active.
    host.activate(undefined);
    await host.revive(host.api.window.createWebviewPanel(), undefined);
    host.greet();
    host.say({ type: 'command', name: 'explain' });
    while (host.texts().length === 0) await host.settle();
    expect(host.texts()).toEqual([SECOND]);
  });

  it('a panel that VS Code kept over a restart stays, and says how to begin', async () => {
    const host = await startHost();
    await host.revive(host.api.window.createWebviewPanel(), undefined);
    host.greet();
    await host.settle();
    expect([host.panel().ended, host.posted().map(({ type }) => type)]).toEqual([false, expect.arrayContaining(['init'])]);
    expect(host.posted().find(({ type }) => type === 'init')).toMatchObject({ follows: false });
  });
});
