import type { GenerationStep, StopReason } from '../src/core/generation.ts';
import type { SamplingSettings } from '../src/core/sampling.ts';
import { at } from '../src/core/tensor.ts';
import type { Explanation } from '../src/core/trace.ts';

/** How a token is drawn. */
export interface DrawSettings {
  readonly sampling: SamplingSettings;
  readonly seed: number;
}

/** One token of a generation's tree. */
export interface GeneratedToken {
  readonly id: number;
  /** Index of the token before it, always a smaller one; -1: the explained text. */
  readonly parent: number;
  /** The user took it in place of the one drawn. */
  readonly taken: boolean;
  readonly settings: DrawSettings;
  /** The distribution it came from. Null: not asked for again since the page was reloaded. */
  readonly step: GenerationStep | null;
}

/** All that was generated after one text, as a tree whose branches share their beginnings. */
export interface GenerationTree {
  /** The text and model that it goes on from; see `promptKey`. */
  readonly prompt: string;
  readonly tokens: readonly GeneratedToken[];
  /** Last token of the branch shown, and the token whose step is shown on it; -1: none. */
  readonly end: number;
  readonly selected: number;
}

/** What a step says of the token that a branch took: the drawn one, or another candidate. */
export interface TokenNumbers {
  readonly text: string;
  readonly prob: number;
  readonly tempered: number;
  readonly final: number;
  readonly rank: number;
}

/** A way through the tree that no other branch took first. */
export interface Branch {
  /** Its own tokens, those before the fork left out. */
  readonly tokens: readonly number[];
  /** Tokens generated before the fork. */
  readonly forkedAfter: number;
  /** 0 for the first; one more than the branch it forks from. */
  readonly depth: number;
  readonly end: number;
  /** Natural log of the probability the model gives all tokens from the text's end to the branch's; null while a step is not known. */
  readonly logprob: number | null;
}

export const EMPTY_TREE: GenerationTree = { prompt: '', tokens: [], end: -1, selected: -1 };

/** Tells texts, and models, apart: name, tokens and a hash of their ids (FNV-1a). */
export function promptKey({ model, tokens }: Explanation): string {
  let hash = 0x811c9dc5;
  for (const { id } of tokens) hash = Math.imul(hash ^ id, 0x01000193) >>> 0;
  return `${model.name} ${tokens.length} ${hash.toString(16)}`;
}

/** Indices of the tokens from the text's end to `end`. */
export function pathTo({ tokens }: GenerationTree, end: number): readonly number[] {
  const path: number[] = [];
  for (let index = end; index >= 0; index = tokens[index]?.parent ?? -1) path.push(index);
  return path.reverse();
}

/** Ids of the tokens from the text's end to `end`. */
export function idsTo(tree: GenerationTree, end: number): readonly number[] {
  return pathTo(tree, end).map((index) => tree.tokens[index]?.id ?? 0);
}

/** The tree with one more token after `token.parent`, on the branch shown and selected; where the same is there already it is walked on to, and has the newer step. */
export function withToken(tree: GenerationTree, token: GeneratedToken): GenerationTree {
  const known = tree.tokens.findIndex(({ parent, id }) => parent === token.parent && id === token.id);
  if (known < 0) return { ...tree, tokens: [...tree.tokens, token], end: tree.tokens.length, selected: tree.tokens.length };
  return selecting({ ...tree, tokens: tree.tokens.with(known, token) }, known);
}

/** The tree with the step of a token that was not known. */
export function withStep(tree: GenerationTree, index: number, step: GenerationStep): GenerationTree {
  const token = tree.tokens[index];
  return token === undefined ? tree : { ...tree, tokens: tree.tokens.with(index, { ...token, step }) };
}

/** The tree with `index` selected; where it is on another branch than the one shown, that one is shown. */
export function selecting(tree: GenerationTree, index: number): GenerationTree {
  if (tree.tokens[index] === undefined) return { ...tree, selected: -1 };
  return { ...tree, selected: index, end: pathTo(tree, tree.end).includes(index) ? tree.end : furthest(tree, index) };
}

/** The last token of the first branch through `index`. */
function furthest({ tokens }: GenerationTree, index: number): number {
  let end = index;
  for (let next = index; next >= 0; next = tokens.findIndex(({ parent }) => parent === end)) end = next;
  return end;
}

/** Every branch, each followed by those that fork from it, earlier forks first. */
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

/** What the token's step says of it; null while the step is not known. */
export function numbersOf({ id, step }: GeneratedToken): TokenNumbers | null {
  if (step === null) return null;
  if (step.id === id) return step;
  const place = step.topIds.indexOf(id);
  if (place < 0) return null;
  const prob = at(step.topProbs, place);
  return { text: step.pieces[id] ?? '', prob, tempered: at(step.topTempered, place), final: at(step.topFinal, place), rank: step.topProbs.findIndex((other) => other === prob) + 1 };
}

/** Why nothing may follow token `index`; null: another token may. */
export function stopAt(tree: GenerationTree, index: number, { model, tokens }: Explanation): StopReason | null {
  const token = tree.tokens[index];
  if (token !== undefined && (model.eos ?? []).includes(token.id)) return 'eos';
  return tokens.length + pathTo(tree, index).length >= model.contextLength ? 'context' : null;
}
