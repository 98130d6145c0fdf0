import type { ForwardPath, Stage } from '../../../src/core/forwardPath.ts';
import type { ModelInfo } from '../../../src/core/trace.ts';

/** Title of a step, a sentence about it, and its formula in the field's notation. */
export interface StepText {
  readonly title: string;
  readonly sentence: string;
  readonly formula: string;
}

/** Data that a step's texts are written from. */
export interface StepOfPath {
  readonly path: ForwardPath;
  readonly model: ModelInfo;
  readonly stages: readonly Stage[];
  /** The step's stage that is computed by this kind of operation. */
  readonly find: (kind: Stage['made']['kind']) => Stage | undefined;
}
