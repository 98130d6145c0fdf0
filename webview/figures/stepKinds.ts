import { hasAttention } from '../../src/core/recurrence.ts';
import { headOff, type Intervention } from '../../src/core/run.ts';
import type { ModelInfo } from '../../src/core/trace.ts';

/** Interventions that menus offer, in their order. */
export const STEP_KINDS = [
  'headOff',
  'headScale',
  'headMean',
  'headPrevious',
  'headUniform',
  'mlpOff',
  'mlpScale',
  'mlpMean',
  'neuron',
  'hidden',
  'edge',
  'direction',
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** Where an intervention is and how strong; each kind reads some of it. -1 for a layer or head: all of them. */
export interface StepChoice {
  readonly layer: number;
  readonly head: number;
  readonly neuron: number;
  /** A token whose key is hidden, whose residual is moved, or that is a query. */
  readonly token: number;
  /** A key before that query. */
  readonly key: number;
  readonly factor: number;
  /** The token that a residual is moved towards; null: none is known. */
  readonly direction: number | null;
  /** By how many of the residual's own lengths. */
  readonly strength: number;
}

/** What of a choice each kind reads. */
export const STEP_FIELDS: Readonly<Record<StepKind, readonly (keyof StepChoice)[]>> = {
  headOff: ['layer', 'head'],
  headScale: ['layer', 'head', 'factor'],
  headMean: ['layer', 'head'],
  headPrevious: ['layer', 'head'],
  headUniform: ['layer', 'head'],
  mlpOff: ['layer'],
  mlpScale: ['layer', 'factor'],
  mlpMean: ['layer'],
  neuron: ['layer', 'neuron', 'factor'],
  hidden: ['token'],
  edge: ['token', 'key', 'layer', 'head'],
  direction: ['layer', 'token', 'direction', 'strength'],
};

/**
 * Places of such an intervention among a model's layers, -1 for all of them at once: heads are in layers with attention, an MLP where there
 * is one, single neurons where it has no experts, and a residual is behind the last layer, too. Empty: the model has none.
 */
export function layersOf(kind: StepKind, model: Pick<ModelInfo, 'layers' | 'traits'>): readonly number[] {
  const all = Array.from({ length: model.layers }, (_, layer) => layer);
  const traits = (layer: number) => model.traits?.layers[layer];
  const attending = all.filter((layer) => hasAttention(model, layer));
  const everywhere = attending.length === all.length ? [-1] : [];
  switch (kind) {
    case 'hidden':
      return everywhere;
    case 'edge':
      return [...everywhere, ...attending];
    case 'direction':
      return [...all, model.layers];
    case 'mlpOff':
    case 'mlpScale':
    case 'mlpMean':
      return all.filter((layer) => traits(layer)?.withoutMlp !== true);
    case 'neuron':
      return all.filter((layer) => traits(layer)?.withoutMlp !== true && (traits(layer)?.experts ?? null) === null);
    default:
      return attending;
  }
}

/** The intervention that a choice stands for; null: there is none, such as an edge of the first token. */
export function stepOfChoice(kind: StepKind, choice: StepChoice): Intervention | null {
  const { layer, head, neuron, token, key, factor, direction, strength } = choice;
  switch (kind) {
    case 'headOff':
      return headOff({ layer, head });
    case 'headScale':
      return { kind: 'head', layer, head, action: 'scale', factor };
    case 'headMean':
      return { kind: 'head', layer, head, action: 'mean' };
    case 'headPrevious':
    case 'headUniform':
      return { kind: 'pattern', layer, head, action: kind === 'headPrevious' ? 'previous' : 'uniform' };
    case 'mlpOff':
      return { kind: 'mlp', layer, action: 'zero' };
    case 'mlpScale':
      return { kind: 'mlp', layer, action: 'scale', factor };
    case 'mlpMean':
      return { kind: 'mlp', layer, action: 'mean' };
    case 'neuron':
      return { kind: 'neuron', layer, neuron, action: 'scale', factor };
    case 'hidden':
      return { kind: 'key', key: token, action: 'cut' };
    case 'edge':
      return key >= 0 && key < token ? edgeCut(token, key, layer, head) : null;
    case 'direction':
      return direction === null ? null : { kind: 'residual', layer, token, action: 'move', direction, strength };
  }
}

/** An edge cut in a layer and head, or in all of them where they are -1. */
export function edgeCut(query: number, key: number, layer: number, head: number): Intervention {
  return { kind: 'edge', query, key, ...(layer < 0 ? {} : { layer }), ...(head < 0 ? {} : { head }), action: 'cut' };
}
