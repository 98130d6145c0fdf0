import type { ForwardPath, StageName, WeightedSum } from '../../../src/core/forwardPath.ts';
import type { Place } from '../../figures/pathSteps.ts';

/** Data of the card of one number, and targets of its links. */
export interface NumberCardView {
  readonly path: ForwardPath;
  readonly place: Place;
  readonly labels: readonly string[];
  readonly sum: WeightedSum | null;
  readonly goTo: (place: Place) => void;
  /** Goes to another head's number in a stage that all heads make together. */
  readonly goToHead: (head: number, stage: StageName) => void;
  /** Whether that head can be chosen: a layer that keeps a state may have more than attention has. */
  readonly canFollow: (head: number) => boolean;
  /** Goes to where the given stream was computed, before this layer. */
  readonly goBefore: () => void;
  readonly goToLayer: (layer: number) => void;
}
