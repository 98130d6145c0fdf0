import { afterEach, describe, expect, it } from 'vitest';
import type { Token } from '../../../src/core/trace.ts';
import { itemOf } from '../../closeness.ts';
import { endHosts, FIRST, SECOND, startHost, TEXT, turns } from './wholeHost.ts';

afterEach(endHosts);

const START_OF_SECOND = TEXT.indexOf(SECOND);
/**
 * What a worker says on the way to a first explanation: the model is open, progress, the explanation. Something happens before
 * each of them is heard.
 */
const MOMENTS = Array.from({ length: 11 }, (_, place) => place);

/** A moment after the tokens are known, while the model runs. */
const READING = 6;

/** A host in which `act` happens at a moment of its first explanation, brought to rest. */
async function disturbed(place: number, act: (host: Awaited<ReturnType<typeof startHost>>) => void) {
  const host = await startHost();
  const moment = host.workers.onceAt(place, () => act(host));
  await host.explain();
  await host.settle();
  expect(moment.came).toBe(true);
  return host;
}

/** The extension is as it was: another text is explained, in a panel that stands. */
async function expectWorks(host: Awaited<ReturnType<typeof startHost>>, model = 'explain-tokens-9m'): Promise<void> {
  const before = host.texts().length;
  await host.explain(START_OF_SECOND, TEXT.length);
  await host.settle();
  expect(host.texts().slice(before)).toEqual([SECOND]);
  const last = host.outcome();
  expect(last?.type === 'explanation' && last.shown.explanation.model.name).toBe(NAMES[model]);
}
/** What the engine calls the models: the folders of their files. */
const NAMES: Readonly<Record<string, string>> = { 'explain-tokens-9m': 'llama', other: 'gpt2' };

describe('an explanation', () => {
  it('comes to the panel, the editor and the status bar, and takes the steps that the tests below disturb', async () => {
    const host = await startHost();
    await host.explain();
    while (host.outcome()?.type !== 'explanation') await turns(5);
    expect(host.workers.said()).toBe(MOMENTS.length);
    await host.settle();
    expect(host.texts()).toEqual([FIRST]);
    expect(host.statusItem.text).toMatch(/^\$\(symbol-numeric\) 12 tokens · [\d.]+ bits\/token/);
    expect([host.errors(), host.logged, host.workers.alive()]).toEqual([[], [], 1]);
  });

  it.each(MOMENTS)('that is cancelled at moment %i ends there, says so, and the next one works', async (place) => {
    const host = await disturbed(place, ({ say }) => say({ type: 'cancel' }));
    expect([host.texts(), host.outcome()?.type]).toEqual([[], 'cancelled']);
    expect([host.errors(), host.logged]).toEqual([[], []]);
    await expectWorks(host);
  });

  it.each(MOMENTS)('whose panel is closed at moment %i goes with it, and the next one opens another', async (place) => {
    const host = await disturbed(place, ({ panel }) => panel().dispose());
    expect(host.texts()).toEqual([]);
    expect(host.statusItem.text).not.toContain('bits');
    expect([host.errors(), host.logged]).toEqual([[], []]);
    await expectWorks(host);
    expect(host.panels).toHaveLength(2);
  });

  it.each(MOMENTS)('whose worker is killed at moment %i says so once, and the next one has another worker', async (place) => {
    const host = await disturbed(place, ({ workers }) => workers.killAll());
    expect(host.texts()).toEqual([]);
    expect(host.outcome()).toMatchObject({
      type: 'failure',
      message: expect.stringContaining('ended unexpectedly (signal SIGKILL)') as string,
    });
    expect(host.errors()).toHaveLength(1);
    await expectWorks(host);
    expect(host.workers.alive()).toBe(1);
  });

  it.each(MOMENTS)('gives way to another text at moment %i: the newest is shown, the older never', async (place) => {
    const host = await disturbed(place, ({ select, shown, run }) => {
      select(shown, START_OF_SECOND, TEXT.length);
      run('explain');
    });
    expect(host.texts()).toEqual([SECOND]);
    expect(host.posted().some(({ type }) => type === 'cancelled' || type === 'failure')).toBe(false);
    expect([host.errors(), host.logged, host.panels.length]).toEqual([[], [], 1]);
  });

  it.each(MOMENTS)('is read by the model that is chosen at moment %i, and by it alone', async (place) => {
    const host = await disturbed(place, ({ set }) => set('model', '/models/other'));
    expect(host.texts()).toEqual([FIRST]);
    expect(host.outcome()).toMatchObject({ shown: { explanation: { model: { name: 'gpt2' } } } });
    expect(host.errors()).toEqual([]);
    await expectWorks(host, 'other');
    expect(host.workers.alive()).toBe(1);
  });

  it.each(MOMENTS)('ends with the window at moment %i: nothing is said to anyone, and no worker is left', async (place) => {
    const host = await startHost();
    let said = -1;
    const moment = host.workers.onceAt(place, () => {
      host.dispose();
      said = host.posted().length;
    });
    await host.explain();
    await host.settle();
    expect(moment.came).toBe(true);
    expect(host.posted()).toHaveLength(said);
    expect([host.errors(), host.logged, host.workers.alive()]).toEqual([[], [], 0]);
  });

  it.each(MOMENTS)('of a text that is typed into at moment %i is shown with its stale tokens', async (place) => {
    const host = await disturbed(place, ({ select, type, shown }) => {
      select(shown, 4, 7);
      type(shown, 'dog');
    });
    expect(host.texts()).toEqual([FIRST]);
    const stale = host.posted().findLast(({ type }) => type === 'stale');
    expect(stale).toMatchObject({ tokens: expect.arrayContaining([4, 5, 6]) as number[] });
    host.run('runAgain');
    await host.settle();
    expect(host.texts()).toEqual([FIRST, 'the dog sat.']);
  });

  it('tells its tokens before its numbers, to a page that comes in between as well', async () => {
    const host = await disturbed(READING, ({ say }) => say({ type: 'ready' }));
    const told = host.posted().map((message) => (message.type === 'progress' ? spelled(message.tokens) : message.type));
    const end = told.indexOf('explanation');
    expect(told.slice(0, end).filter((one) => one === FIRST)).toHaveLength(2);
    expect(told.slice(told.lastIndexOf('init'), end)).toContain(FIRST);
    expect(told.slice(end)).not.toContain(FIRST);
  });

  it.each(MOMENTS)('tells no token of a text that gave way to another at moment %i', async (place) => {
    const host = await disturbed(place, ({ select, shown, run }) => {
      select(shown, START_OF_SECOND, TEXT.length);
      run('explain');
    });
    const told = host
      .posted()
      .flatMap((message) => (message.type === 'progress' && message.tokens !== undefined ? [spelled(message.tokens)] : []));
    const second = told.lastIndexOf(null);
    expect(told.slice(second + 1)).toEqual([SECOND]);
  });

  it('of a panel that shows one is told of when it is there, if that is soon, and before the editor is painted', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    const told = host.posted().length;
    host.shown.setDecorations.mockClear();
    const paints = (): number => host.shown.setDecorations.mock.calls.filter(([, ranges]) => ranges.length > 0).length;
    await host.explain(START_OF_SECOND, TEXT.length);
    while (host.texts().length < 2) await turns(5);
    expect(paints()).toBe(0);
    expect(
      host
        .posted()
        .slice(told)
        .map(({ type }) => type),
    ).not.toContain('progress');
    await host.settle();
    expect(paints()).toBeGreaterThan(0);
    expect(host.shown.selection.isEmpty).toBe(true);
  });

  it('that is asked for three times at once is made once, for the last of them', async () => {
    const host = await startHost();
    host.run('explain');
    host.run('explain');
    await host.explain(START_OF_SECOND, TEXT.length);
    await host.settle();
    expect([host.texts(), host.panels.length]).toEqual([[SECOND], 1]);
  });
});

describe('a model that cannot be opened', () => {
  it('is told in the panel and in one notification; the text is read by the one chosen next', async () => {
    const host = await startHost({ model: '/models/broken' });
    await host.explain();
    await host.settle();
    expect(host.outcome()).toMatchObject({
      type: 'failure',
      message: 'There is no model folder /models/broken.',
      about: { text: 'notes.md', place: '/notes.md', model: '/models/broken' },
    });
    expect(host.errors()).toEqual(['There is no model folder /models/broken.']);
    host.set('model', '');
    await host.settle();
    expect(host.texts()).toEqual([FIRST]);
  });

  it('leaves the one before at work, which the panel says until another choice', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    host.set('model', '/models/broken');
    await host.settle();
    const refused = (): unknown => host.posted().findLast(({ type }) => type === 'refused');
    expect(refused()).toMatchObject({ refusal: { model: '/models/broken', kept: 'explain-tokens-9m' } });
    await expectWorks(host);
    host.set('model', '');
    await host.settle();
    expect(refused()).toMatchObject({ refusal: null });
  });

  it('is tried again where the user chooses Run Again in the notification', async () => {
    const host = await startHost({ model: '/models/broken' });
    host.window.showErrorMessage.mockResolvedValueOnce('Run Again');
    await host.explain();
    await host.settle();
    expect(host.errors()).toHaveLength(2);
  });
});

describe('the heads of a text, asked for while it is shown,', () => {
  /** A host that shows FIRST and whose page asks for heads; `act` happens before the answer is heard. */
  async function asking(act: (host: Awaited<ReturnType<typeof startHost>>) => void, ids: readonly number[] = [1]) {
    const host = await startHost();
    await host.explain();
    await host.settle();
    const moment = host.workers.onceAt(0, () => act(host));
    const { serial } = shownOf(host);
    for (const id of ids) host.say({ type: 'query', id, serial, query: { name: 'heads', args: { layer: 0 } } });
    await host.settle();
    expect(moment.came).toBe(true);
    return host;
  }
  const replies = (host: Awaited<ReturnType<typeof startHost>>) =>
    host.posted().filter(({ type }) => type === 'reply' || type === 'replyError');

  it('are told to each that asks', async () => {
    const told = replies(await asking(() => undefined, [1, 2]));
    expect(told).toEqual([1, 2].map((id) => expect.objectContaining({ type: 'reply', id }) as object));
    // The first answer may hold fewer layers: the second finds them measured.
    const [first = [], second = []] = told.map((reply) =>
      reply.type === 'reply' && 'metrics' in reply.result ? [...reply.result.metrics] : [],
    );
    expect(first.length).toBeGreaterThan(0);
    expect(second.slice(0, first.length)).toEqual(first);
  });

  it('end with the panel that is closed meanwhile', async () => {
    const host = await asking(({ panel }) => panel().dispose());
    expect([replies(host), host.errors(), host.logged]).toEqual([[], [], []]);
    await expectWorks(host);
  });

  it('are not told for the text that another gave way to', async () => {
    const host = await asking(({ select, shown, run }) => {
      select(shown, START_OF_SECOND, TEXT.length);
      run('explain');
    });
    expect([host.texts(), host.errors(), host.logged]).toEqual([[FIRST, SECOND], [], []]);
    const types = host.posted().map(({ type }) => type);
    expect(types.slice(types.lastIndexOf('explanation'))).not.toContain('reply');
  });

  it('end with a worker that is killed, and the next one measures them', async () => {
    const host = await asking(({ workers }) => workers.killAll());
    expect(replies(host)).toEqual([expect.objectContaining({ type: 'replyError', id: 1 })]);
    host.say({ type: 'query', id: 2, serial: shownOf(host).serial, query: { name: 'heads', args: { layer: 0 } } });
    await host.settle();
    expect(replies(host).at(-1)).toMatchObject({ type: 'reply', id: 2 });
  });
});

describe('the page of the panel', () => {
  it('that we closed is gone, and the next explanation opens another', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    host.run('clear');
    await host.settle();
    expect(host.panel().ended).toBe(true);
    await expectWorks(host);
    expect(host.panels).toHaveLength(2);
  });

  it('that was reloaded is told everything again, the answers to its old questions left out', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    const { serial } = shownOf(host);
    host.say({ type: 'query', id: 7, serial, query: { name: 'lens', args: { layer: 0, layers: 1, position: 0, positions: 1 } } });
    const { posted } = host.panel();
    const before = posted.length;
    host.say({ type: 'ready' });
    await host.settle();
    expect(posted.slice(before).map(({ type }) => type)).toEqual(expect.arrayContaining(['init', 'explanation', 'comparing']));
    expect(posted.slice(before).filter(({ type }) => type === 'reply' || type === 'replyError')).toEqual([]);
  });

  it('is answered what it asks, by number, and not what it dropped or asked about another text', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    const { serial } = shownOf(host);
    for (const [id, about] of [
      [1, serial],
      [2, serial],
      [3, serial + 1],
    ] as const)
      host.say({ type: 'query', id, serial: about, query: { name: 'distribution', args: { position: 2 } } });
    host.say({ type: 'dropQuery', id: 2 });
    await host.settle();
    const replies = host.posted().filter(({ type }) => type === 'reply' || type === 'replyError');
    expect(replies).toEqual([expect.objectContaining({ type: 'reply', id: 1, serial })]);
  });

  it('is told in one sentence what could not be answered, and asks on', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    const { serial } = shownOf(host);
    host.say({ type: 'query', id: 1, serial, query: { name: 'lens', args: { layer: 99, layers: 1, position: 0, positions: 1 } } });
    await host.settle();
    expect(host.posted().at(-1)).toMatchObject({ type: 'replyError', id: 1, message: expect.stringMatching(/layer 99/) as string });
    host.say({ type: 'query', id: 2, serial, query: { name: 'lens', args: { layer: 1, layers: 1, position: 0, positions: 1 } } });
    await host.settle();
    expect(host.posted().at(-1)).toMatchObject({ type: 'reply', id: 2 });
  });

  it('is told that a question ended with its worker, and a new one answers the next', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    const { serial } = shownOf(host);
    host.workers.onceAt(0, () => host.workers.killAll());
    host.say({ type: 'query', id: 1, serial, query: { name: 'lens', args: { layer: 0, layers: 1, position: 0, positions: 1 } } });
    await host.settle();
    expect(host.posted().at(-1)).toMatchObject({ type: 'replyError', id: 1 });
    host.say({ type: 'query', id: 2, serial, query: { name: 'lens', args: { layer: 0, layers: 1, position: 0, positions: 1 } } });
    await host.settle();
    expect(host.posted().at(-1)).toMatchObject({ type: 'reply', id: 2 });
  });

  it('may say anything: what is no message of ours is not heard', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    const before = host.posted().length;
    for (const message of [null, 7, 'ready', {}, { type: 'query' }, { type: 'select', token: -1 }]) host.panel().say(message);
    await turns(5);
    expect(host.posted()).toHaveLength(before);
  });

  it('that VS Code kept over a restart is filled with its text again', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    const { source } = shownOf(host);
    const kept = itemOf(host.panels, 0);
    const restored = host.api.window.createWebviewPanel();
    await host.revive(restored, { version: 1, source, text: FIRST, view: null });
    host.greet();
    await host.settle();
    expect(kept.ended).toBe(true);
    expect(host.texts()).toEqual([FIRST, FIRST]);
    // One of another version has nothing to fill it with: it says how to begin.
    await host.revive(host.api.window.createWebviewPanel(), { version: 99 });
    await host.settle();
    expect(host.panels.map(({ ended }) => ended)).toEqual([true, true, false]);
    expect(host.texts()).toEqual([FIRST, FIRST]);
  });
});

/** A text by its tokens. */
function spelled(tokens: readonly Token[] | null = []): string | null {
  return tokens && tokens.map(({ text }) => text).join('');
}

function shownOf(host: Awaited<ReturnType<typeof startHost>>) {
  const shown = host.posted().findLast((message) => message.type === 'explanation');
  if (shown?.type !== 'explanation') throw new Error('Nothing is explained.');
  return shown.shown;
}
