import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PersistedState, ShownComparison } from '../../src/protocol/messages.ts';
import { createSaver } from '../../webview/saving.ts';
import { createStore, initialState, type Store } from '../../webview/state.ts';
import { readTheme } from '../../webview/theme.ts';
import { readFixture } from './readFixture.ts';

const SHOWN = readFixture().shown;
let saved: PersistedState[];
let store: Store;
beforeEach(() => {
  vi.useFakeTimers();
  saved = [];
  const save = createSaver((kept) => saved.push(kept));
  store = createStore(
    initialState(
      readTheme(() => '', 'dark'),
      undefined,
    ),
    save,
  );
});
afterEach(() => vi.useRealTimers());

function explain(): void {
  store.dispatch({ type: 'host', message: { type: 'explanation', shown: SHOWN } });
  vi.runAllTimers();
}

describe('what the panel keeps', () => {
  it('is saved once there is an explanation, and not before', () => {
    store.dispatch({ type: 'settings', change: { tab: 'attention' } });
    vi.runAllTimers();
    expect(saved).toEqual([]);
    explain();
    expect(saved).toHaveLength(1);
    expect(saved[0]?.view).toMatchObject({ tab: 'attention' });
  });

  it('is not saved again while the pointer moves, work goes on or the theme changes', () => {
    explain();
    for (let token = 0; token < 5; token++) {
      store.dispatch({ type: 'mark', tokens: [token] });
      store.dispatch({ type: 'host', message: { type: 'progress', message: '', fraction: token / 5 } });
      vi.runAllTimers();
    }
    store.dispatch({ type: 'theme', theme: readTheme(() => '', 'light') });
    vi.runAllTimers();
    expect(saved).toHaveLength(1);
  });

  it('is saved after the last of many changes, and in between where they do not end', () => {
    explain();
    for (let head = 0; head < 4; head++) {
      store.dispatch({ type: 'settings', change: { newTokens: 10 + head } });
      vi.advanceTimersByTime(60);
    }
    vi.runAllTimers();
    expect(saved.slice(1).map(({ view }) => (view as { newTokens: number }).newTokens)).toEqual([11, 13]);
  });

  it('is saved when a comparison comes, and when the generation grows', () => {
    explain();
    const { tree } = store.state().generation;
    store.dispatch({ type: 'generation', change: { tree: { ...tree } } });
    vi.runAllTimers();
    store.dispatch({ type: 'generation', change: { running: true } });
    vi.runAllTimers();
    expect(saved).toHaveLength(2);
    const { explanation, source, serial } = SHOWN;
    const comparison: ShownComparison = {
      serial: 1,
      with: serial,
      kind: 'text',
      source,
      model: null,
      explanation,
      notices: [],
      sameVocabulary: true,
      divergence: null,
    };
    store.dispatch({ type: 'host', message: { type: 'comparison', comparison } });
    vi.runAllTimers();
    expect(saved).toHaveLength(3);
    expect(saved[2]).toHaveProperty('compared');
  });
});
