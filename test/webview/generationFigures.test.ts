import { describe, expect, it } from 'vitest';
import { softmax } from '../../src/core/probability.ts';
import { sample } from '../../src/core/sampling.ts';
import type { LayerTraits, RecurrenceTraits } from '../../src/core/trace.ts';
import { cacheParts } from '../../webview/figures/cacheParts.ts';
import { rankCurve, rankCurveFigure } from '../../webview/figures/rankCurve.ts';
import { stepAttentionFigure } from '../../webview/figures/stepAttention.ts';
import { stepTimesFigure } from '../../webview/figures/stepTimes.ts';
import { byteSize, powerOfTen, setLanguage } from '../../webview/parts/format.ts';
import { readTheme } from '../../webview/theme.ts';

const COLOURS: Readonly<Record<string, string>> = { '--vscode-charts-blue': '#3794ff', '--vscode-charts-orange': '#d18616' };
const theme = readTheme((name) => COLOURS[name] ?? '', 'dark');
const logits = Float32Array.from({ length: 1000 }, (_, id) => 4 * Math.sin(id * 12.9898));
const own = softmax(logits);
const OFF = { temperature: 1, topK: 0, topP: 1, minP: 0 };

describe('the curve of the whole vocabulary', () => {
  const settings = { temperature: 0.7, topK: 50, topP: 0.8, minP: 0.05 };
  const sampled = sample(logits, settings);
  const curve = rankCurve(own, sampled, 60);
  const falling = (values: Float32Array): number[] => [...values].sort((a, b) => b - a);

  it('holds each distribution’s probability at its ranks, from the likeliest to the last', () => {
    expect([curve.ranks[0], curve.ranks.at(-1)]).toEqual([1, 1000]);
    const [model, tempered, final] = [falling(own), falling(sampled.probs), falling(sampled.final)];
    for (const [place, rank] of curve.ranks.entries()) {
      expect([curve.model[place], curve.tempered[place], curve.final[place] ?? 0]).toEqual([
        model[rank - 1],
        tempered[rank - 1],
        final[rank - 1],
      ]);
    }
  });

  it('ends what is drawn with at the last cut, which is one of its ranks', () => {
    expect(curve.cuts).toEqual(sampled.steps.map(({ filter, kept }) => ({ filter, kept })));
    const last = curve.ranks.indexOf(sampled.keptCount);
    expect(curve.final[last]).toBeGreaterThan(0);
    expect(curve.final.slice(last + 1).every((value) => value === null)).toBe(true);
  });

  it('is drawn with a line for each filter that is on', () => {
    const { layout, data } = rankCurveFigure(curve, 600, theme);
    expect(layout['shapes']).toHaveLength(3);
    expect(data).toHaveLength(3);
    expect(rankCurveFigure(rankCurve(own, sample(logits, OFF)), 600, theme).layout['shapes']).toHaveLength(0);
  });

  it.each([{ temperature: 0 }, { temperature: 1000 }, { topK: 5000 }, { topP: 0 }, { minP: 1 }, { temperature: 1e-6 }])(
    'has finite axes for %j',
    (change) => {
      const { layout } = rankCurveFigure(rankCurve(own, sample(logits, { ...OFF, ...change })), 600, theme);
      const { range } = layout['yaxis'] as { readonly range: readonly number[] };
      expect(range.every(Number.isFinite) && (range[0] ?? 0) < (range[1] ?? 0)).toBe(true);
    },
  );
});

describe('the times of steps', () => {
  it('stack the running of tokens and the rest, prefill hatched in another hue, and leave out what was not measured', () => {
    const { data } = stepTimesFigure(
      [{ run: 12, runMs: 30, stepMs: 32 }, { run: 1, runMs: 4, stepMs: 6 }, null],
      { selected: 1, width: 300 },
      theme,
    );
    const [run, rest] = data as readonly {
      readonly y: readonly number[];
      readonly marker: {
        readonly color: readonly string[];
        readonly pattern: { readonly shape: readonly string[] };
        readonly line: { readonly width: readonly number[] };
      };
    }[];
    expect([run?.y, rest?.y]).toEqual([
      [30, 4, 0],
      [2, 2, 0],
    ]);
    expect(new Set(run?.marker.color.slice(0, 2)).size).toBe(2);
    expect(run?.marker.pattern.shape).toEqual(['/', '', '']);
    expect(run?.marker.line.width).toEqual([0, 2, 0]);
  });
});

describe('the attention of the last token', () => {
  it('is a row a head and a column a token, layers named at their middle', () => {
    const weights = Float32Array.from({ length: 2 * 2 * 3 }, (_, index) => index / 16);
    const { data, layout } = stepAttentionFigure(
      { weights },
      { layers: 2, heads: 2, labels: ['a', 'b', 'c'], width: 300, layerName: (layer) => `L${layer}` },
      theme,
    );
    const { z } = data[0] as { readonly z: readonly (readonly number[])[] };
    expect(z).toHaveLength(4);
    expect((z[3]?.[2] ?? 0) ** 4).toBeCloseTo(11 / 16, 6);
    expect((layout['yaxis'] as { readonly tickvals: readonly number[] }).tickvals).toEqual([0.5, 2.5]);
  });
});

describe('sizes', () => {
  it('are written in a unit of their own size', () => {
    setLanguage('en');
    expect([byteSize(0), byteSize(512), byteSize(12_288), byteSize(1_070_000), byteSize(3e12)]).toEqual([
      '0 B',
      '512 B',
      '12.3 kB',
      '1.07 MB',
      '3 TB',
    ]);
    expect([powerOfTen(0), powerOfTen(-3), powerOfTen(2)]).toEqual(['1', '10⁻³', '10²']);
  });
});

describe('what a cache holds', () => {
  const plain: LayerTraits = { window: null, ropeTheta: 1e4, experts: null };
  const state = (kind: RecurrenceTraits['kind'], kept: number): RecurrenceTraits => ({ kind, maps: 1, reach: null, kept, normed: false });
  const partsOf = (layers: readonly LayerTraits[], bytesPerLayer: readonly number[], positions = 10) =>
    cacheParts(
      { positions, bytesPerLayer, bytes: bytesPerLayer.reduce((sum, bytes) => sum + bytes, 0) },
      { traits: { layers, sinks: false, latentRank: null, scoreCap: null, logitCap: null } },
    );

  it('are keys and values of every layer, where no trait says otherwise', () => {
    const cache = { positions: 10, bytesPerLayer: [160, 160], bytes: 320 };
    expect(cacheParts(cache, {})).toEqual({ growing: 2, tokenBytes: 32, states: 0, stateBytes: 0 });
  });

  it('are states of a fixed size too, in place of keys and values or beside them: a token more adds to the latter alone', () => {
    const net = { ...plain, recurrence: state('deltaNet', 20) };
    expect(partsOf([net, plain], [80, 160])).toEqual({ growing: 1, tokenBytes: 16, states: 1, stateBytes: 80 });
    const both = { ...plain, beside: state('mamba', 25) };
    expect(partsOf([both, both], [260, 260])).toEqual({ growing: 2, tokenBytes: 32, states: 2, stateBytes: 200 });
    expect(partsOf([both, both], [0, 0], 0)).toEqual({ growing: 2, tokenBytes: 0, states: 0, stateBytes: 0 });
  });

  it('are nothing of a layer that reads the keys of another, or none', () => {
    const alone = { ...plain, recurrence: state('mlpAlone', 0) };
    expect(partsOf([plain, { ...plain, keysOf: 0 }, alone], [160, 0, 0])).toEqual({ growing: 1, tokenBytes: 16, states: 0, stateBytes: 0 });
  });
});
