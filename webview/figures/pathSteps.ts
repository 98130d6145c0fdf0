import { isStageName, PATH_STEPS, type ForwardPath, type Stage, type StageName } from '../../src/core/forwardPath.ts';
import { at } from '../../src/core/tensor.ts';

/** Steps of the walkthrough, in order: those of the path, and the draw of the next token after them. */
export const WALK_STEPS = [...PATH_STEPS, 'draw'] as const;
/** A step of the walkthrough. */
export type WalkStep = (typeof WALK_STEPS)[number];

/** Current names of steps by the names that earlier versions kept. */
export const RENAMED_STEPS: ReadonlyMap<string, WalkStep> = new Map([
  ['mix', 'z'],
  ['join', 'concatenate'],
  ['attentionBehind', 'attentionPostNorm'],
  ['attentionAfter', 'attentionStreamNorm'],
  ['mlpBehind', 'mlpPostNorm'],
  ['mlpAfter', 'mlpStreamNorm'],
]);

/** Parts of the walkthrough, in order. */
export const WALK_PARTS = ['input', 'attention', 'mlp', 'output'] as const;
/** Name of a part. */
export type WalkPart = (typeof WALK_PARTS)[number];

/** The steps of this path, in order. */
export function stepsOf(path: ForwardPath): readonly WalkStep[] {
  const found = new Set<WalkStep>(path.stages.map(({ step }) => step));
  return [...found, 'draw'];
}

/** The part that a step belongs to. */
export function partOf(step: WalkStep): WalkPart {
  const index = WALK_STEPS.indexOf(step);
  if (index < WALK_STEPS.indexOf('streams')) return 'input';
  if (index < WALK_STEPS.indexOf('mlpNorm')) return 'attention';
  return index < WALK_STEPS.indexOf('layers') ? 'mlp' : 'output';
}

/** The wanted step if the path has it, otherwise the nearest before it: another layer or model may lack it. */
export function stepIn(path: ForwardPath, wanted: WalkStep): WalkStep {
  const steps = stepsOf(path);
  if (steps.includes(wanted)) return wanted;
  const place = WALK_STEPS.indexOf(wanted);
  return steps.findLast((step) => WALK_STEPS.indexOf(step) < place) ?? 'embedding';
}

/** The stages of one step. */
export function stagesOf(path: ForwardPath, step: WalkStep): readonly Stage[] {
  return path.stages.filter((stage) => stage.step === step);
}

/** Names of the stages that a step hands on: those that no other stage of the step is made from. */
export function resultsOf(path: ForwardPath, step: WalkStep): ReadonlySet<StageName> {
  const own = stagesOf(path, step);
  const read = new Set(
    own.flatMap(({ made }) => Object.entries(made).flatMap(([role, value]) => (role !== 'kind' && isStageName(value) ? [value] : []))),
  );
  return new Set(own.map(({ name }) => name).filter((name) => !read.has(name)));
}

/** One number on the path: an index into a stage's values. */
export interface Place {
  readonly stage: StageName;
  readonly index: number;
}

/** Number shown first: the largest of the step's last stage that is computed from others. */
export function firstPlace(path: ForwardPath, step: WalkStep): Place | null {
  const stages = stagesOf(path, step);
  const stage =
    stages.findLast(
      ({ made }) => !['given', 'ofLayer', 'perLayer', 'state', 'shareOfStreams', 'sharedExpert', 'lengths'].includes(made.kind),
    ) ?? stages.at(-1);
  return stage === undefined ? null : { stage: stage.name, index: largestIndices(stage.values, 1)[0] ?? 0 };
}

/** Indices of the largest numbers by absolute value, descending; infinite ones come last. */
export function largestIndices(values: Float32Array, count: number): readonly number[] {
  const size = (index: number): number => (Number.isFinite(at(values, index)) ? Math.abs(at(values, index)) : -1);
  return Array.from(values, (_, index) => index)
    .sort((a, b) => size(b) - size(a) || a - b)
    .slice(0, count)
    .filter((index) => size(index) >= 0);
}
