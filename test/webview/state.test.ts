import { describe, expect, it } from 'vitest';
import { runOf, type Recipe } from '../../src/core/run.ts';
import type { HeadSummaries } from '../../src/core/trace.ts';
import { HEAD_METRICS } from '../../src/core/headMetrics.ts';
import { createStore, initialState, isOutdated, persisted, reduce, type ViewState } from '../../webview/state.ts';
import { INITIAL_SETTINGS, parseSettings } from '../../webview/viewSettings.ts';
import { bestHead, headsOfText, withLayers } from '../../webview/figures/heads.ts';
import { readTheme } from '../../webview/theme.ts';
import { readFixture } from './readFixture.ts';

const theme = readTheme(() => '', 'dark');
const { shown, answer } = readFixture();
const all = answer({ name: 'heads', args: { layer: 0 } }) as HeadSummaries;
const first = shown.explanation.tokens.findIndex(({ special }) => !special);
const explained = reduce(initialState(theme, undefined), { type: 'host', message: { type: 'explanation', shown } });
const measured = (state: ViewState, part: HeadSummaries | null = all): ViewState =>
  reduce(state, { type: 'heads', of: state.shown ?? shown, part });
const settings = (state: ViewState, change: Partial<ViewState['settings']>): ViewState => reduce(state, { type: 'settings', change });

describe('state', () => {
  it('selects the first token of a new text, not one that was added', () => {
    expect(explained.settings.selected).toBe(first);
    expect(explained.activity).toEqual({ kind: 'idle' });
  });

  it('keeps selection and lock when the same text is explained again, drops them for another', () => {
    const chosen = settings(explained, { selected: 3, locked: { query: 3, key: 1 } });
    const again = reduce(chosen, { type: 'host', message: { type: 'explanation', shown: { ...shown, serial: 2 } } });
    expect([again.settings.selected, again.settings.locked]).toEqual([3, { query: 3, key: 1 }]);
    const other = reduce(chosen, {
      type: 'host',
      message: { type: 'explanation', shown: { ...shown, serial: 3, explanation: { ...shown.explanation, text: 'other' } } },
    });
    expect([other.settings.selected, other.settings.locked]).toEqual([first, null]);
  });

  it('has on what the text was read with, and keeps it for the host; what was asked for in vain is off again', () => {
    const step = { kind: 'head', layer: 1, head: 2, action: 'zero' } as const;
    const read = (serial: number, recipe: Recipe): ViewState['shown'] & object => ({
      ...shown,
      serial,
      explanation: { ...shown.explanation, run: runOf(shown.explanation.run.ids, recipe) },
    });
    const asked = settings(explained, { recipe: [{ step, on: true }] });
    const cancelled = reduce(asked, { type: 'host', message: { type: 'cancelled' } });
    expect([cancelled.settings.recipe, persisted(cancelled)?.recipe]).toEqual([[{ step, on: false }], undefined]);
    const changed = reduce(asked, { type: 'host', message: { type: 'explanation', shown: read(2, [step]) } });
    expect(changed.settings.recipe).toEqual([{ step, on: true }]);
    expect(persisted(changed)?.recipe).toEqual({ model: shown.explanation.model.name, steps: [step] });
    const back = reduce(changed, { type: 'host', message: { type: 'explanation', shown: read(3, []) } });
    expect(back.settings.recipe).toEqual([{ step, on: false }]);
  });

  it('keeps the question of Why while the same text is read by the same model, and no longer', () => {
    const asked = settings(explained, { whyAsked: { position: 3, token: 5, rival: null } });
    const next = (change: object): ViewState['settings']['whyAsked'] =>
      reduce(asked, {
        type: 'host',
        message: { type: 'explanation', shown: { ...shown, serial: 2, explanation: { ...shown.explanation, ...change } } },
      }).settings.whyAsked;
    expect(next({})).toEqual({ position: 3, token: 5, rival: null });
    expect(next({ text: 'other' })).toBeNull();
    expect(next({ model: { ...shown.explanation.model, name: 'other' } })).toBeNull();
  });

  it('moves layer, head and selection inside a smaller model and a shorter text', () => {
    const far = settings(explained, { selected: 40, layer: 5, head: 7, embeddingLayer: 6, positionKey: 9 });
    const small = {
      ...shown.explanation,
      model: { ...shown.explanation.model, layers: 2, heads: 2 },
      tokens: shown.explanation.tokens.slice(0, 4),
    };
    const moved = reduce(far, { type: 'host', message: { type: 'explanation', shown: { ...shown, explanation: small } } }).settings;
    expect([moved.layer, moved.head, moved.embeddingLayer, moved.selected, moved.positionKey]).toEqual([1, 1, 2, 3, null]);
  });

  it('opens the attention on the head that is strongest by its metric, until the user points at one', () => {
    const numbers = headsOfText(shown.explanation, withLayers(null, shown.explanation.model, all));
    const best = (metric: 'previous' | 'induction'): readonly number[] => {
      const head = bestHead(numbers, metric);
      return [head?.layer ?? -1, head?.head ?? -1];
    };
    const place = ({ settings: { layer, head } }: ViewState): readonly number[] => [layer, head];
    expect(best('previous')).not.toEqual([0, 0]);
    expect(place(explained)).toEqual([0, 0]);
    const waiting = settings(explained, { tab: 'attention' });
    expect(place(waiting)).toEqual([0, 0]);
    const opened = measured(waiting);
    expect(place(opened)).toEqual(best('previous'));
    expect(place(settings(measured(explained), { tab: 'attention' }))).toEqual(best('previous'));
    expect(place(settings(opened, { metric: 'induction' }))).toEqual(best('induction'));
    const chosen = settings(opened, { layer: 4, head: 4 });
    expect(place(settings(chosen, { metric: 'induction' }))).toEqual([4, 4]);
    expect(place(reduce(chosen, { type: 'host', message: { type: 'explanation', shown: { ...shown, serial: 9 } } }))).toEqual([4, 4]);
    // What an earlier version kept is a choice, unless it is the first of all heads.
    expect([parseSettings({ layer: 3 }).headChosen, parseSettings({ layer: 0, head: 0 }).headChosen]).toEqual([true, false]);
  });

  it('puts the heads together layer by layer, and chooses none before all are known', () => {
    const { layers, heads } = shown.explanation.model;
    const part = (layer: number, count: number): HeadSummaries => ({
      ...all,
      layer,
      metrics: all.metrics.slice(layer * heads * HEAD_METRICS.length, (layer + count) * heads * HEAD_METRICS.length),
      thumbnails: all.thumbnails.slice(layer * heads * all.thumbnailSize ** 2, (layer + count) * heads * all.thumbnailSize ** 2),
    });
    const some = measured(settings(explained, { tab: 'attention' }), part(0, 4));
    expect([some.heads?.layers, some.settings.layer, some.settings.head]).toEqual([4, 0, 0]);
    const whole = measured(some, part(4, layers - 4));
    expect(whole.heads).toEqual(withLayers(null, shown.explanation.model, all));
    expect(whole.settings).toEqual(measured(settings(explained, { tab: 'attention' })).settings);
  });

  it('forgets the heads of a text with it, and takes none that come too late', () => {
    const known = measured(explained);
    const next = { ...shown, serial: 2 };
    const again = reduce(known, { type: 'host', message: { type: 'explanation', shown: next } });
    expect(again.heads).toBeNull();
    expect(reduce(again, { type: 'heads', of: shown, part: all })).toBe(again);
    expect(measured(again).heads?.layers).toBe(shown.explanation.model.layers);
    expect(measured(again, null).heads).toMatchObject({ layers: 0, failed: true });
  });

  it('knows the tokens of the text being read until they are explained, or will not be', () => {
    const { tokens } = shown.explanation;
    const progress = { type: 'progress', message: '', fraction: null } as const;
    const begun = reduce(explained, { type: 'host', message: { ...progress, tokens } });
    expect([begun.reading, begun.shown]).toEqual([tokens, shown]);
    expect(reduce(begun, { type: 'host', message: { ...progress, fraction: 0.5 } }).reading).toBe(tokens);
    for (const message of [
      { ...progress, tokens: null },
      { type: 'explanation', shown },
      { type: 'failure', message: 'No model.' },
      { type: 'cancelled' },
    ] as const)
      expect(reduce(begun, { type: 'host', message }).reading).toBeNull();
  });

  it('colours surprisal by the setting that the editor has too', () => {
    expect(explained.surprisalScale).toBe('quantile');
    const told = reduce(explained, { type: 'host', message: { type: 'surprisalScale', scale: 'excess' } });
    expect(told.surprisalScale).toBe('excess');
    expect(reduce(told, { type: 'host', message: { type: 'surprisalScale', scale: 'excess' } })).toBe(told);
  });

  it('follows the cursor of the editor, and stays where the cursor leaves the text', () => {
    const followed = reduce(explained, { type: 'host', message: { type: 'select', token: 5 } });
    expect(followed.settings.selected).toBe(5);
    expect(reduce(followed, { type: 'host', message: { type: 'select', token: null } })).toBe(followed);
  });

  it('keeps the old explanation through progress, failure and cancelling', () => {
    for (const message of [
      { type: 'progress', message: 'Loading', fraction: null },
      { type: 'failure', message: 'No model.' },
      { type: 'cancelled' },
    ] as const) {
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

  it('is outdated while another is made and once that failed or was cancelled, until it is done with', () => {
    const about = { text: 'other.md', place: '/texts/other.md', model: '/models/other' };
    expect(isOutdated(explained)).toBe(false);
    for (const message of [
      { type: 'progress', message: 'Loading', fraction: null, about },
      { type: 'failure', message: 'No model.', about },
      { type: 'cancelled' },
    ] as const) {
      const next = reduce(explained, { type: 'host', message });
      expect(isOutdated(next)).toBe(true);
      const dismissed = reduce(next, { type: 'dismiss' });
      expect(isOutdated(dismissed)).toBe(message.type === 'progress');
      expect(isOutdated(reduce(next, { type: 'host', message: { type: 'explanation', shown } }))).toBe(false);
    }
    expect(isOutdated(reduce(initialState(theme, undefined), { type: 'host', message: { type: 'cancelled' } }))).toBe(false);
  });

  it('says why generated text could not be inserted, where it was asked for', () => {
    const message = 'The document could not be changed: it may be read-only.';
    expect(reduce(explained, { type: 'host', message: { type: 'generatedFailure', message } }).generation.failure).toBe(message);
  });

  it('does not tell its listener when nothing changed', () => {
    let told = 0;
    const store = createStore(explained, () => told++);
    store.dispatch({ type: 'mark', tokens: [] });
    expect(told).toBe(0);
    store.dispatch({ type: 'mark', tokens: [1] });
    expect(told).toBe(1);
    store.dispatch({ type: 'pick', tokens: new Set() });
    expect(told).toBe(1);
  });

  it('forgets the rows that were selected with their text', () => {
    const picked = reduce(explained, { type: 'pick', tokens: new Set([1, 2]) });
    expect([...picked.picked]).toEqual([1, 2]);
    expect(reduce(picked, { type: 'host', message: { type: 'explanation', shown: { ...shown, serial: 2 } } }).picked.size).toBe(0);
  });
});

describe('comparison', () => {
  const comparison = {
    serial: 1,
    with: shown.serial,
    kind: 'text',
    source: { ...shown.source, label: 'other.md' },
    model: null,
    explanation: { ...shown.explanation, text: 'other' },
    notices: [],
    sameVocabulary: true,
    divergence: null,
  } as const;
  const compared = reduce(explained, { type: 'host', message: { type: 'comparison', comparison } });

  it('is shown, kept with its text or its model, and goes when told', () => {
    expect(compared.comparison).toBe(comparison);
    expect(persisted(compared)?.compared).toEqual({ kind: 'text', source: comparison.source, text: 'other' });
    const byModel = reduce(explained, {
      type: 'host',
      message: { type: 'comparison', comparison: { ...comparison, kind: 'model', model: '' } },
    });
    expect(persisted(byModel)?.compared).toEqual({ kind: 'model', model: '' });
    const gone = reduce(compared, { type: 'host', message: { type: 'comparison', comparison: null } });
    expect([gone.comparison, persisted(gone)?.compared]).toEqual([null, undefined]);
  });

  it('opens rotary positions on a layer that rotates, until the user points at another', () => {
    const { model } = shown.explanation;
    const layers = Array.from({ length: model.layers }, (_, layer) => ({ ropeTheta: layer === 1 ? 10_000 : null }));
    const traits = { ...model.traits, layers } as unknown as NonNullable<typeof model.traits>;
    const hybrid = { ...shown, explanation: { ...shown.explanation, model: { ...model, positions: 'rotary' as const, traits } } };
    const opened = reduce(initialState(theme, undefined), { type: 'host', message: { type: 'explanation', shown: hybrid } });
    expect(settings(opened, { tab: 'forward' }).settings.layer).toBe(0);
    expect(settings(opened, { tab: 'positions' }).settings.layer).toBe(1);
    expect(settings(settings(opened, { layer: 0 }), { tab: 'positions' }).settings.layer).toBe(0);
  });

  it('opens its tab when it is begun, and leaves the user where they go', () => {
    const working = { type: 'comparing', work: { kind: 'working', message: 'Running', fraction: null, open: true }, again: null } as const;
    const begun = reduce(explained, { type: 'host', message: working });
    expect(begun.settings.tab).toBe('compare');
    const elsewhere = reduce(settings(begun, { tab: 'tokens' }), {
      type: 'host',
      message: { ...working, work: { ...working.work, fraction: 0.5 } },
    });
    expect([elsewhere.settings.tab, elsewhere.comparing]).toEqual([
      'tokens',
      { kind: 'working', message: 'Running', fraction: 0.5, open: true },
    ]);
    const restored = reduce(settings(explained, { tab: 'tokens' }), {
      type: 'host',
      message: { ...working, work: { ...working.work, open: false } },
    });
    expect(restored.settings.tab).toBe('tokens');
    const done = reduce(elsewhere, { type: 'host', message: { type: 'comparing', work: { kind: 'idle' }, again: 'other.md' } });
    expect([done.comparing.kind, done.compareAgain]).toEqual(['idle', 'other.md']);
  });
});

describe('kept state', () => {
  it('comes back as it was', () => {
    const chosen = settings(explained, {
      tab: 'attention',
      layer: 4,
      head: 2,
      selected: 7,
      temperature: 0.7,
      locked: { query: 7, key: 0 },
      hideFirst: false,
      pathStep: 'softmax',
      positionKey: 3,
      sinusoidDim: 16,
    });
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
    expect(
      parseSettings({
        tab: 'nonsense',
        layer: -4,
        head: 1.5,
        temperature: 'hot',
        locked: { query: 1 },
        topP: 2,
        pathStep: 'nowhere',
        pathExpert: -1,
        positionKey: 'first',
        sinusoidDim: 3000,
      }),
    ).toEqual(INITIAL_SETTINGS);
    expect(parseSettings(null)).toEqual(INITIAL_SETTINGS);
  });
});
