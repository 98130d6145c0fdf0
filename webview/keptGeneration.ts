// A generation as it is kept through hiding and reloading: token ids alone, everything else is asked for again.
import type { SamplingSettings } from '../src/core/sampling.ts';
import { EMPTY_TREE, pathTo, type DrawSettings, type GeneratedToken, type GenerationTree } from './generation.ts';

/** Of a larger tree the branch shown is kept, and of a longer branch nothing. */
const MAX_TOKENS = 4000;
const MAX_KEY = 1000;

/** Plain numbers, token by token; `uses` are indices of `settings`. */
export interface KeptGeneration {
  readonly prompt: string;
  readonly ids: readonly number[];
  readonly parents: readonly number[];
  readonly taken: readonly boolean[];
  readonly settings: readonly DrawSettings[];
  readonly uses: readonly number[];
  readonly end: number;
  readonly selected: number;
}

export function keepGeneration(whole: GenerationTree): KeptGeneration | undefined {
  const tree = whole.tokens.length > MAX_TOKENS ? branchAlone(whole) : whole;
  if (tree.tokens.length === 0 || tree.tokens.length > MAX_TOKENS || tree.prompt.length > MAX_KEY) return undefined;
  const settings = new Map<string, { readonly index: number; readonly value: DrawSettings }>();
  const uses = tree.tokens.map(({ settings: value }) => {
    const key = JSON.stringify(value);
    const known = settings.get(key) ?? { index: settings.size, value };
    settings.set(key, known);
    return known.index;
  });
  return {
    prompt: tree.prompt,
    ids: tree.tokens.map(({ id }) => id), parents: tree.tokens.map(({ parent }) => parent), taken: tree.tokens.map(({ taken }) => taken),
    settings: [...settings.values()].map(({ value }) => value), uses, end: tree.end, selected: tree.selected,
  };
}

/** The tree that was kept; an empty one where what was kept is none. */
export function parseGeneration(kept: unknown): GenerationTree {
  if (!isRecord(kept)) return EMPTY_TREE;
  const { prompt, ids, parents, taken, settings, uses, end, selected } = kept;
  if (typeof prompt !== 'string' || !Array.isArray(ids) || !Array.isArray(parents) || !Array.isArray(taken) || !Array.isArray(settings) || !Array.isArray(uses)) return EMPTY_TREE;
  if (ids.length > MAX_TOKENS) return EMPTY_TREE;
  const known = settings.map(parseDrawSettings);
  const tokens: GeneratedToken[] = [];
  for (const [index, id] of (ids as readonly unknown[]).entries()) {
    const parent: unknown = parents[index];
    const use: unknown = uses[index];
    const drawn = typeof use === 'number' ? known[use] : undefined;
    if (!isIndex(id, 2 ** 31) || !isIndex(parent, index, -1) || drawn === undefined) return EMPTY_TREE;
    tokens.push({ id, parent, taken: taken[index] === true, settings: drawn, step: null });
  }
  return isIndex(end, tokens.length, -1) && isIndex(selected, tokens.length, -1) ? { prompt, tokens, end, selected } : EMPTY_TREE;
}

function branchAlone(tree: GenerationTree): GenerationTree {
  const path = pathTo(tree, tree.end);
  const tokens = path.flatMap((index, place) => {
    const token = tree.tokens[index];
    return token === undefined ? [] : [{ ...token, parent: place - 1 }];
  });
  return { ...tree, tokens, end: tokens.length - 1, selected: path.indexOf(tree.selected) };
}

function parseDrawSettings(value: unknown): DrawSettings | undefined {
  if (!isRecord(value) || !isRecord(value['sampling']) || !isIndex(value['seed'], 2 ** 53)) return undefined;
  const { temperature, topK, topP, minP } = value['sampling'];
  const sampling: Readonly<Record<keyof SamplingSettings, unknown>> = { temperature, topK, topP, minP };
  return isSampling(sampling) ? { sampling, seed: value['seed'] } : undefined;
}

function isSampling(value: Readonly<Record<keyof SamplingSettings, unknown>>): value is SamplingSettings {
  return Object.values(value).every((number) => typeof number === 'number' && Number.isFinite(number));
}

function isIndex(value: unknown, end: number, first = 0): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= first && value < end;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
