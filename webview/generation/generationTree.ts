import type { GenerationStep, StopReason } from '../../src/core/generation.ts';
import type { SamplingSettings } from '../../src/core/sampling.ts';
import { at } from '../../src/core/tensor.ts';
import type { Explanation } from '../../src/core/trace.ts';
import { FNV1A_START, fnv1a } from '../../src/core/fnv1a.ts';

/** Settings that a token is sampled with. */
export interface DrawSettings {
  readonly sampling: SamplingSettings;
  readonly seed: number;
}

/** One token of a generation tree. */
export interface GeneratedToken {
  readonly id: number;
  /** Index of the preceding token, always a smaller one; -1: the explained text. */
  readonly parent: number;
  /** Whether the user took the token in place of the sampled one. */
  readonly taken: boolean;
  readonly settings: DrawSettings;
  /** Milliseconds from the request, or from the previous token, until it could be shown. Null: not generated in this page. */
  readonly wroteMs: number | null;
  /** The generation step it came from. Null: not requested again since the page was reloaded. */
  readonly step: GenerationStep | null;
}

/** Everything generated after one text, as a tree: branches share their common beginning. */
export interface GenerationTree {
  /** Key of the text, model and interventions that it continues; see `promptKey`. */
  readonly prompt: string;
  readonly tokens: readonly GeneratedToken[];
  /** Index of the last token of the branch shown, and of the selected token on it, whose step is shown; -1: none. */
  readonly end: number;
  readonly selected: number;
}

/**
 * Numbers of a step for the token that a branch took: the sampled one, or another candidate. `prob`, `tempered` and `final`: its
 * probability by the model itself, at the temperature, and after the filters.
 */
export interface TokenNumbers {
  readonly text: string;
  readonly prob: number;
  readonly tempered: number;
  readonly final: number;
  readonly rank: number;
}

/** A path through the tree: the tokens that no earlier branch has. */
export interface Branch {
  /** Indices of its own tokens, without those before the fork. */
  readonly tokens: readonly number[];
  /** Number of tokens generated before the fork. */
  readonly forkedAfter: number;
  /** 0 for the first branch; one more than that of the branch it forks from. */
  readonly depth: number;
  readonly end: number;
  /** Natural log of the probability that the model gives all generated tokens of the branch; null while a step is not known. */
  readonly logprob: number | null;
}

/** A tree without tokens. */
export const EMPTY_TREE: GenerationTree = { prompt: '', tokens: [], end: -1, selected: -1 };

/**
 * Key that tells texts, models and interventions apart: the model's name, the number of tokens, and hashes of their ids and of the recipe
 * (FNV-1a).
 */
export function promptKey({ model, tokens, run }: Explanation): string {
  const hash = tokens.reduce((sum, { id }) => fnv1a(sum, id), FNV1A_START);
  const key = `${model.name} ${tokens.length} ${hash.toString(16)}`;
  if (run.recipe.length === 0) return key;
  const changed = Array.from(JSON.stringify(run.recipe)).reduce((sum, character) => fnv1a(sum, character.charCodeAt(0)), FNV1A_START);
  return `${key} ${changed.toString(16)}`;
}

/** Indices of the generated tokens up to and including `end`. */
export function pathTo({ tokens }: GenerationTree, end: number): readonly number[] {
  const path: number[] = [];
  for (let index = end; index >= 0; index = tokens[index]?.parent ?? -1) path.push(index);
  return path.reverse();
}

/** Ids of the generated tokens up to and including `end`. */
export function idsTo(tree: GenerationTree, end: number): readonly number[] {
  return pathTo(tree, end).map((index) => tree.tokens[index]?.id ?? 0);
}

/**
 * The tree with one more token after `token.parent`, selected on the branch shown. If the same token is already there, it is selected and
 * gets the newer step.
 */
export function withToken(tree: GenerationTree, token: GeneratedToken): GenerationTree {
  const known = tree.tokens.findIndex(({ parent, id }) => parent === token.parent && id === token.id);
  if (known < 0) return { ...tree, tokens: [...tree.tokens, token], end: tree.tokens.length, selected: tree.tokens.length };
  return selecting({ ...tree, tokens: tree.tokens.with(known, token) }, known);
}

/** The tree with the step of a token whose step was not known. */
export function withStep(tree: GenerationTree, index: number, step: GenerationStep): GenerationTree {
  const token = tree.tokens[index];
  return token === undefined ? tree : { ...tree, tokens: tree.tokens.with(index, { ...token, step }) };
}

/** The tree with `index` selected. If it is not on the branch shown, a branch through it is shown. */
export function selecting(tree: GenerationTree, index: number): GenerationTree {
  if (tree.tokens[index] === undefined) return { ...tree, selected: -1 };
  return { ...tree, selected: index, end: pathTo(tree, tree.end).includes(index) ? tree.end : furthest(tree, index) };
}

/** Index of the last token of the first branch through `index`. */
function furthest({ tokens }: GenerationTree, index: number): number {
  let end = index;
  for (let next = index; next >= 0; next = tokens.findIndex(({ parent }) => parent === end)) end = next;
  return end;
}

/** All branches, each followed by those that fork from it, earlier forks first. */
export function branchesOf({ tokens }: GenerationTree): readonly Branch[] {
  const children = new Map<number, number[]>();
  tokens.forEach(({ parent }, index) => children.set(parent, [...(children.get(parent) ?? []), index]));
  const branches: Branch[] = [];
  const visit = (first: number, depth: number, forkedAfter: number, before: number | null): void => {
    const own: number[] = [];
    const forks: (() => void)[] = [];
    let logprob = before;
    for (let index: number | undefined = first; index !== undefined; index = children.get(index)?.[0]) {
      const after = forkedAfter + own.length;
      const until = logprob;
      const [, ...others] = children.get(tokens[index]?.parent ?? -1) ?? [];
      if (own.length > 0 || depth === 0) for (const other of others) forks.push(() => visit(other, depth + 1, after, until));
      own.push(index);
      logprob = plus(logprob, tokens[index]);
    }
    branches.push({ tokens: own, forkedAfter, depth, end: own.at(-1) ?? first, logprob });
    for (const fork of forks) fork();
  };
  const root = children.get(-1)?.[0];
  if (root !== undefined) visit(root, 0, 0, 0);
  return branches;
}

function plus(logprob: number | null, token: GeneratedToken | undefined): number | null {
  const numbers = token === undefined ? null : numbersOf(token);
  return logprob === null || numbers === null ? null : logprob + Math.log(numbers.prob);
}

/** Numbers of a token according to its step; null while the step is not known. */
export function numbersOf({ id, step }: GeneratedToken): TokenNumbers | null {
  if (step === null) return null;
  if (step.id === id) return step;
  const place = step.topIds.indexOf(id);
  if (place < 0) return null;
  const prob = at(step.topProbs, place);
  return {
    text: step.pieces[id] ?? '',
    prob,
    tempered: at(step.topTempered, place),
    final: at(step.topFinal, place),
    rank: step.topProbs.findIndex((other) => other === prob) + 1,
  };
}

/** Reason why no token may follow token `index`; null: one may. With `pastEnd` one may follow an end-of-sequence token too. */
export function stopAt(tree: GenerationTree, index: number, { model, tokens }: Explanation, pastEnd = false): StopReason | null {
  const token = tree.tokens[index];
  if (!pastEnd && token !== undefined && (model.eos ?? []).includes(token.id)) return 'eos';
  return tokens.length + pathTo(tree, index).length >= model.contextLength ? 'context' : null;
}
