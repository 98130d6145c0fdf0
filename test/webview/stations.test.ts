import { describe, expect, it } from 'vitest';
import type { HeadSummaries } from '../../src/core/trace.ts';
import { HEAD_METRICS } from '../../src/core/headMetrics.ts';
import { EXAMPLE_TEXTS, examplesIn } from '../../src/protocol/exampleTexts.ts';
import { headsOfText, withLayers } from '../../webview/figures/heads.ts';
import { persisted, initialState, reduce, type ViewState } from '../../webview/state.ts';
import {
  bestPredicted,
  decidingLayer,
  fastestTurn,
  isBranched,
  isNarrow,
  mostAlike,
  mostSurprising,
  previousTokenHead,
  steepestHead,
} from '../../webview/stations/stationChecks.ts';
import { STATIONS, stationAfter } from '../../webview/stations/stationNames.ts';
import { arriving, choiceAt, startOf } from '../../webview/stations/stationStart.ts';
import { readTheme } from '../../webview/theme.ts';
import { INITIAL_SETTINGS } from '../../webview/viewSettings.ts';
import { readFixture } from './readFixture.ts';

const { shown, answer } = readFixture();
const { explanation } = shown;
const { model, tokens, logprob, rank } = explanation;
const measured = withLayers(null, model, answer({ name: 'heads', args: { layer: 0 } }) as HeadSummaries);
const cell = (id: number) => ({ id, piece: '', probability: 0.5 });
const token = (id: number, special = false) => ({ id, special });

describe('what stations ask for', () => {
  it('is the text’s own token with the most bits', () => {
    const [found = -1, ...others] = mostSurprising(explanation);
    const own = tokens.flatMap(({ special }, index) => (special || index === 0 ? [] : [index]));
    expect(others).toEqual([]);
    for (const index of own) expect(logprob[index]).toBeGreaterThanOrEqual(logprob[found] ?? 0);
    expect(mostSurprising({ tokens: tokens.slice(0, 1), logprob: Float32Array.of(Number.NaN) })).toEqual([]);
  });

  it('are the two tokens with other ids whose vectors are most alike', () => {
    const ids = [token(0, true), token(5), token(6), token(5), token(7)];
    // prettier-ignore
    const cosines = Float32Array.of(
      1, 0.9, 0.9, 0.9, 0.9,
      0.9, 1, 0.2, 1, -0.5,
      0.9, 0.2, 1, 0.2, 0.7,
      0.9, 1, 0.2, 1, -0.5,
      0.9, -0.5, 0.7, -0.5, 1,
    );
    expect(mostAlike(ids, cosines, 2)).toMatchObject({ isBest: true, own: { token: 2, other: 4 } });
    expect(mostAlike(ids, cosines, 4)?.isBest).toBe(true);
    // The same token twice is one row of the table, and a special token is not of the text.
    expect([1, 3, 0].map((one) => mostAlike(ids, cosines, one)?.isBest)).toEqual([false, false, false]);
    expect(mostAlike([token(5), token(5)], Float32Array.of(1, 1, 1, 1), 0)).toBeNull();
  });

  it('is half a turn of the pair that turns fastest, either way round', () => {
    const turn = (frequencies: readonly number[], key: number) =>
      fastestTurn({ frequencies: Float32Array.from(frequencies), query: 10, key }, 11);
    expect(turn([1, 0.1], 7)).toMatchObject({ pair: 0, isHalf: false, hasRoom: true });
    expect(turn([1, 0.1], 6)).toMatchObject({ pair: 0, isHalf: true });
    expect(turn([0.1, -1], 6)).toMatchObject({ pair: 1, isHalf: true });
    expect(turn([1, 0.1], 6).turns).toBeCloseTo(4 / (2 * Math.PI), 6);
    expect(fastestTurn({ frequencies: Float32Array.of(1), query: 3, key: 0 }, 4)).toMatchObject({ isHalf: false, hasRoom: false });
    expect(turn([0, 0], 0)).toMatchObject({ isHalf: false, hasRoom: false });
    expect(steepestHead({ slopes: Float32Array.of(0.25, 0.5, 0.0625) })).toBe(1);
  });

  it('is the head with the largest mean weight on the token before, once all heads are measured', () => {
    const best = previousTokenHead(headsOfText(explanation, measured));
    const values = measured.metrics.filter((_, index) => index % HEAD_METRICS.length === HEAD_METRICS.indexOf('previous'));
    expect(best?.value).toBe(Math.max(...values));
    expect((best?.layer ?? 0) * model.heads + (best?.head ?? 0)).toBe(values.indexOf(Math.max(...values)));
    const some = withLayers(null, model, { ...(answer({ name: 'heads', args: { layer: 0 } }) as HeadSummaries) });
    expect(previousTokenHead({ ...headsOfText(explanation, some), known: model.layers - 1 })).toBeUndefined();
    expect(previousTokenHead(headsOfText(explanation, null))).toBeUndefined();
  });

  it('is the first layer behind which the last prediction stays on top', () => {
    expect(decidingLayer([1, 2, 7, 3, 7, 7].map(cell))).toBe(3);
    expect(decidingLayer([1, 2, 3].map(cell))).toBe(1);
    // Already the embedding predicts it.
    expect(decidingLayer([7, 7, 7].map(cell))).toBe(0);
  });

  it('is a place where what follows has its best rank', () => {
    const best = bestPredicted(explanation);
    expect(best?.positions.length).toBeGreaterThan(0);
    for (const position of best?.positions ?? []) expect(rank[position + 1]).toBe(best?.rank);
    expect(bestPredicted({ tokens: tokens.slice(0, 1), logprob, rank })).toBeNull();
  });

  it('is a draw among a few, and a branch that the user took', () => {
    expect([1, 2, 10, 11].map(isNarrow)).toEqual([false, true, true, false]);
    const drawn = { parent: 0, taken: false };
    expect(isBranched([{ parent: -1, taken: false }, drawn, drawn])).toBe(false);
    expect(isBranched([{ parent: -1, taken: false }, drawn, { parent: 0, taken: true }])).toBe(true);
    // Taken before anything was drawn there: there is one way only.
    expect(isBranched([{ parent: -1, taken: true }])).toBe(false);
  });
});

describe('stations', () => {
  const settings = { ...INITIAL_SETTINGS, pathShown: true };

  it('follow one another to the end', () => {
    expect(STATIONS.slice(0, -1).map(stationAfter)).toEqual(STATIONS.slice(1));
    expect(stationAfter('scale')).toBeNull();
  });

  it('begin where what is to be found is not chosen yet, whatever was selected', () => {
    for (const selected of tokens.keys()) {
      const at = (name: 'tokens' | 'logits'): number =>
        ({ ...settings, ...startOf(name, explanation, { ...settings, selected }) }).selected;
      expect(mostSurprising(explanation)).not.toContain(at('tokens'));
      expect(bestPredicted(explanation)?.positions).not.toContain(at('logits'));
    }
  });

  it('change what their own task is about when they begin, and choose the head themselves', () => {
    for (const name of STATIONS) {
      const begun = { ...settings, ...arriving(name, explanation, settings) };
      expect([begun.station, begun.pathShown]).toEqual([name, true]);
      const tree = { tokens: [], selected: -1 };
      expect(choiceAt(name, begun, tree)).toBe(choiceAt(name, { ...begun, tab: 'tokens' }, tree));
    }
    expect(arriving('attention', explanation, settings)).toMatchObject({
      tab: 'attention',
      headChosen: true,
      layer: model.layers - 1,
    });
  });

  it('begin at a layer with attention where a model has others too', () => {
    const without = { recurrence: { kind: 'deltaNet', heads: 1, gated: true }, ropeTheta: null };
    const layers = [without, without, { ropeTheta: 10_000 }, without] as unknown as NonNullable<typeof model.traits>['layers'];
    const traits = { ...model.traits, layers };
    const hybrid = { ...explanation, model: { ...model, layers: 4, positions: 'rotary', traits } } as typeof explanation;
    expect([startOf('positions', hybrid, settings).layer, startOf('attention', hybrid, settings).layer]).toEqual([2, 2]);
    expect(startOf('positions', hybrid, { ...settings, layer: 2 })).not.toHaveProperty('layer');
  });

  it('are kept with the panel, shown when asked for, and begin again with another text, in the tab that is open', () => {
    const start = initialState(
      readTheme(() => '', 'dark'),
      undefined,
    );
    const explained = reduce(start, { type: 'host', message: { type: 'explanation', shown } });
    const next = (state: ViewState, text: string): ViewState =>
      reduce(state, { type: 'host', message: { type: 'explanation', shown: { ...shown, explanation: { ...explanation, text } } } });
    expect(explained.settings.pathShown).toBe(false);
    const asked = reduce(explained, { type: 'host', message: { type: 'path' } });
    expect(asked.settings).toMatchObject({ pathShown: true, station: 'tokens', tab: 'tokens' });
    const found = reduce(asked, {
      type: 'settings',
      change: { ...arriving('layers', explanation, asked.settings), stationsDone: ['tokens'] },
    });
    const kept = initialState(start.theme, JSON.parse(JSON.stringify(persisted(found))));
    expect(kept.settings).toMatchObject({ pathShown: true, station: 'layers', stationsDone: ['tokens'] });
    const elsewhere = reduce(found, { type: 'settings', change: { layer: 2, tab: 'why' } });
    expect(next(elsewhere, explanation.text).settings).toMatchObject({ layer: 2, tab: 'why' });
    expect(next(elsewhere, 'other').settings).toMatchObject({ layer: 0, tab: 'why', stationsDone: ['tokens'] });
    const left = reduce(elsewhere, { type: 'settings', change: { pathShown: false } });
    expect(next(left, 'other').settings.layer).toBe(2);
  });

  it('offer five examples in each language, none of them empty', () => {
    for (const language of ['en', 'zh-cn', 'de'])
      expect(examplesIn(language).map((name) => EXAMPLE_TEXTS[name].text.length > 5)).toEqual(Array.from({ length: 5 }, () => true));
    expect(examplesIn('zh-tw')).toContain('appleChinese');
  });
});
