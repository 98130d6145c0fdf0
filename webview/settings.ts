import { HEAD_METRICS, type HeadMetric } from '../src/core/trace.ts';
import { WALK_STEPS, type WalkStep } from './figures/pathSteps.ts';

export const TABS = ['tokens', 'attention', 'embeddings', 'positions', 'predictions', 'experts', 'forward', 'generate', 'compare'] as const;
export type TabName = (typeof TABS)[number];
export const STRIP_COLOURS = ['surprisal', 'rank', 'entropy', 'probability'] as const;
export type StripColour = (typeof STRIP_COLOURS)[number];
export const LENS_COLOURS = ['probability', 'rank', 'entropy', 'kl'] as const;
export type LensColour = (typeof LENS_COLOURS)[number];

export const EMBEDDING_VIEWS = ['map', 'neighbours', 'arithmetic', 'words', 'context', 'similarity'] as const;
export type EmbeddingView = (typeof EMBEDDING_VIEWS)[number];

export interface Cell {
  readonly query: number;
  readonly key: number;
}

/** One token at two places: positions in the first and second text. */
export interface ContextPick {
  readonly id: number;
  readonly first: number;
  readonly second: number;
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
  /** Step of the forward pass, and which of the layer's chosen experts is shown inside. */
  readonly pathStep: WalkStep;
  readonly pathExpert: number;
  /** The key whose turn is compared with that of the selected query; null: the token before it. */
  readonly positionKey: number | null;
  /** Width and length of the formula's table. */
  readonly sinusoidDim: number;
  readonly sinusoidLength: number;
  readonly embeddingView: EmbeddingView;
  /** Word whose neighbours are shown; empty: the selected token. */
  readonly neighbourWord: string;
  /** a, b and c of a - b + c. Null: the example of the display language. */
  readonly arithmetic: readonly [string, string, string] | null;
  /** Words to be drawn, white space between. Null: the example. */
  readonly wordSet: string | null;
  /** The word is looked up twice in the explained text, or once in each of two typed texts. */
  readonly contextIn: 'text' | 'typed';
  /** Null: the example. */
  readonly contextTexts: readonly [string, string] | null;
  /** The token looked at and its places in the two texts. Null: the likeliest one. */
  readonly contextPick: ContextPick | null;
  /** Which of its readings a typed word is taken by; absent: the first. */
  readonly readings: Readonly<Record<string, number>>;
}

export const INITIAL_SETTINGS: Settings = {
  tab: 'tokens', stripColour: 'surprisal', selected: 0,
  layer: 0, head: 0, metric: 'previous', hideFirst: false, logScale: false, locked: null,
  embeddingLayer: -1, dimensions: 2, skipFirst: true, yaw: 0.6, pitch: 0.4,
  temperature: 1, topK: 0, topP: 1, minP: 0, greedy: false, seed: 0, newTokens: 64, lensColour: 'probability', expertLayer: 0,
  pathStep: 'embedding', pathExpert: 0, positionKey: null, sinusoidDim: 64, sinusoidLength: 128,
  embeddingView: 'map', neighbourWord: '', arithmetic: null, wordSet: null, contextIn: 'text', contextTexts: null, contextPick: null, readings: {},
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
    pathStep: oneOf(WALK_STEPS, from['pathStep'], initial.pathStep), pathExpert: index('pathExpert'),
    positionKey: typeof from['positionKey'] === 'number' ? index('positionKey') : null,
    sinusoidDim: numeric('sinusoidDim', 2, 512, true, initial.sinusoidDim), sinusoidLength: numeric('sinusoidLength', 2, 512, true, initial.sinusoidLength),
    embeddingView: oneOf(EMBEDDING_VIEWS, from['embeddingView'], initial.embeddingView),
    neighbourWord: parseText(from['neighbourWord'], MAX_WORD) ?? '',
    arithmetic: parseThree(from['arithmetic']),
    wordSet: parseText(from['wordSet'], MAX_TYPED),
    contextIn: from['contextIn'] === 'typed' ? 'typed' : 'text',
    contextTexts: parseTwo(from['contextTexts']),
    contextPick: parsePick(from['contextPick']),
    readings: parseReadings(from['readings']),
  };
}

/** UTF-16 units of a typed word, and of a typed text. */
export const MAX_WORD = 200;
export const MAX_TYPED = 2000;
const MAX_READINGS = 500;

function parseText(value: unknown, most: number): string | null {
  return typeof value === 'string' && value.length <= most ? value : null;
}

function parseTwo(value: unknown): readonly [string, string] | null {
  const [first, second] = Array.isArray(value) ? [parseText(value[0], MAX_TYPED), parseText(value[1], MAX_TYPED)] : [null, null];
  return first === null || second === null ? null : [first, second];
}

function parseThree(value: unknown): readonly [string, string, string] | null {
  const [a, b, c] = Array.isArray(value) ? [0, 1, 2].map((index) => parseText(value[index], MAX_WORD)) : [];
  return typeof a === 'string' && typeof b === 'string' && typeof c === 'string' ? [a, b, c] : null;
}

function parsePick(value: unknown): ContextPick | null {
  if (!isRecord(value)) return null;
  const { id, first, second } = value;
  return Number.isInteger(id) && Number.isInteger(first) && Number.isInteger(second) ? { id: Number(id), first: Number(first), second: Number(second) } : null;
}

function parseReadings(value: unknown): Readonly<Record<string, number>> {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, number] => Number.isInteger(entry[1]) && Number(entry[1]) >= 0).slice(0, MAX_READINGS));
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
