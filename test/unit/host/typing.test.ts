import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Target } from '../../../src/host/editor/target.ts';
import type { Second } from '../../../src/host/explain/comparer.ts';
import type { CommandContext } from '../../../src/host/commands.ts';
import type { EditorTexts } from '../../../src/host/editor/target.ts';
import { FakeDocument, fakeVSCode, withEditor } from './fakeEditor.ts';

const TEXT = 'The first text.\n\nA second one, which is not meant.';
const FIRST = 'The first text.';
const DELAYS = Array.from({ length: 21 }, (_, step) => 50 * step);
const MANIFEST = {
  contributes: {
    commands: ['explain', 'compareWith'].map((name) => ({ command: `explainTokens.${name}` })),
    languageModelTools: [],
    mcpServerDefinitionProviders: [],
  },
};

/** The extension's commands over documents that are typed into; the rest of it takes a second to load, as on a slow machine. */
async function started() {
  const editor = fakeVSCode();
  const explained: Target[] = [];
  const compared: Second[] = [];
  const { activate } = await withEditor(editor.api, async () => {
    const { commandsOf } = await import('../../../src/host/commands.ts');
    const context = {
      explainer: { explain: async (target: Target) => void explained.push(target), readHere: () => false },
      comparer: { compare: async (second: Second) => void compared.push(second) },
      current: { value: { shown: { source: {} } }, isAbout: () => false },
    };
    const run = async (id: string, args: readonly unknown[], editors: EditorTexts): Promise<void> =>
      commandsOf({ ...context, editors } as unknown as CommandContext)[id]?.(...args);
    vi.doMock('../../../src/host/hostParts.ts', async () => {
      await new Promise((loaded) => setTimeout(loaded, 1000));
      return { createParts: () => ({ run }) };
    });
    return import('../../../src/extension.ts');
  });
  activate({ extension: { packageJSON: MANIFEST }, subscriptions: [] } as unknown as Parameters<typeof activate>[0]);
  return { ...editor, explained, compared };
}

describe('typing right after a command', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.doUnmock('../../../src/host/hostParts.ts');
    vi.doUnmock('../../../src/host/vscode.ts');
    vi.doUnmock('#platform');
  });

  it.each(DELAYS)('explains what was selected when the command was given, typing after %i ms', async (delay) => {
    const { open, type, commands, explained } = await started();
    const shown = open(new FakeDocument('a.md', TEXT), 0, FIRST.length);
    const done = commands.get('explainTokens.explain')?.();
    await vi.advanceTimersByTimeAsync(delay);
    for (const key of 'xyz') type(shown, key);
    await vi.advanceTimersByTimeAsync(2000);
    await done;
    expect(explained.map(({ text, source: { start, end } }) => ({ text, start, end }))).toEqual([
      { text: FIRST, start: 0, end: FIRST.length },
    ]);
  });

  it.each(DELAYS)('explains the paragraph that the cursor was in, leaving it after %i ms', async (delay) => {
    const { open, select, commands, explained } = await started();
    const shown = open(new FakeDocument('a.md', TEXT), 3, 3);
    const done = commands.get('explainTokens.explain')?.();
    await vi.advanceTimersByTimeAsync(delay);
    select(shown, TEXT.length - 2, TEXT.length - 2);
    await vi.advanceTimersByTimeAsync(2000);
    await done;
    expect(explained.map(({ text }) => text)).toEqual([FIRST]);
  });

  it.each(DELAYS)('compares with what was selected when the command was given, typing after %i ms', async (delay) => {
    const { open, type, commands, compared } = await started();
    const shown = open(new FakeDocument('b.md', TEXT), 0, FIRST.length);
    const done = commands.get('explainTokens.compareWith')?.();
    await vi.advanceTimersByTimeAsync(delay);
    type(shown, 'x');
    await vi.advanceTimersByTimeAsync(2000);
    await done;
    expect(compared.map((second) => (second.kind === 'text' ? second.target.text : ''))).toEqual([FIRST]);
  });
});
