import { describe, expect, it } from 'vitest';
import type { LayerTraits } from '../../src/core/trace.ts';
import { layersOf, STEP_KINDS } from '../../webview/figures/stepKinds.ts';

const PLAIN: LayerTraits = { window: null, ropeTheta: null, experts: null };
const STATE: LayerTraits = { ...PLAIN, recurrence: { kind: 'mamba', maps: 4, reach: null, kept: 64, normed: true } };
const model = (...layers: readonly LayerTraits[]) => ({
  layers: layers.length,
  traits: { layers, sinks: false, latentRank: null, scoreCap: null, logitCap: null },
});

describe('the menus of interventions', () => {
  it('offer every layer of a model whose layers are alike, and all of them at once', () => {
    const alike = { layers: 2 };
    expect(STEP_KINDS.map((kind) => [kind, layersOf(kind, alike)])).toEqual([
      ...['headOff', 'headScale', 'headMean', 'headPrevious', 'headUniform', 'mlpOff', 'mlpScale', 'mlpMean', 'neuron'].map((kind) => [
        kind,
        [0, 1],
      ]),
      ['hidden', [-1]],
      ['edge', [-1, 0, 1]],
      ['direction', [0, 1, 2]],
    ]);
  });

  it('offer no head of a layer without attention, no MLP where there is none, and no neuron among experts', () => {
    const mixed = model(STATE, PLAIN, { ...STATE, withoutMlp: true }, { ...PLAIN, experts: { count: 8, chosen: 2, shared: false } });
    expect([layersOf('headOff', mixed), layersOf('headUniform', mixed), layersOf('edge', mixed)]).toEqual([
      [1, 3],
      [1, 3],
      [1, 3],
    ]);
    expect([layersOf('mlpOff', mixed), layersOf('neuron', mixed)]).toEqual([
      [0, 1, 3],
      [0, 1],
    ]);
    // Nothing can be hidden from what a state carries on.
    expect(layersOf('hidden', mixed)).toEqual([]);
    expect(layersOf('direction', mixed)).toEqual([0, 1, 2, 3, 4]);
  });
});
