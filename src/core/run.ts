/** A factor of an output: 0, or one that the recipe gives. */
type Factor = { readonly action: 'zero' } | { readonly action: 'scale'; readonly factor: number };

/**
 * In place of an output stand other numbers: given ones, such as its value in another text, or its mean over the text without the recipe
 * (`values`: that mean, once the recipe is of a text).
 */
type Put =
  { readonly action: 'set'; readonly values: readonly number[] } | { readonly action: 'mean'; readonly values?: readonly number[] };

/** The one token at whose position an output is changed; absent: at all positions. */
interface AtToken {
  readonly token?: number;
}

/** A head's output before the output projection is changed; the projection's bias stays. `values` [valueDim]. */
export type HeadIntervention = (Factor | Put) & AtToken & { readonly kind: 'head'; readonly layer: number; readonly head: number };

/** A layer's MLP output (that of all its experts together) is changed before a norm behind it. `values` [D]. */
export type MlpIntervention = (Factor | Put) & AtToken & { readonly kind: 'mlp'; readonly layer: number };

/** One neuron of a layer's MLP, at all positions, is multiplied after its activation (and its gate). */
export type NeuronIntervention = Factor & { readonly kind: 'neuron'; readonly layer: number; readonly neuron: number };

/**
 * A head attends as it is told: to the token before, or alike to all tokens that a query sees. A query that does not see the token before
 * attends to its own; an attention sink takes no part.
 */
export interface PatternIntervention {
  readonly kind: 'pattern';
  readonly layer: number;
  readonly head: number;
  readonly action: 'previous' | 'uniform';
}

/**
 * One token's residual at the input of block `layer`, or after the last block where `layer` is their number. `values` [D]: what it is set
 * to, or what is added to it. `direction`: added is the unembedding's row of this token, as long as the residual there without the recipe
 * times `strength` (`values`: that vector, once the recipe is of a text).
 */
export type ResidualIntervention = { readonly kind: 'residual'; readonly layer: number; readonly token: number } & (
  | { readonly action: 'set' | 'move'; readonly values: readonly number[] }
  | { readonly action: 'move'; readonly direction: number; readonly strength: number; readonly values?: readonly number[] }
);

/** Tokens that a vector is added to: all, those of the prompt, or those after it. */
export type SteeredTokens = 'all' | 'prompt' | 'generated';

/**
 * `values` [D] times `strength` is added to the residual at the input of block `layer`, or after the last block where `layer` is their
 * number, of every token; `on`: of the prompt's alone, or of those generated after it. `prompt`: how many tokens are the prompt's, once
 * the recipe is of a text.
 */
export interface SteeringIntervention {
  readonly kind: 'steer';
  readonly layer: number;
  readonly action: 'add';
  readonly values: readonly number[];
  readonly strength: number;
  readonly on?: Exclude<SteeredTokens, 'all'>;
  readonly prompt?: number;
}

/** Where attention is cut: in one layer or head index, or in all where it is absent. */
interface CutPlace {
  readonly layer?: number;
  readonly head?: number;
  readonly action: 'cut';
}

/** No later query sees the key, masked before the softmax; the token itself does. Positions count from the text's start. */
export type KeyCut = CutPlace & { readonly kind: 'key'; readonly key: number };

/** One query does not see one key before it. */
export type EdgeCut = CutPlace & { readonly kind: 'edge'; readonly query: number; readonly key: number };

/** One intervention on the model while it runs. Plain data that survives JSON, as a run's key is made of it. */
export type Intervention =
  | HeadIntervention
  | MlpIntervention
  | NeuronIntervention
  | PatternIntervention
  | ResidualIntervention
  | SteeringIntervention
  | KeyCut
  | EdgeCut;

/** All interventions on the model while it runs, in order. */
export type Recipe = readonly Intervention[];

/** A head's output switched off, at all positions. */
export function headOff({ layer, head }: { readonly layer: number; readonly head: number }): HeadIntervention {
  return { kind: 'head', layer, head, action: 'zero' };
}

/** The recipe without interventions: the model as stored. */
export const UNCHANGED: Recipe = [];

/** Inputs of a forward pass besides the model. Both parts are required: another recipe gives other numbers. */
export interface Run {
  /** [T] */
  readonly ids: Int32Array;
  readonly recipe: Recipe;
}

declare const brand: unique symbol;

/** Key of a run: equal exactly where ids and recipe are. Only `runKey` makes one, so no cache can be keyed by the ids alone. */
export type RunKey = string & { readonly [brand]: true };

/** The run of `ids` with the interventions of `recipe`. */
export function runOf(ids: Int32Array | readonly number[], recipe: Recipe): Run {
  return { ids: ids instanceof Int32Array ? ids : Int32Array.from(ids), recipe };
}

/** The key of a run. */
export function runKey({ ids, recipe }: Run): RunKey {
  return `${JSON.stringify(recipe)}${ids.join()}` as RunKey;
}

/** The run extended by more tokens. */
export function continued({ ids, recipe }: Run, more: ArrayLike<number>): Run {
  const all = new Int32Array(ids.length + more.length);
  all.set(ids);
  all.set(more, ids.length);
  return { ids: all, recipe };
}

/** The run of the first `length` tokens alone. */
export function startOf({ ids, recipe }: Run, length: number): Run {
  return { ids: ids.slice(0, length), recipe };
}

/** The run of tokens from..to - 1 as a text of their own: positions that the recipe names are counted from there, or are not among them. */
export function partOf({ ids, recipe }: Run, from: number, to: number): Run {
  const place = (position: number): number | null => (position < from || position >= to ? null : position - from);
  return { ids: ids.slice(from, to), recipe: moved(recipe, place, (step, prompt) => [{ ...step, prompt: Math.max(0, prompt - from) }]) };
}

/** The recipe of a run for a text that begins like it: what names a position after the common beginning, of other tokens, is gone. */
export function carriedOver({ ids, recipe }: Run, other: ArrayLike<number>): Recipe {
  const different = ids.findIndex((id, position) => id !== other[position]);
  const shared = different === -1 ? ids.length : different;
  return moved(
    recipe,
    (position) => (position < shared ? position : null),
    (step) => [ofNoText(step, step.on)],
  );
}

/**
 * The run without its tokens `first` to `end` - 1: positions that the recipe names move up with those behind them, and what names them is
 * gone.
 */
export function withoutTokens({ ids, recipe }: Run, first: number, end: number): Run {
  const place = (position: number): number | null => (position < first ? position : position < end ? null : position - (end - first));
  const recipeWithout = moved(recipe, place, (step, prompt) => [{ ...step, prompt: prompt - Math.max(0, Math.min(end, prompt) - first) }]);
  return { ids: ids.filter((_, index) => index < first || index >= end), recipe: recipeWithout };
}

/**
 * The interventions that belong to the model rather than to the tokens of one text: those that name no position. All of another text is a
 * prompt.
 */
export function withoutPositions(recipe: Recipe): Recipe {
  return moved(
    recipe,
    () => null,
    (step) => (step.on === 'generated' ? [] : [ofNoText(step)]),
  );
}

/** The step before it is of a text, to these tokens: all where `on` is absent. */
function ofNoText({ kind, layer, action, values, strength }: SteeringIntervention, on?: SteeringIntervention['on']): SteeringIntervention {
  return { kind, layer, action, values, strength, ...(on === undefined ? {} : { on }) };
}

/**
 * A recipe for tokens that have moved to other places; null: a token is not there, and nor is what names it. `steered`: what becomes of
 * steering a part of the tokens, of which the first `prompt` are the prompt's.
 */
function moved(
  recipe: Recipe,
  place: (position: number) => number | null,
  steered: (step: SteeringIntervention, prompt: number) => Recipe,
): Recipe {
  return recipe.flatMap((step): Recipe => {
    if (step.kind === 'neuron' || step.kind === 'pattern') return [step];
    if (step.kind === 'steer') return step.on === undefined ? [step] : steered(step, step.prompt ?? 0);
    if (step.kind === 'head' || step.kind === 'mlp' || step.kind === 'residual') {
      const token = step.token === undefined ? undefined : place(step.token);
      return token === null ? [] : [token === undefined ? step : { ...step, token }];
    }
    const key = place(step.key);
    if (step.kind === 'key') return key === null ? [] : [{ ...step, key }];
    const query = place(step.query);
    return key === null || query === null ? [] : [{ ...step, query, key }];
  });
}

/** Length in tokens of the common prefix of two runs: same ids, and nothing that only one of the recipes does reaches them. */
export function commonTokens(a: Run, b: Run): number {
  const different = a.ids.findIndex((id, i) => id !== b.ids[i]);
  const sameIds = different === -1 ? a.ids.length : different;
  return Math.min(sameIds, firstReached(a.recipe, b.recipe), firstReached(b.recipe, a.recipe));
}

/** The first position whose values change by what the recipe does and `other` does not. */
function firstReached(recipe: Recipe, other: Recipe): number {
  return Math.min(Infinity, ...lackedBy(other, recipe).map(firstChanged));
}

/** The steps of `recipe` that `other` lacks. */
function lackedBy(other: Recipe, recipe: Recipe): Recipe {
  if (recipe === other || other.length === 0) return recipe === other ? [] : recipe;
  const unmatched = other.map((step) => JSON.stringify(step));
  return recipe.filter((step) => {
    const match = unmatched.indexOf(JSON.stringify(step));
    if (match !== -1) unmatched.splice(match, 1);
    return match === -1;
  });
}

/** Where a run of the same ids as another comes apart from it in the model's depth. */
export interface Parting {
  /** The first layer that computes other numbers; the number of layers and more: none. */
  readonly layer: number;
  /** Whether the residual at that layer's input is another than in the other run: by all that the recipe does to it there. */
  readonly atInput: boolean;
}

/** Where what two recipes do differently begins: both runs have the same residual at the input of that layer, but for `atInput`. */
export function partingOf(recipe: Recipe, other: Recipe): Parting {
  const different = [...lackedBy(other, recipe), ...lackedBy(recipe, other)];
  const layer = Math.min(Infinity, ...different.map((step) => step.layer ?? 0));
  const isAt = (step: Intervention): boolean => step.kind === 'residual' && step.layer === layer;
  if (!different.some(isAt)) return { layer, atInput: false };
  // What the other recipe does to the residual there is in its numbers: before that they are the same.
  return other.some(isAt) ? { layer: layer - 1, atInput: false } : { layer, atInput: true };
}

/** The first position whose values an intervention can change: attention looks back, so those before it are as without. */
function firstChanged(step: Intervention): number {
  switch (step.kind) {
    case 'key':
      return step.key + 1;
    case 'edge':
      return step.query;
    case 'neuron':
    case 'pattern':
      return 0;
    case 'steer':
      return step.on === 'generated' ? (step.prompt ?? 0) : 0;
    default:
      return step.token ?? 0;
  }
}

/** Whether `start` is a prefix of `run`, with the same recipe. */
export function startsWith(run: Run, start: Run): boolean {
  return sameRecipe(run, start) && commonTokens(start, run) === start.ids.length;
}

function sameRecipe(a: Run, b: Run): boolean {
  return JSON.stringify(a.recipe) === JSON.stringify(b.recipe);
}
