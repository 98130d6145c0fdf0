import { countText } from '../../../src/core/countText.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { itemOf } from '../../closeness.ts';
import { SHORT_CONTEXT } from './engineWorkers.ts';
import { fakeVSCode } from './fakeEditor.ts';
import { endHosts, shown, startHost } from './wholeHost.ts';

afterEach(endHosts);

const NAMES = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i));
/** 20 lines of 24 characters, each of which is a token of its own here. */
const LONG = NAMES.map((name) => `the cat ${name} sat on a mat.\n`).join('');
const LINE = LONG.length / NAMES.length;
const CONTEXT = 64;
const WINDOWS = 1 + Math.ceil((LONG.length - CONTEXT) / (CONTEXT / 2));

type Host = Awaited<ReturnType<typeof startHost>>;

/** A host that shows the first window of the long text, all of which was selected. */
async function longHost(text = LONG): Promise<Host> {
  const host = await startHost();
  host.document.text = text;
  await host.explain(0, text.length);
  await host.settle();
  return host;
}

function windowOf(host: Host) {
  const { window } = shown(host).explanation;
  if (window === undefined) throw new Error('No window is shown.');
  return { ...window, ...itemOf(window.windows, window.index) };
}

async function slide(host: Host, index: number): Promise<void> {
  host.say({ type: 'window', serial: shown(host).serial, index });
  await host.settle();
}

describe('a text that is longer than the context', () => {
  it('is read by its first window, named by lines, and nothing is said to be left out', async () => {
    const host = await longHost();
    expect(shown(host).explanation.text).toBe(LONG.slice(0, CONTEXT));
    expect(windowOf(host)).toMatchObject({ index: 0, tokens: LONG.length, length: CONTEXT, stride: CONTEXT / 2 });
    expect(windowOf(host).windows).toHaveLength(WINDOWS);
    const { windows, notices } = shown(host);
    expect(windows?.whole).toEqual([1, 20]);
    expect(windows?.lines[0]).toEqual([1, 3]);
    expect(windows?.rule).toBe(
      `llama reads ${CONTEXT} tokens at once: this text of ${countText(LONG.length)} tokens is read in windows of ${CONTEXT}, which ` +
        `begin ${CONTEXT / 2} tokens apart and so share ${CONTEXT / 2} with the next.`,
    );
    expect(notices).toEqual([]);
  });

  it('has no windows where it fits, nor with what is selected of it', async () => {
    const host = await startHost();
    await host.explain();
    await host.settle();
    expect(shown(host).explanation.window).toBeUndefined();
    expect(shown(host).windows).toBeUndefined();
  });

  it('counts the lines of a selection as the editor does', async () => {
    const host = await startHost();
    host.document.text = LONG;
    await host.explain(4 * LINE, LONG.length);
    await host.settle();
    expect(shown(host).windows?.whole).toEqual([5, 20]);
    expect(shown(host).windows?.lines[1]).toEqual([6, 8]);
  });

  it('is read around the cursor where a paragraph was asked for by it', async () => {
    const host = await startHost();
    host.document.text = LONG;
    await host.explain(10 * LINE, 10 * LINE);
    await host.settle();
    const { start, stop, index } = windowOf(host);
    expect(index).toBeGreaterThan(3);
    expect(start).toBeLessThanOrEqual(10 * LINE - CONTEXT / 2 + 1);
    expect(stop).toBeGreaterThan(10 * LINE);
  });
});

describe('the slider', () => {
  it('shows each window, with its tokens at their places in the document', async () => {
    const host = await longHost();
    for (const index of [5, WINDOWS - 1, 1, 0]) {
      await slide(host, index);
      const { start, stop } = windowOf(host);
      expect(windowOf(host).index).toBe(index);
      expect(shown(host).explanation.text).toBe(LONG.slice(start, stop));
      const token = 10;
      host.say({ type: 'select', token });
      const painted = host.shown.setDecorations.mock.calls.findLast(([, ranges]) => (ranges as readonly unknown[]).length === 1)?.[1] as [
        Parameters<typeof host.document.getText>[0],
      ];
      expect(host.document.offsetAt((painted[0] as { start: Parameters<typeof host.document.offsetAt>[0] }).start)).toBe(start + token);
      // The editor shows where the window begins.
      expect(host.shown.revealRange).toHaveBeenCalled();
    }
    expect(host.errors()).toEqual([]);
  });

  it('shows the last of the windows that it passed, and one read before at once', async () => {
    const host = await longHost();
    for (const index of [1, 2, 3, 7]) host.say({ type: 'window', serial: shown(host).serial, index });
    await host.settle();
    expect(windowOf(host).index).toBe(7);
    await slide(host, 0);
    expect(windowOf(host).index).toBe(0);
    expect(shown(host).explanation.forwardKept).toBe(true);
  });

  it('asks for nothing beyond the last window, and nothing of an explanation that is gone', async () => {
    const host = await longHost();
    const before = host.texts().length;
    await slide(host, WINDOWS);
    host.say({ type: 'window', serial: shown(host).serial + 1, index: 1 });
    await host.settle();
    expect(host.texts()).toHaveLength(before);
  });

  it('does not take the place of another text that is being explained', async () => {
    const host = await longHost();
    host.select(host.shown, 0, 10);
    host.run('explain');
    host.say({ type: 'window', serial: shown(host).serial, index: 3 });
    await host.settle();
    expect(shown(host).explanation.text).toBe(LONG.slice(0, 10));
  });
});

describe('the cursor', () => {
  const moveTo = async (host: Host, offset: number): Promise<void> => {
    host.select(host.shown, offset, offset);
    await host.settle();
  };

  it('leads to the window that holds it, and selects its token there', async () => {
    const host = await longHost();
    await moveTo(host, 300);
    const { start, stop, enter } = windowOf(host);
    expect(start + CONTEXT / 2).toBeLessThanOrEqual(300);
    expect([enter <= 300, stop > 300]).toEqual([true, true]);
    const selected = host.posted().findLast(({ type }) => type === 'select');
    expect(selected).toEqual({ type: 'select', token: 300 - start });
    // Within the window nothing else is read.
    const before = host.texts().length;
    await moveTo(host, start + 3);
    expect(host.texts()).toHaveLength(before);
  });

  it('that passes through windows without a rest, selects, or is moved by typing asks for none', async () => {
    const host = await longHost();
    const before = host.texts().length;
    for (const offset of [100, 200, 300, 5]) host.select(host.shown, offset, offset);
    await host.settle();
    host.select(host.shown, 200, 260);
    await host.settle();
    expect(host.texts()).toHaveLength(before);
    host.shown.selection = new (fakeVSCode().api.Selection)(host.document.positionAt(300), host.document.positionAt(300));
    host.type(host.shown, 'x');
    host.type(host.shown, 'y');
    await host.settle();
    expect(host.texts()).toHaveLength(before);
  });

  it('that stays at the end of a selection that is cleared once it is explained leaves the first window', async () => {
    const host = await longHost();
    const { selection } = host.shown;
    expect(selection.isEmpty).toBe(true);
    host.events.selection.fire({ textEditor: host.shown, selections: [selection] });
    await host.settle();
    expect([host.texts().length, windowOf(host).index]).toEqual([1, 0]);
  });

  it('outside of the selected text leads nowhere', async () => {
    const host = await startHost();
    host.document.text = LONG;
    await host.explain(2 * LINE, 12 * LINE);
    await host.settle();
    const before = host.texts().length;
    await moveTo(host, 15 * LINE);
    expect(host.texts()).toHaveLength(before);
    await moveTo(host, 11 * LINE);
    expect(host.texts()).toHaveLength(before + 1);
  });
});

describe('an edit', () => {
  const typeAt = (host: Host, start: number, end: number, text: string): void => {
    host.select(host.shown, start, end);
    host.type(host.shown, text);
  };

  it('before the window moves its tokens, and the next window is of the text as it is now', async () => {
    const host = await longHost();
    await slide(host, 5);
    const { start } = windowOf(host);
    typeAt(host, 4, 4, 'big ');
    await host.settle();
    host.say({ type: 'select', token: 2 });
    const edited = host.document.text;
    await slide(host, 6);
    expect(windowOf(host).tokens).toBe(LONG.length + 4);
    expect(shown(host).explanation.text).toBe(edited.slice(windowOf(host).start, windowOf(host).stop));
    expect(windowOf(host).start).toBeGreaterThan(start);
  });

  it('while a window is being read leaves its tokens at their places', async () => {
    const host = await longHost();
    host.say({ type: 'window', serial: shown(host).serial, index: 8 });
    typeAt(host, 4, 4, 'big ');
    await host.settle();
    const { start, stop } = windowOf(host);
    expect(shown(host).explanation.text).toBe(LONG.slice(start, stop));
    expect(host.posted().findLast(({ type }) => type === 'stale')).toMatchObject({ tokens: [] });
    await slide(host, WINDOWS - 1);
    expect(host.document.text).toContain(shown(host).explanation.text);
    expect(windowOf(host).tokens).toBe(LONG.length + 4);
  });

  it('that leaves less than the window shows the last one there is, or all of a text that fits now', async () => {
    const host = await longHost();
    await slide(host, WINDOWS - 1);
    typeAt(host, 100, LONG.length, '');
    await host.settle();
    host.run('runAgain');
    await host.settle();
    expect(shown(host).explanation.text).toBe(LONG.slice(windowOf(host).start, 100));
    expect(windowOf(host).index).toBe(windowOf(host).windows.length - 1);
    typeAt(host, 30, 100, '');
    await host.settle();
    host.run('runAgain');
    await host.settle();
    expect(shown(host).explanation.text).toBe(LONG.slice(0, 30));
    expect(shown(host).explanation.window).toBeUndefined();
    expect(host.errors()).toEqual([]);
  });

  it('that leaves nothing is said', async () => {
    const host = await longHost();
    await slide(host, 3);
    typeAt(host, 0, LONG.length, '');
    await host.settle();
    const before = host.texts().length;
    await slide(host, 4);
    expect(host.texts()).toHaveLength(before);
    host.run('runAgain');
    await host.settle();
    expect(host.window.showInformationMessage).toHaveBeenCalled();
  });
});

describe('another model', () => {
  it('with another context reads the window that holds the same place', async () => {
    const host = await longHost();
    await slide(host, 5);
    const { enter } = windowOf(host);
    host.set('model', '/models/short');
    await host.settle();
    expect(windowOf(host)).toMatchObject({ length: SHORT_CONTEXT, stride: SHORT_CONTEXT / 2 });
    expect([windowOf(host).start <= enter, windowOf(host).stop > enter]).toEqual([true, true]);
  });

  it('chosen while a window is being read reads that window', async () => {
    const host = await longHost();
    host.say({ type: 'window', serial: shown(host).serial, index: 7 });
    host.set('model', '/models/short');
    await host.settle();
    const enter = CONTEXT + 6 * (CONTEXT / 2);
    expect(windowOf(host).length).toBe(SHORT_CONTEXT);
    expect([windowOf(host).start <= enter, windowOf(host).stop > enter]).toEqual([true, true]);
    expect(host.errors()).toEqual([]);
  });
});

describe('a panel that is restored', () => {
  it('shows the same window of a document that is open, and of one that is not that part alone', async () => {
    const host = await longHost();
    await slide(host, 6);
    const { source, explanation } = shown(host);
    const { start } = windowOf(host);
    const state = { version: 1, source, text: explanation.text, at: start, view: {} };
    const revived = async (kept: object) => {
      host.panel().dispose();
      const made = (host.api.window as { createWebviewPanel(): Parameters<typeof host.revive>[0] }).createWebviewPanel();
      await host.revive(made, kept);
      made.say({ type: 'ready' });
      await host.settle();
      return shown(host);
    };
    const again = await revived(state);
    expect([again.explanation.text, again.explanation.window?.index]).toEqual([explanation.text, 6]);
    const gone = await revived({ ...state, source: { ...source, uri: 'file:///gone.md' } });
    expect([gone.explanation.text, gone.explanation.window]).toEqual([explanation.text, undefined]);
    expect(gone.notices).toEqual(['The document is not open, so this part of it is read as a text of its own.']);
  });
});
