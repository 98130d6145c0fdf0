// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import type { HostMessage, PanelMessage, ShownReport } from '../../src/protocol/messages.ts';
import type { PanelContext } from '../../webview/context.ts';
import { createNotes } from '../../webview/parts/noteBar.ts';
import { createTooltip } from '../../webview/parts/tooltip.ts';
import { createStore, initialState } from '../../webview/state.ts';
import { readTheme } from '../../webview/theme.ts';
import { readFixture } from './readFixture.ts';

const { shown } = readFixture();
const NOTE = { text: 'Why here?', token: 1, head: null, key: null };
const REPORT: ShownReport = { product: '0.1.0', created: '2026-11-30T00:00:00Z', readsAgain: true, keepsNotes: true };

let posted: PanelMessage[];
beforeEach(() => {
  posted = [];
  document.body.replaceChildren();
});

/** The notes of a page: of the panel, or of a saved report. */
function notesOf(report: ShownReport | undefined) {
  const theme = readTheme(() => '', 'dark');
  const store = createStore(initialState(theme, { version: 1, view: { selected: 1, notes: [NOTE] } }), (state) => notes.update(state));
  const context = {
    host: { post: (message: PanelMessage) => void posted.push(message) },
    store,
    tooltip: createTooltip(document.body),
    announce: () => undefined,
  } as unknown as PanelContext;
  const notes = createNotes(context);
  document.body.append(notes.root, notes.button);
  const tell = (message: HostMessage): void => store.dispatch({ type: 'host', message });
  if (report !== undefined) tell({ type: 'init', strings: {}, language: 'en', follows: true, report });
  tell({ type: 'explanation', shown });
  const write = (text: string): void => {
    notes.button.click();
    const input = notes.root.querySelector('input.note-input') as HTMLInputElement;
    input.value = text;
    input.closest('form')?.requestSubmit();
  };
  const texts = (): readonly (string | null)[] => [...notes.root.querySelectorAll('.note-text')].map((one) => one.textContent);
  const removers = (): readonly HTMLElement[] => [...notes.root.querySelectorAll<HTMLElement>('.note-list .icon-button')];
  return { notes, tell, write, texts, removers };
}

describe('notes', () => {
  it('of a report that can keep them are told when one is written or removed, and are what its file says', () => {
    const { tell, write, texts, removers } = notesOf(REPORT);
    write('  Here too. ');
    expect(posted).toEqual([{ type: 'notes', notes: [NOTE, { ...NOTE, text: 'Here too.' }] }]);
    removers()[0]?.click();
    expect(posted.at(-1)).toEqual({ type: 'notes', notes: [{ ...NOTE, text: 'Here too.' }] });
    tell({ type: 'notes', notes: [NOTE] });
    expect(texts()).toEqual(['Why here?']);
    tell({ type: 'notes', notes: 'none' });
    expect([texts(), posted.length]).toEqual([[], 2]);
  });

  it('of a report that cannot keep them are read alone', () => {
    const { notes, texts, removers } = notesOf({ ...REPORT, keepsNotes: false });
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'n' }));
    expect([texts(), removers(), notes.button.hidden, notes.root.querySelector('form')?.hidden]).toEqual([['Why here?'], [], true, true]);
  });

  it('of the panel are told to nobody', () => {
    const { write, texts } = notesOf(undefined);
    write('Here too.');
    expect([texts(), posted]).toEqual([['Why here?', 'Here too.'], []]);
  });
});
