import { firstSeen, type KeyWindow } from './keyWindow.ts';
import type { HeadIntervention, MlpIntervention, PatternIntervention, Recipe, ResidualIntervention, SteeringIntervention } from './run.ts';

/** What is done to one output at one position: y = factor * x + shift. */
export interface Change {
  readonly factor: number;
  /** Of the output's width; null: nothing is added. */
  readonly shift: Float64Array | null;
}

/** One step on an output of a layer. */
export interface OutputStep {
  /** Which of the layer's outputs of this kind: the head; 0 where there is one. */
  readonly unit: number;
  /** At positions `first` to `end` - 1: 0 and Infinity are all. */
  readonly first: number;
  readonly end: number;
  readonly factor: number;
  readonly shift: readonly number[] | null;
}

/** Steps on the outputs of a layer's heads, in order. */
export function headSteps(recipe: Recipe, layer: number): readonly OutputStep[] {
  return recipe.flatMap((step) => (step.kind === 'head' && step.layer === layer ? [outputStep(step, step.head)] : []));
}

/** Steps on the output of a layer's MLP, in order. */
export function mlpSteps(recipe: Recipe, layer: number): readonly OutputStep[] {
  return recipe.flatMap((step) => (step.kind === 'mlp' && step.layer === layer ? [outputStep(step, 0)] : []));
}

/** Steps on the residual at a place: at the input of block `place`, or after the last one, in order. */
export function residualSteps(recipe: Recipe, place: number): readonly OutputStep[] {
  return recipe.flatMap((step) => {
    if (step.kind === 'steer' && step.layer === place) return [steeringStep(step)];
    return step.kind === 'residual' && step.layer === place ? [outputStep(step, 0)] : [];
  });
}

function steeringStep({ values, strength, on, prompt }: SteeringIntervention): OutputStep {
  if (on !== undefined && prompt === undefined) throw new Error('The recipe has not been applied to the text.');
  const [first, end] = on === undefined ? [0, Infinity] : on === 'prompt' ? [0, prompt ?? 0] : [prompt ?? 0, Infinity];
  return { unit: 0, first, end, factor: 1, shift: values.map((value) => strength * value) };
}

function outputStep(step: HeadIntervention | MlpIntervention | ResidualIntervention, unit: number): OutputStep {
  const { token } = step;
  const [first, end] = token === undefined ? [0, Infinity] : [token, token + 1];
  switch (step.action) {
    case 'zero':
      return { unit, first, end, factor: 0, shift: null };
    case 'scale':
      return { unit, first, end, factor: step.factor, shift: null };
    case 'move':
      return { unit, first, end, factor: 1, shift: valuesOf(step) };
    default:
      return { unit, first, end, factor: 0, shift: valuesOf(step) };
  }
}

function valuesOf({ values }: { readonly values?: readonly number[] }): readonly number[] {
  if (values === undefined) throw new Error('The recipe has not been applied to the text.');
  return values;
}

/** What the steps do together to output `unit` at a position: each goes on from what those before it made. */
export function changeAt(steps: readonly OutputStep[], unit: number, position: number): Change {
  return steps
    .filter((step) => step.unit === unit && position >= step.first && position < step.end)
    .reduce<Change>((change, step) => afterStep(change, step), NO_CHANGE);
}

export const NO_CHANGE: Change = { factor: 1, shift: null };

/** A change and then a step. */
export function afterStep({ factor, shift }: Change, step: OutputStep): Change {
  const moved = shift === null || step.factor === 0 ? null : shift.map((value) => step.factor * value);
  const own = step.shift;
  if (own === null) return { factor: step.factor * factor, shift: moved };
  return { factor: step.factor * factor, shift: Float64Array.from(own, (value, i) => value + (moved?.[i] ?? 0)) };
}

/** Factors of the neurons of a layer's MLP that are not 1, by neuron; factors of the same one multiply. */
export function neuronFactors(recipe: Recipe, layer: number): ReadonlyMap<number, number> {
  const factors = new Map<number, number>();
  for (const step of recipe) {
    if (step.kind !== 'neuron' || step.layer !== layer) continue;
    factors.set(step.neuron, (factors.get(step.neuron) ?? 1) * (step.action === 'zero' ? 0 : step.factor));
  }
  return factors;
}

/** How a head attends: by its own scores, or as a recipe tells it; the last step on it counts. */
export function patternOf(recipe: Recipe, layer: number, head: number): 'own' | 'previous' | 'uniform' {
  return patternsIn(recipe, layer).findLast((step) => step.head === head)?.action ?? 'own';
}

function patternsIn(recipe: Recipe, layer: number): readonly PatternIntervention[] {
  return recipe.flatMap((step) => (step.kind === 'pattern' && step.layer === layer ? [step] : []));
}

/** A key that a query of a layer does not see; null: all heads, all queries after the key. */
export interface Cut {
  readonly head: number | null;
  readonly query: number | null;
  readonly key: number;
}

/** What queries of a layer do not see. */
export interface LayerCuts {
  readonly cuts: readonly Cut[];
  /** Heads that see the token before alone. */
  readonly previous: readonly number[];
  /** Which keys a query sees without a recipe. */
  readonly window: KeyWindow;
}

/** Everything that is cut in a layer. `window`: which keys a query sees. */
export function cutsIn(recipe: Recipe, layer: number, window: KeyWindow): LayerCuts {
  const heads = new Set(patternsIn(recipe, layer).map(({ head }) => head));
  return {
    cuts: recipe.flatMap((step) =>
      (step.kind === 'key' || step.kind === 'edge') && (step.layer ?? layer) === layer
        ? [{ head: step.head ?? null, query: step.kind === 'edge' ? step.query : null, key: step.key }]
        : [],
    ),
    previous: [...heads].filter((head) => patternOf(recipe, layer, head) === 'previous'),
    window,
  };
}

/** Whether the recipe hides a key from a query of one head. A token is hidden from itself only where its head sees the one before alone. */
export function isCut(layer: LayerCuts, head: number, query: number, key: number): boolean {
  return layer.previous.includes(head) ? key !== onlyKey(layer, head, query) : isHidden(layer, head, query, key);
}

/** The one key that a query of a head sees that attends to the token before. */
export function onlyKey(layer: LayerCuts, head: number, query: number): number {
  return query > 0 && firstSeen(layer.window, query) < query && !isHidden(layer, head, query, query - 1) ? query - 1 : query;
}

function isHidden({ cuts }: LayerCuts, head: number, query: number, key: number): boolean {
  return key < query && cuts.some((cut) => cut.key === key && (cut.query ?? query) === query && (cut.head ?? head) === head);
}
