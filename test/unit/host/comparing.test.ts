import { afterEach, describe, expect, it } from 'vitest';
import { endHosts, FIRST, SECOND, startHost, TEXT } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;
const START_OF_SECOND = TEXT.indexOf(SECOND);

/** A host in which FIRST is explained and SECOND selected. */
async function explained(): Promise<Host> {
  const host = await startHost();
  await host.explain();
  await host.settle();
  host.select(host.shown, START_OF_SECOND, TEXT.length);
  return host;
}

/** Asks for the other model in the list that VS Code shows. */
async function compareWithModel(host: Host, setting: string): Promise<void> {
  const before = host.picks.length;
  await host.useModels([setting]);
  host.run('compareModel');
  await host.settle();
  const pick = host.picks[before];
  const item = pick?.items.find((one) => JSON.stringify(one).includes(setting));
  if (pick === undefined || item === undefined) throw new Error(`The list has no ${setting}.`);
  pick.accept(item);
}

const comparisons = (host: Host) => host.posted().flatMap((message) => (message.type === 'comparison' ? [message.comparison] : []));
const work = (host: Host) => host.posted().findLast((message) => message.type === 'comparing');

/** Where the comparison of two texts may be disturbed: before each thing that the worker says of it. */
const MOMENTS = Array.from({ length: 11 }, (_, place) => place);

describe('a comparison with another text', () => {
  it('stands beside the explanation, with the divergence of what both predict', async () => {
    const host = await explained();
    const before = host.workers.said();
    host.run('compareWith');
    await host.settle();
    expect(host.workers.said() - before).toBeGreaterThanOrEqual(MOMENTS.length);
    const made = comparisons(host).find((one) => one !== null);
    expect(made).toMatchObject({ kind: 'text', sameVocabulary: true, model: null });
    expect(made?.explanation.text).toBe(SECOND);
    expect(Number.isFinite(made?.divergence?.final)).toBe(true);
    expect(work(host)).toMatchObject({ work: { kind: 'idle' }, again: null });
    expect([host.texts(), host.errors(), host.logged]).toEqual([[FIRST], [], []]);
  });

  it.each(MOMENTS)('that is cancelled at moment %i leaves the explanation, and can be made again', async (place) => {
    const host = await explained();
    const moment = host.workers.onceAt(place, () => host.say({ type: 'cancelComparison' }));
    host.run('compareWith');
    await host.settle();
    expect([moment.came, work(host)?.work.kind, comparisons(host).filter((one) => one !== null)]).toEqual([true, 'cancelled', []]);
    expect(work(host)?.again).toBe('notes.md');
    host.say({ type: 'compareAgain' });
    await host.settle();
    expect(comparisons(host).at(-1)?.explanation.text).toBe(SECOND);
    expect([host.errors(), host.logged]).toEqual([[], []]);
  });

  it.each(MOMENTS)('goes when another text is explained at moment %i', async (place) => {
    const host = await explained();
    const moment = host.workers.onceAt(place, () => {
      host.select(host.shown, 4, 7);
      host.run('explain');
    });
    host.run('compareWith');
    await host.settle();
    expect([moment.came, host.texts(), comparisons(host).filter((one) => one !== null)]).toEqual([true, [FIRST, 'cat'], []]);
    expect([host.errors(), host.logged]).toEqual([[], []]);
  });

  it.each(MOMENTS)('fails in one sentence where the worker is killed at moment %i, and can be made again', async (place) => {
    const host = await explained();
    const moment = host.workers.onceAt(place, () => host.workers.killAll());
    host.run('compareWith');
    await host.settle();
    expect([moment.came, work(host)?.work]).toEqual([
      true,
      { kind: 'failed', message: expect.stringContaining('signal SIGKILL') as string, what: '/notes.md' },
    ]);
    host.say({ type: 'compareAgain' });
    await host.settle();
    expect(comparisons(host).at(-1)?.explanation.text).toBe(SECOND);
  });

  it.each(MOMENTS)('goes with the panel that is closed at moment %i', async (place) => {
    const host = await explained();
    const moment = host.workers.onceAt(place, () => host.panel().dispose());
    host.run('compareWith');
    await host.settle();
    expect([moment.came, comparisons(host).filter((one) => one !== null), host.errors(), host.logged]).toEqual([true, [], [], []]);
  });

  it('is that of the newest request', async () => {
    const host = await explained();
    host.run('compareWith');
    host.select(host.shown, START_OF_SECOND, START_OF_SECOND + 'another'.length);
    host.run('compareWith');
    await host.settle();
    expect(comparisons(host).flatMap((one) => (one === null ? [] : [one.explanation.text]))).toEqual(['another']);
  });

  it('goes with the next explanation, and is offered again for it', async () => {
    const host = await explained();
    host.run('compareWith');
    await host.settle();
    await host.explain(4, 7);
    await host.settle();
    expect(comparisons(host).at(-1)).toBeNull();
    expect(work(host)?.again).toBe('notes.md');
  });

  it('is taken away when the user closes it', async () => {
    const host = await explained();
    host.run('compareWith');
    await host.settle();
    host.say({ type: 'closeComparison' });
    await host.settle();
    expect([comparisons(host).at(-1), work(host)?.work.kind]).toEqual([null, 'idle']);
  });

  it('answers questions about its second side from there', async () => {
    const host = await explained();
    host.run('compareWith');
    await host.settle();
    const shown = host.posted().findLast((message) => message.type === 'explanation');
    const serial = shown?.type === 'explanation' ? shown.shown.serial : -1;
    for (const [id, side] of [
      [1, undefined],
      [2, 'second'],
    ] as const)
      host.say({
        type: 'query',
        id,
        serial,
        query: { name: 'lens', args: { layer: 0, layers: 1, position: 0, positions: 1 } },
        ...(side === undefined ? {} : { side }),
      });
    await host.settle();
    const replies = host.posted().filter(({ type }) => type === 'reply');
    expect(replies).toHaveLength(2);
    expect(JSON.stringify(replies[0])).not.toBe(JSON.stringify(replies[1]));
  });
});

describe('a comparison with another model', () => {
  it('has a worker of its own, and ends it with the window', async () => {
    const host = await explained();
    await compareWithModel(host, '/models/other');
    await host.settle();
    const made = comparisons(host).at(-1);
    expect([made?.kind, made?.model, made?.explanation.text, made?.explanation.model.name]).toEqual([
      'model',
      '/models/other',
      FIRST,
      'gpt2',
    ]);
    expect(made?.sameVocabulary).toBe(true);
    expect(host.workers.alive()).toBeGreaterThanOrEqual(2);
    host.dispose();
    await host.settle();
    expect(host.workers.alive()).toBe(0);
  });

  it('that is not there says so in the panel, and the explanation stands', async () => {
    const host = await explained();
    await compareWithModel(host, '/models/broken');
    await host.settle();
    expect(work(host)?.work).toEqual({ kind: 'failed', message: 'There is no model folder /models/broken.', what: '/models/broken' });
    expect([host.texts(), host.errors()]).toEqual([[FIRST], []]);
  });

  it('is kept where the user thinks better of it in the list', async () => {
    const host = await explained();
    host.run('compareModel');
    await host.settle();
    host.picks.at(-1)?.hide();
    await host.settle();
    expect(comparisons(host).filter((one) => one !== null)).toEqual([]);
  });
});
