import { describe, expect, it } from 'vitest';
import type { TokenFlow } from '../../src/core/tokenFlow.ts';
import type { LensWindow, ModelInfo } from '../../src/core/trace.ts';
import {
  decidedAt,
  layerFlows,
  lensCells,
  longest,
  positionsAround,
  streamShape,
  strongestHeads,
} from '../../webview/figures/modelFlow.ts';

const small = { layers: 6, dim: 256, vocab: 16_384, parameters: 9e6 } as ModelInfo;

describe('positions asked for together', () => {
  it('hold the token, are the same for its neighbours, and end with the text', () => {
    const first = positionsAround(33, 100, small);
    expect(first.position).toBeLessThanOrEqual(33);
    expect(first.position + first.positions).toBeGreaterThan(33);
    expect(positionsAround(first.position, 100, small)).toEqual(first);
    expect(positionsAround(99, 100, small)).toMatchObject({ position: 96, positions: 4 });
    expect(positionsAround(0, 1, small)).toEqual({ position: 0, positions: 1 });
  });

  it('are one where a model is large', () => {
    expect(positionsAround(7, 100, { ...small, layers: 24, dim: 896, vocab: 151_936, parameters: 5e8 })).toEqual({
      position: 7,
      positions: 1,
    });
  });
});

const flow: TokenFlow = {
  position: 4,
  positions: 2,
  resid: Float32Array.of(1, 10, 2, 20, 4, 40),
  between: Float32Array.of(1.5, 15, 3, 30),
  attention: Float32Array.of(0.5, 5, 1, 10),
  mlp: Float32Array.of(0.25, 2.5, 8, 80),
  attentionCosine: Float32Array.of(0.1, 0.2, 0.3, 0.4),
  mlpCosine: Float32Array.of(-0.1, -0.2, -0.3, -0.4),
};

describe('the way of a token', () => {
  it('is read out of a window, and is unknown outside of it', () => {
    const own = layerFlows(flow, 5);
    expect(own?.map(({ before, between, after }) => [before, between, after])).toEqual([
      [10, 15, 20],
      [20, 30, 40],
    ]);
    expect(own?.map(({ attention, mlp }) => [attention, mlp])).toEqual([
      [5, 2.5],
      [10, 80],
    ]);
    expect(longest(own ?? [])).toEqual({ stream: 40, added: 80 });
    expect(layerFlows(flow, 3)).toBeNull();
    expect(layerFlows(flow, 6)).toBeNull();
  });

  it('is as thick as the vector is long; a parallel layer has no place between its steps', () => {
    const [layer] = layerFlows(flow, 5) ?? [];
    if (layer === undefined) throw new Error('no layer');
    expect(streamShape(layer, 40, false)).toBe(
      'polygon(0.0% 37.50%, 50.0% 31.25%, 100.0% 25.00%, 100.0% 75.00%, 50.0% 68.75%, 0.0% 62.50%)',
    );
    expect(streamShape(layer, 40, true)).toBe('polygon(0.0% 37.50%, 100.0% 25.00%, 100.0% 75.00%, 0.0% 62.50%)');
  });

  it('shows the prediction forming, and from where on it stays', () => {
    const lens = {
      layer: 0,
      layers: 4,
      position: 4,
      positions: 2,
      topIds: Int32Array.of(9, 1, 9, 3, 9, 2, 9, 3),
      topProbs: Float32Array.of(0, 0.5, 0, 0.25, 0, 0.125, 0, 1),
      pieces: { 1: 'a', 2: 'b', 3: 'c', 9: 'x' },
    } as unknown as LensWindow;
    const cells = lensCells(lens, 5) ?? [];
    expect(cells.map(({ piece, probability }) => [piece, probability])).toEqual([
      ['a', 0.5],
      ['c', 0.25],
      ['b', 0.125],
      ['c', 1],
    ]);
    expect(decidedAt(cells)).toBe(3);
    expect(decidedAt(lensCells(lens, 4) ?? [])).toBe(0);
    expect(lensCells(lens, 2)).toBeNull();
  });

  it('names the heads that add most', () => {
    expect(strongestHeads(Float32Array.of(1, 3, 2, 3), 3)).toEqual([1, 3, 2]);
  });
});
