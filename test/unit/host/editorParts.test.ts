import { afterEach, describe, expect, it } from 'vitest';
import { endHosts, FIRST, SECOND, startHost, TEXT, turns } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;

async function explained(settings = {}): Promise<Host> {
  const host = await startHost(settings);
  await host.explain();
  await host.settle();
  return host;
}

/** Ranges that an editor shows now, by what their decoration is: surprisal, selected, marked, stale. */
function painted(host: Host, kind: string): number {
  const latest = new Map<{ readonly options: unknown }, number>();
  for (const [type, ranges] of host.shown.setDecorations.mock.calls as [{ options: unknown }, readonly unknown[]][])
    latest.set(type, ranges.length);
  return [...latest].reduce(
    (sum, [{ options }, ranges]) => sum + (JSON.stringify(options).includes(`explainTokens.${kind}`) ? ranges : 0),
    0,
  );
}
const selections = (host: Host) => host.posted().flatMap((message) => (message.type === 'select' ? [message.token] : []));

describe('the token in focus', () => {
  it('goes from the cursor to the panel, once, and not for what is beside the text', async () => {
    const host = await explained();
    for (const place of [3, 4, 5, 5]) host.select(host.shown, place, place);
    // The editor's own mark is there at once.
    expect([painted(host, 'selectedToken'), selections(host)]).toEqual([1, []]);
    await host.settle();
    host.select(host.shown, TEXT.length - 1, TEXT.length - 1);
    await host.settle();
    expect(selections(host)).toEqual([5, null]);
  });

  it('goes from the panel to the editor, which shows its place and is not heard as a choice of the cursor', async () => {
    const host = await explained();
    host.say({ type: 'select', token: 6 });
    await host.settle();
    expect(host.shown.revealRange).toHaveBeenCalledTimes(1);
    expect(painted(host, 'selectedToken')).toBe(1);
    expect(selections(host)).toEqual([]);
  });

  it('is marked with those under the panel’s pointer, until the pointer leaves', async () => {
    const host = await explained();
    host.say({ type: 'mark', tokens: [1, 3, 5] });
    expect(painted(host, 'markedToken')).toBe(3);
    host.say({ type: 'mark', tokens: [] });
    expect(painted(host, 'markedToken')).toBe(0);
  });

  it('is marked with those of the rows that are selected in the table, whatever the pointer does, until a new page opens', async () => {
    const host = await explained();
    // What follows one another is one range.
    host.say({ type: 'pick', tokens: [7, 1, 2, 3] });
    expect(painted(host, 'markedToken')).toBe(2);
    host.say({ type: 'mark', tokens: [5] });
    expect(painted(host, 'markedToken')).toBe(3);
    host.say({ type: 'mark', tokens: [] });
    expect(painted(host, 'markedToken')).toBe(2);
    host.say({ type: 'ready' });
    expect(painted(host, 'markedToken')).toBe(0);
    host.say({ type: 'pick', tokens: [1] });
    await host.explain();
    await host.settle();
    expect(painted(host, 'markedToken')).toBe(0);
  });

  it('leaves alone what the page copies to the clipboard', async () => {
    const host = await explained();
    host.say({ type: 'copy', text: 'a\tb\n' });
    await turns(2);
    expect(host.clipboard).toEqual(['a\tb\n']);
  });

  it('is of the newest choice: a document that opens late shows no older one', async () => {
    const host = await explained();
    host.hide(host.shown);
    let open: () => void = () => undefined;
    host.window.showTextDocument.mockImplementationOnce(
      () => new Promise((resolve) => (open = () => (host.reveal(host.shown), resolve(host.shown)))),
    );
    host.say({ type: 'select', token: 2 });
    host.say({ type: 'select', token: 4 });
    open();
    await host.settle();
    const places = host.shown.revealRange.mock.calls.map(([range]: readonly { start: { character: number } }[]) => range?.start.character);
    expect(places.every((place: number | undefined) => place === 4)).toBe(true);
  });

  it('is forgotten with the explanation', async () => {
    const host = await explained();
    host.say({ type: 'select', token: 6 });
    await host.settle();
    host.panel().dispose();
    await host.settle();
    expect([painted(host, 'selectedToken'), painted(host, 'surprisal')]).toEqual([0, 0]);
  });
});

describe('colours', () => {
  it('are there once for the explained text, go with the setting, and come back', async () => {
    const host = await explained();
    const all = painted(host, 'surprisal');
    expect(all).toBeGreaterThan(0);
    host.run('toggleColors');
    await host.settle();
    expect(painted(host, 'surprisal')).toBe(0);
    host.run('toggleColors');
    await host.settle();
    expect(painted(host, 'surprisal')).toBe(all);
  });

  it('stay where the text moved, and leave what was typed over as stale', async () => {
    const host = await explained();
    const all = painted(host, 'surprisal');
    host.select(host.shown, 0, 0);
    host.type(host.shown, 'so ');
    await host.settle();
    expect([painted(host, 'surprisal'), painted(host, 'staleToken')]).toEqual([all, 0]);
    host.select(host.shown, 7, 10);
    host.type(host.shown, 'dog');
    await host.settle();
    expect(painted(host, 'staleToken')).toBeGreaterThan(0);
  });
});

describe('the status bar', () => {
  it('counts the selection after it stood still, the newest one alone', async () => {
    const host = await startHost();
    for (let end = 1; end <= 9; end++) host.select(host.shown, 0, end);
    await host.settle();
    expect([host.statusItem.text, host.workers.said()]).toEqual([expect.stringMatching(/ 9 tokens · llama$/), 2]);
  });

  it('says that a model cannot be opened, does not try it with every selection, and counts with the next', async () => {
    const host = await startHost({ model: '/models/broken' });
    host.select(host.shown, 0, 3);
    await host.settle();
    expect([host.statusItem.text, host.statusItem.tooltip]).toEqual([
      '$(warning) Explain Tokens',
      expect.stringContaining('There is no model folder /models/broken.'),
    ]);
    const said = host.workers.said();
    host.select(host.shown, 0, 4);
    await host.settle();
    expect(host.workers.said()).toBe(said);
    host.set('model', '');
    await host.explain();
    await host.settle();
    expect(host.statusItem.text).toMatch(/^\$\(symbol-numeric\) 12 tokens/);
  });

  it('is empty where nothing is selected or explained', async () => {
    const host = await startHost();
    host.select(host.shown, 3, 3);
    await host.settle();
    expect(host.statusItem.shown).toBe(false);
  });

  it('ends a count that is no longer wanted, and does not show it', async () => {
    const host = await startHost();
    host.select(host.shown, 0, 5);
    const moment = host.workers.onceAt(0, () => host.select(host.shown, 2, 2));
    await host.settle();
    expect([moment.came, host.statusItem.shown, host.errors()]).toEqual([true, false, []]);
  });

  it('survives the end of the worker while it counts, and counts again', async () => {
    const host = await startHost();
    host.select(host.shown, 0, 5);
    host.workers.onceAt(1, () => host.workers.killAll());
    await host.settle();
    host.select(host.shown, 0, 6);
    await host.settle();
    expect(host.statusItem.text).toContain(' 6 tokens');
  });
});

describe('what was generated', () => {
  it('is put after the explained text, as one edit, and explained with it', async () => {
    const host = await explained();
    const { serial } = lastShown(host);
    host.say({ type: 'insertGenerated', serial, continuation: [4, 5] });
    await host.settle();
    expect(host.document.text).toBe(`${FIRST}ab\n\n${SECOND}`);
    host.say({ type: 'explainGenerated', serial, continuation: [4, 5] });
    await host.settle();
    expect(host.texts()).toEqual([FIRST, `${FIRST}ab`]);
  });

  it('is put nowhere once the text was edited or the document closed; the panel says why', async () => {
    const host = await explained();
    const { serial } = lastShown(host);
    host.select(host.shown, 4, 7);
    host.type(host.shown, 'dog');
    host.say({ type: 'insertGenerated', serial, continuation: [4] });
    await host.settle();
    expect(host.posted().at(-1)).toMatchObject({
      type: 'generatedFailure',
      message: expect.stringContaining('no place to insert') as string,
    });
    expect(host.document.text).toBe(TEXT.replace('cat', 'dog'));
  });

  it('after another explanation is of no text that is shown: nothing happens', async () => {
    const host = await explained();
    const { serial } = lastShown(host);
    await host.explain(4, 7);
    await host.settle();
    host.say({ type: 'insertGenerated', serial, continuation: [4] });
    await turns(20);
    expect(host.document.text).toBe(TEXT);
  });
});

function lastShown(host: Host) {
  const shown = host.posted().findLast((message) => message.type === 'explanation');
  if (shown?.type !== 'explanation') throw new Error('Nothing is explained.');
  return shown.shown;
}
