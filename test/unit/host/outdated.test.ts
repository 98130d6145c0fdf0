import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Explanation } from '../../../src/core/trace.ts';
import type { Log } from '../../../src/host/log.ts';
import type { ModelClient } from '../../../src/host/client/modelClient.ts';
import type { PanelContext } from '../../../src/host/panel/panelView.ts';
import { summarise } from '../../../webview/figures/summary.ts';
import { itemOf } from '../../closeness.ts';
import { explanationOf } from './explanations.ts';
import { FakeDocument, FakeUri, fakeVSCode, withEditor, type FakeEditor } from './fakeEditor.ts';

const TEXT = 'The cat sat.\n\nAnother paragraph.';
const SELECTED = 'The cat sat.';
const ANOTHER = TEXT.indexOf('Another');
const pieces = [
  { text: '<s>', probability: null, special: true },
  { text: 'The', probability: 0.5 },
  { text: ' cat', probability: 0.001 },
  { text: ' sat', probability: 0.00001 },
  { text: '.', probability: 0.9 },
];

/** The parts that show an explanation, over a document and a model that answers when the test says so. */
async function started(settings: Readonly<Record<string, unknown>> = {}) {
  const editor = fakeVSCode({ model: '/models/chosen', ...settings });
  const asked: { readonly text: string; readonly answer: (explanation: Explanation) => void; readonly fail: (error: Error) => void }[] = [];
  const client = {
    explain: ({ text }: { readonly text: string }) =>
      new Promise((resolve, reject) =>
        asked.push({ text, answer: (explanation) => resolve({ explanation, modelKey: 'm' }), fail: reject }),
      ),
    reopen: async () => undefined,
    countTokens: async () => ({ count: 4, atLeast: false }),
    stop: () => undefined,
  } as unknown as ModelClient;
  const log = { error: () => undefined, info: () => undefined } as unknown as Log;
  const made = await withEditor(editor.api, async () => {
    const [
      { Explainer },
      { CurrentExplanation },
      { TokenDecorations },
      { TokenFocus },
      { StatusBar },
      { TokenHover },
      { WhyMarks },
      { AttentionMarks },
      { Overlays },
      { PanelView },
      { readEditors: read },
      { CancelledError, UserError },
    ] = await Promise.all([
      import('../../../src/host/explain/explainer.ts'),
      import('../../../src/host/explain/currentExplanation.ts'),
      import('../../../src/host/editor/tokenDecorations.ts'),
      import('../../../src/host/editor/tokenFocus.ts'),
      import('../../../src/host/editor/statusBar.ts'),
      import('../../../src/host/editor/tokenHover.ts'),
      import('../../../src/host/editor/whyMarks.ts'),
      import('../../../src/host/editor/attentionMarks.ts'),
      import('../../../src/host/editor/overlays.ts'),
      import('../../../src/host/panel/panelView.ts'),
      import('../../../src/host/editor/target.ts'),
      import('../../../src/core/errors.ts'),
    ]);
    const current = new CurrentExplanation();
    const focus = new TokenFocus(current);
    const why = new WhyMarks(current);
    const attention = new AttentionMarks({ client, current, focus, onFailure: () => undefined });
    const statusBar = new StatusBar(client, current, log);
    const comparer = { onDidChange: () => ({ dispose: () => undefined }), close: () => undefined, work: { kind: 'idle' }, again: null };
    const sizer = { onDidChange: () => ({ dispose: () => undefined }), value: null };
    const explainer = new Explainer(client, current, log, async (error) => ({ error, remedies: [] }));
    const panel = new PanelView(
      { extensionUri: FakeUri.file('/ext'), client, current, comparer, sizer, focus, why, attention, log } as unknown as PanelContext,
      { cancel: () => explainer.cancel(), dismiss: () => explainer.dismiss() } as ConstructorParameters<typeof PanelView>[1],
    );
    explainer.attach(panel);
    const hover = new TokenHover(current, why, attention);
    const decorations = new TokenDecorations(current, focus, new Overlays(why, attention));
    return { current, statusBar, explainer, panel, hover, decorations, read, CancelledError, UserError };
  });
  const document = new FakeDocument('notes.md', TEXT);
  const shown = editor.open(document, 0, SELECTED.length);
  const { explainer } = made;
  /** As the command does. */
  const explain = (): Promise<void> => {
    const { active } = made.read(undefined);
    if (active && explainer.readHere(active)) return explainer.runAgain();
    return active?.target ? explainer.explain(active.target) : Promise.resolve();
  };
  const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1000);
  /** Explains the selection, to its end. */
  const explained = async (): Promise<void> => {
    void explain();
    editor.panels.at(-1)?.say({ type: 'ready' });
    asked.at(-1)?.answer(explanationOf(pieces));
    await settle();
  };
  const hoverAt = (offset: number): string | undefined =>
    editor.hovers[0]?.provideHover(document, document.positionAt(offset))?.contents.value;
  return { ...editor, ...made, asked, document, shown, explain, explained, settle, hoverAt };
}

/** Ranges painted on an editor now: with a background, and with an underline alone. */
function painted({ setDecorations }: FakeEditor): { readonly coloured: number; readonly underlined: number } {
  const latest = new Map<
    { readonly options: { readonly backgroundColor?: { readonly id: string }; readonly borderWidth?: string } },
    number
  >();
  for (const [type, ranges] of setDecorations.mock.calls) latest.set(type, ranges.length);
  const count = (of: (options: { readonly backgroundColor?: { readonly id: string }; readonly borderWidth?: string }) => boolean): number =>
    [...latest].reduce((sum, [{ options }, ranges]) => sum + (of(options) ? ranges : 0), 0);
  return {
    coloured: count(({ backgroundColor }) => backgroundColor?.id.includes('surprisal') === true),
    underlined: count(({ backgroundColor, borderWidth }) => backgroundColor === undefined && borderWidth?.startsWith('0 0 ') === true),
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.doUnmock('../../../src/host/vscode.ts');
  vi.doUnmock('#platform');
});

describe('results from before', () => {
  it('are faded and named in the editor while another text is explained, and once that failed or was cancelled', async () => {
    const { explain, explained, settle, shown, select, asked, hoverAt, statusItem, explainer, CancelledError, UserError } = await started();
    await explained();
    expect(painted(shown)).toEqual({ coloured: 4, underlined: 0 });
    expect(hoverAt(1)).not.toContain('from before');
    expect([statusItem.text, statusItem.tooltip]).toEqual([
      expect.stringContaining('$(symbol-numeric) 4 tokens · '),
      expect.not.stringContaining('from before'),
    ]);
    for (const [end, sentence] of [
      ['working', 'a text is being explained'],
      ['failed', 'the last explanation failed'],
      ['cancelled', 'the last explanation was cancelled'],
    ] as const) {
      select(shown, ANOTHER, TEXT.length);
      void explain();
      if (end === 'failed') asked.at(-1)?.fail(new UserError('No.'));
      if (end === 'cancelled') asked.at(-1)?.fail(new CancelledError());
      select(shown, 2, 2);
      await settle();
      expect(painted(shown)).toEqual({ coloured: 0, underlined: 2 });
      expect(hoverAt(1)).toContain(`These numbers are from before: ${sentence}.`);
      expect([statusItem.text, statusItem.tooltip]).toEqual([
        expect.stringContaining('$(history) 4 tokens · '),
        expect.stringContaining(`from before: ${sentence}.`),
      ]);
    }
    explainer.dismiss();
    await settle();
    expect(painted(shown).coloured).toBe(4);
    expect(hoverAt(1)).not.toContain('from before');
  });

  it('do not flash for what is soon done', async () => {
    const { explain, explained, shown, asked, settle } = await started();
    await explained();
    shown.setDecorations.mockClear();
    void explain();
    await vi.advanceTimersByTimeAsync(200);
    expect(
      shown.setDecorations.mock.calls.filter(
        ([type, ranges]) => type.options.backgroundColor === undefined && type.options.borderWidth?.startsWith('0 0 ') && ranges.length > 0,
      ),
    ).toEqual([]);
    asked.at(-1)?.answer(explanationOf(pieces));
    await settle();
    expect(painted(shown).coloured).toBe(4);
  });

  it('stand in the panel under a failure that names the text and the model', async () => {
    const { explain, explained, asked, panels, settle, panel, UserError } = await started();
    await explained();
    void explain();
    asked.at(-1)?.fail(new UserError('config.json is missing.'));
    await settle();
    const failure = {
      type: 'failure',
      message: 'config.json is missing.',
      about: { text: 'notes.md', place: '/notes.md', model: '/models/chosen' },
    };
    expect(panels[0]?.posted.findLast(({ type }) => type === 'failure')).toEqual(failure);
    // A page that was hidden meanwhile hears of it, and of a model that was refused.
    panel.refuse({ model: '/models/broken', kept: 'tiny', message: 'It has no weights.' });
    panels[0]?.say({ type: 'ready' });
    expect(panels[0]?.posted.slice(-2)).toEqual([
      failure,
      { type: 'refused', refusal: { model: '/models/broken', kept: 'tiny', message: 'It has no weights.' } },
    ]);
  });

  it('give way when another model is chosen: it reads the text that failed', async () => {
    const { explainer, explain, asked, settle, panels, UserError } = await started();
    void explain();
    panels.at(-1)?.say({ type: 'ready' });
    asked.at(-1)?.fail(new UserError('config.json is missing.'));
    await settle();
    expect(asked).toHaveLength(1);
    void explainer.changeModel();
    await settle();
    expect(asked.map(({ text }) => text)).toEqual([SELECTED, SELECTED]);
    explainer.cancel();
  });

  it('are those of the newest request: the failure of one before says nothing', async () => {
    const { explain, asked, panels, settle, explained, UserError } = await started();
    await explained();
    void explain();
    const older = asked.at(-1);
    void explain();
    older?.fail(new UserError('Too late.'));
    asked.at(-1)?.answer(explanationOf(pieces));
    await settle();
    expect(panels[0]?.posted.filter(({ type }) => type === 'failure')).toEqual([]);
  });
});

describe('an explanation in the editor', () => {
  it('goes with its panel: colours, hover and the status bar’s numbers', async () => {
    const { explained, panels, settle, shown, hoverAt, statusItem, current } = await started();
    await explained();
    expect(painted(shown).coloured).toBe(4);
    panels[0]?.dispose();
    await settle();
    expect(painted(shown)).toEqual({ coloured: 0, underlined: 0 });
    expect([hoverAt(1), current.value, statusItem.shown]).toEqual([undefined, undefined, false]);
  });

  it('is counted alike in the status bar and in the panel', async () => {
    const { explained, statusItem, current } = await started();
    await explained();
    const { own, added } = summarise(current.value?.shown.explanation ?? explanationOf([]), 'en');
    expect([own, added]).toEqual([4, 1]);
    expect(statusItem.text).toContain(`${own} tokens`);
  });

  it('takes its selection off, where the colours would mix with it, and is read again from where the cursor was left', async () => {
    const { explained, explain, shown, document, asked, select } = await started();
    await explained();
    expect([shown.selection.isEmpty, document.offsetAt(shown.selection.active)]).toEqual([true, SELECTED.length]);
    // The first words alone were selected, not the paragraph.
    select(shown, 0, 7);
    await explained();
    expect(document.offsetAt(shown.selection.active)).toBe(7);
    for (let again = 0; again < 2; again++) await explained();
    expect(asked.slice(1).map(({ text }) => text)).toEqual(['The cat', 'The cat', 'The cat']);
    select(shown, 3, 3);
    void explain();
    expect(asked.at(-1)?.text).toBe(SELECTED);
  });

  it('leaves a selection that is another by then, or that no colour lies under', async () => {
    const { explain, asked, settle, shown, select } = await started();
    void explain();
    select(shown, 0, 3);
    asked.at(-1)?.answer(explanationOf(pieces));
    await settle();
    expect(shown.selection.isEmpty).toBe(false);
    const plain = await started({ colors: false });
    await plain.explained();
    expect(plain.shown.selection.isEmpty).toBe(false);
  });
});

describe('work in progress', () => {
  it('is told of by a notification, with its cancel, only while no panel on screen shows it', async () => {
    const { explain, asked, panels, notifications, settle } = await started();
    void explain();
    const panel = itemOf(panels, 0);
    panel.say({ type: 'ready' });
    await settle();
    expect(notifications).toEqual([]);
    panel.visible = false;
    await settle();
    expect(notifications.map(({ title }) => title)).toEqual(['Explain Tokens']);
    itemOf(notifications, 0).cancel();
    asked.at(-1)?.answer(explanationOf(pieces));
    await settle();
    expect(notifications).toHaveLength(1);
  });

  it('is not told of any more once it is done', async () => {
    const { explained, panels, notifications, settle } = await started();
    await explained();
    itemOf(panels, 0).visible = false;
    await settle();
    expect(notifications).toEqual([]);
  });
});
