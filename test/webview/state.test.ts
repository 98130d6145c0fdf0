import { describe, expect, it } from 'vitest';
import { createStore, initialState, persisted, reduce, type ViewState } from '../../webview/state.ts';
import { INITIAL_SETTINGS, parseSettings } from '../../webview/settings.ts';
import { readTheme } from '../../webview/theme.ts';
import { readFixture } from './readFixture.ts';

const theme = readTheme(() => '', 'dark');
const { shown } = readFixture();
const last = shown.explanation.tokens.length - 1;
const explained = reduce(initialState(theme, undefined), { type: 'host', message: { type: 'explanation', shown } });
const settings = (state: ViewState, change: Partial<ViewState['settings']>): ViewState => reduce(state, { type: 'settings', change });

describe('state', () => {
  it('selects the last token of a new text', () => {
    expect(explained.settings.selected).toBe(last);
    expect(explained.activity).toEqual({ kind: 'idle' });
  });

  it('keeps selection and lock when the same text is explained again, drops them for another', () => {
    const chosen = settings(explained, { selected: 3, locked: { query: 3, key: 1 } });
    const again = reduce(chosen, { type: 'host', message: { type: 'explanation', shown: { ...shown, serial: 2 } } });
    expect([again.settings.selected, again.settings.locked]).toEqual([3, { query: 3, key: 1 }]);
    const other = reduce(chosen, { type: 'host', message: { type: 'explanation', shown: { ...shown, serial: 3, explanation: { ...shown.explanation, text: 'other' } } } });
    expect([other.settings.selected, other.settings.locked]).toEqual([last, null]);
  });

  it('moves layer, head and selection inside a smaller model and a shorter text', () => {
    const far = settings(explained, { layer: 5, head: 7, embeddingLayer: 6, positionKey: 9 });
    const small = { ...shown.explanation, model: { ...shown.explanation.model, layers: 2, heads: 2 }, tokens: shown.explanation.tokens.slice(0, 4) };
    const moved = reduce(far, { type: 'host', message: { type: 'explanation', shown: { ...shown, explanation: small } } }).settings;
    expect([moved.layer, moved.head, moved.embeddingLayer, moved.selected, moved.positionKey]).toEqual([1, 1, 2, 3, null]);
  });

  it('follows the cursor of the editor, and stays where the cursor leaves the text', () => {
    const followed = reduce(explained, { type: 'host', message: { type: 'select', token: 5 } });
    expect(followed.settings.selected).toBe(5);
    expect(reduce(followed, { type: 'host', message: { type: 'select', token: null } })).toBe(followed);
  });

  it('keeps the old explanation through progress, failure and cancelling', () => {
    for (const message of [{ type: 'progress', message: 'Loading', fraction: null }, { type: 'failure', message: 'No model.' }, { type: 'cancelled' }] as const) {
      const next = reduce(explained, { type: 'host', message });
      expect(next.shown).toBe(shown);
      expect(next.activity.kind).toBe({ progress: 'working', failure: 'failed', cancelled: 'cancelled' }[message.type]);
    }
  });

  it('shows stale tokens until the next explanation', () => {
    const stale = reduce(explained, { type: 'host', message: { type: 'stale', tokens: [1, 2] } });
    expect([...stale.stale]).toEqual([1, 2]);
    expect(reduce(stale, { type: 'host', message: { type: 'explanation', shown } }).stale.size).toBe(0);
  });

  it('does not tell its listener when nothing changed', () => {
    let told = 0;
    const store = createStore(explained, () => told++);
    store.dispatch({ type: 'mark', tokens: [] });
    expect(told).toBe(0);
    store.dispatch({ type: 'mark', tokens: [1] });
    expect(told).toBe(1);
  });
});

describe('comparison', () => {
  const comparison = { serial: 1, with: shown.serial, kind: 'text', source: { ...shown.source, label: 'other.md' }, model: null, explanation: { ...shown.explanation, text: 'other' }, notices: [], sameVocabulary: true, divergence: null } as const;
  const compared = reduce(explained, { type: 'host', message: { type: 'comparison', comparison } });

  it('is shown, kept with its text or its model, and goes when told', () => {
    expect(compared.comparison).toBe(comparison);
    expect(persisted(compared)?.compared).toEqual({ kind: 'text', source: comparison.source, text: 'other' });
    const byModel = reduce(explained, { type: 'host', message: { type: 'comparison', comparison: { ...comparison, kind: 'model', model: '' } } });
    expect(persisted(byModel)?.compared).toEqual({ kind: 'model', model: '' });
    const gone = reduce(compared, { type: 'host', message: { type: 'comparison', comparison: null } });
    expect([gone.comparison, persisted(gone)?.compared]).toEqual([null, undefined]);
  });

  it('opens its tab when it is begun, and leaves the user where they go', () => {
    const working = { type: 'comparing', work: { kind: 'working', message: 'Running', fraction: null, open: true }, again: null } as const;
    const begun = reduce(explained, { type: 'host', message: working });
    expect(begun.settings.tab).toBe('compare');
    const elsewhere = reduce(settings(begun, { tab: 'tokens' }), { type: 'host', message: { ...working, work: { ...working.work, fraction: 0.5 } } });
    expect([elsewhere.settings.tab, elsewhere.comparing]).toEqual(['tokens', { kind: 'working', message: 'Running', fraction: 0.5, open: true }]);
    const restored = reduce(settings(explained, { tab: 'tokens' }), { type: 'host', message: { ...working, work: { ...working.work, open: false } } });
    expect(restored.settings.tab).toBe('tokens');
    const done = reduce(elsewhere, { type: 'host', message: { type: 'comparing', work: { kind: 'idle' }, again: 'other.md' } });
    expect([done.comparing.kind, done.compareAgain]).toEqual(['idle', 'other.md']);
  });
});

describe('kept state', () => {
  it('comes back as it was', () => {
    const chosen = settings(explained, { tab: 'attention', layer: 4, head: 2, selected: 7, temperature: 0.7, locked: { query: 7, key: 0 }, skipFirst: false, pathStep: 'softmax', positionKey: 3, sinusoidDim: 16 });
    const kept = persisted(chosen);
    expect(kept?.text).toBe(shown.explanation.text);
    const restored = initialState(theme, JSON.parse(JSON.stringify(kept)));
    expect(restored.settings).toEqual(chosen.settings);
    expect(reduce(restored, { type: 'host', message: { type: 'explanation', shown } }).settings).toEqual(chosen.settings);
  });

  it('is nothing before there is an explanation', () => {
    expect(persisted(initialState(theme, undefined))).toBeUndefined();
  });

  it('replaces what it does not know', () => {
    expect(initialState(theme, { version: 2, view: { tab: 'attention' } }).settings).toEqual(INITIAL_SETTINGS);
    expect(parseSettings({ tab: 'nonsense', layer: -4, head: 1.5, temperature: 'hot', locked: { query: 1 }, topP: 2, pathStep: 'nowhere', pathExpert: -1, positionKey: 'first', sinusoidDim: 3000 })).toEqual(INITIAL_SETTINGS);
    expect(parseSettings(null)).toEqual(INITIAL_SETTINGS);
  });
});
