import type { ForwardPath, PathStep, Stage, StageName } from '../../src/core/forwardPath.ts';
import { at } from '../../src/core/tensor.ts';

/** A step of the walkthrough: those of the path, and the draw behind them. */
export type WalkStep = PathStep | 'draw';
export const WALK_STEPS = [
  'embedding', 'position', 'embeddingNorm',
  'attentionNorm', 'heads', 'headNorm', 'clip', 'rotary', 'scores', 'scale', 'mask', 'softmax', 'mix', 'join', 'attentionOutput', 'attentionBehind', 'attentionAdd', 'attentionAfter',
  'mlpNorm', 'router', 'mlp', 'mlpOutput', 'mixture', 'mlpBehind', 'mlpAdd', 'mlpAfter',
  'layers', 'finalNorm', 'logits', 'probabilities', 'draw',
] as const satisfies readonly WalkStep[];

/** Parts of the walkthrough, by the step each begins with. */
export const WALK_PARTS = ['input', 'attention', 'mlp', 'output'] as const;
export type WalkPart = (typeof WALK_PARTS)[number];

/** The steps that this path has, in the order they are taken. */
export function stepsOf(path: ForwardPath): readonly WalkStep[] {
  const found = new Set<WalkStep>(path.stages.map(({ step }) => step));
  return [...found, 'draw'];
}

export function partOf(step: WalkStep): WalkPart {
  const index = WALK_STEPS.indexOf(step);
  if (index < WALK_STEPS.indexOf('attentionNorm')) return 'input';
  if (index < WALK_STEPS.indexOf('mlpNorm')) return 'attention';
  return index < WALK_STEPS.indexOf('layers') ? 'mlp' : 'output';
}

/** The step itself where the path has it, else the nearest before it: another layer or model may lack it. */
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

/** Number of a stage by its place. */
export interface Place {
  readonly stage: StageName;
  readonly index: number;
}

/** What is looked at first: the largest number of the step's last stage that something makes. */
export function firstPlace(path: ForwardPath, step: WalkStep): Place | null {
  const stages = stagesOf(path, step);
  const stage = stages.findLast(({ made }) => made.kind !== 'given' && made.kind !== 'lengths') ?? stages.at(-1);
  return stage === undefined ? null : { stage: stage.name, index: largestIndices(stage.values, 1)[0] ?? 0 };
}

/** Places of the largest numbers by size, falling; what is infinite does not count. */
export function largestIndices(values: Float32Array, count: number): readonly number[] {
  const size = (index: number): number => (Number.isFinite(at(values, index)) ? Math.abs(at(values, index)) : -1);
  return Array.from(values, (_, index) => index).sort((a, b) => size(b) - size(a) || a - b).slice(0, count).filter((index) => size(index) >= 0);
}
