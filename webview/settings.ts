import { HEAD_METRICS, type HeadMetric } from '../src/core/trace.ts';

export const TABS = ['tokens', 'attention', 'embeddings', 'predictions', 'experts', 'generate'] as const;
export type TabName = (typeof TABS)[number];
export const STRIP_COLOURS = ['surprisal', 'rank', 'entropy', 'probability'] as const;
export type StripColour = (typeof STRIP_COLOURS)[number];
export const LENS_COLOURS = ['probability', 'rank', 'entropy', 'kl'] as const;
export type LensColour = (typeof LENS_COLOURS)[number];

export interface Cell {
  readonly query: number;
  readonly key: number;
}

/** What may be typed; beyond these nothing changes any more. */
export const MAX_TEMPERATURE = 1000;
export const MAX_NEW_TOKENS = 100_000;

/** What the user chose to look at, and how. Survives hiding and reloading the panel; holds no data. */
export interface Settings {
  readonly tab: TabName;
  readonly stripColour: StripColour;
  /** Index of the selected token. */
  readonly selected: number;
  readonly layer: number;
  readonly head: number;
  readonly metric: HeadMetric;
  readonly hideFirst: boolean;
  readonly logScale: boolean;
  readonly locked: Cell | null;
  /** Place in the residual stream: -1 static, 0 input of the first block, i after block i. */
  readonly embeddingLayer: number;
  readonly dimensions: 2 | 3;
  readonly skipFirst: boolean;
  /** Radians. */
  readonly yaw: number;
  readonly pitch: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  /** Generation takes the likeliest token always, or draws by the settings above. */
  readonly greedy: boolean;
  readonly seed: number;
  /** Tokens a branch grows to. */
  readonly newTokens: number;
  readonly lensColour: LensColour;
  /** Layer whose experts are shown. */
  readonly expertLayer: number;
}

export const INITIAL_SETTINGS: Settings = {
  tab: 'tokens', stripColour: 'surprisal', selected: 0,
  layer: 0, head: 0, metric: 'previous', hideFirst: false, logScale: false, locked: null,
  embeddingLayer: -1, dimensions: 2, skipFirst: true, yaw: 0.6, pitch: 0.4,
  temperature: 1, topK: 0, topP: 1, minP: 0, greedy: false, seed: 0, newTokens: 64, lensColour: 'probability', expertLayer: 0,
};

/** Settings from what an earlier page kept; anything unknown or out of range becomes the initial value. */
export function parseSettings(kept: unknown): Settings {
  const from: Readonly<Record<string, unknown>> = isRecord(kept) ? kept : {};
  const initial = INITIAL_SETTINGS;
  const numeric = (name: keyof Settings, low: number, high: number, whole: boolean, fallback: number): number => {
    const value = from[name];
    return typeof value === 'number' && value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : fallback;
  };
  const flag = (name: keyof Settings, fallback: boolean): boolean => {
    const value = from[name];
    return typeof value === 'boolean' ? value : fallback;
  };
  const index = (name: keyof Settings): number => numeric(name, 0, 1e6, true, 0);
  return {
    tab: oneOf(TABS, from['tab'], initial.tab),
    stripColour: oneOf(STRIP_COLOURS, from['stripColour'], initial.stripColour),
    selected: index('selected'), layer: index('layer'), head: index('head'),
    metric: oneOf(HEAD_METRICS, from['metric'], initial.metric),
    hideFirst: flag('hideFirst', initial.hideFirst), logScale: flag('logScale', initial.logScale), locked: parseCell(from['locked']),
    embeddingLayer: numeric('embeddingLayer', -1, 1e6, true, initial.embeddingLayer),
    dimensions: from['dimensions'] === 3 ? 3 : 2,
    skipFirst: flag('skipFirst', initial.skipFirst),
    yaw: numeric('yaw', -1e3, 1e3, false, initial.yaw), pitch: numeric('pitch', -2, 2, false, initial.pitch),
    temperature: numeric('temperature', 0, MAX_TEMPERATURE, false, initial.temperature), topK: numeric('topK', 0, 1e9, true, initial.topK),
    topP: numeric('topP', 0, 1, false, initial.topP), minP: numeric('minP', 0, 1, false, initial.minP),
    greedy: flag('greedy', initial.greedy), seed: numeric('seed', 0, Number.MAX_SAFE_INTEGER, true, initial.seed), newTokens: numeric('newTokens', 1, MAX_NEW_TOKENS, true, initial.newTokens),
    lensColour: oneOf(LENS_COLOURS, from['lensColour'], initial.lensColour), expertLayer: index('expertLayer'),
  };
}

function parseCell(value: unknown): Cell | null {
  if (!isRecord(value)) return null;
  const { query, key } = value;
  return Number.isInteger(query) && Number.isInteger(key) && Number(query) >= 0 && Number(key) >= 0 ? { query: Number(query), key: Number(key) } : null;
}

function oneOf<Name extends string>(names: readonly Name[], value: unknown, fallback: Name): Name {
  return names.find((name) => name === value) ?? fallback;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
