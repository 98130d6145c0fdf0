import { afterEach, describe, expect, it } from 'vitest';
import { EXAMPLE_TEXTS } from '../../../src/protocol/exampleTexts.ts';
import { endHosts, FIRST, startHost } from './wholeHost.ts';

afterEach(endHosts);

type Host = Awaited<ReturnType<typeof startHost>>;

const shownPaths = (host: Host): number => host.posted().filter(({ type }) => type === 'path').length;
const { text, mode } = EXAMPLE_TEXTS.code;

describe('the path through the panel', () => {
  it('is shown over the explanation on show, which is not made again', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    host.run('showPath');
    await host.settle();
    expect([host.texts(), shownPaths(host)]).toEqual([[FIRST], 1]);
  });

  it('explains the text at the cursor first where nothing is explained, and waits for the page', async () => {
    const host = await startHost();
    host.run('showPath');
    await host.settle();
    expect(shownPaths(host)).toBe(0);
    host.greet();
    await host.settle();
    expect([host.texts(), shownPaths(host), host.untitled]).toEqual([[FIRST], 1, []]);
  });

  it('reads an example where there is no text', async () => {
    const host = await startHost();
    host.window.visibleTextEditors.splice(0);
    host.activate(undefined);
    host.run('showPath');
    await host.settle();
    host.greet();
    await host.settle();
    expect(host.untitled.map(({ content }) => content)).toEqual([EXAMPLE_TEXTS.catGirl.text]);
    // The tiny model's tokenizer knows small letters only: it says so, and there is nothing to walk through.
    expect(host.outcome()).toMatchObject({ type: 'failure', about: { text: 'Untitled-1' } });
    expect(shownPaths(host)).toBe(0);
  });

  it('opens an example as a new document and reads it; one that is open still is not opened again', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    for (let time = 0; time < 2; time++) {
      host.say({ type: 'example', name: 'code' });
      await host.settle();
      expect(host.outcome()).toMatchObject({ type: 'failure', about: { text: 'Untitled-1' } });
    }
    expect(host.untitled).toEqual([{ language: mode, content: text }]);
  });
});
