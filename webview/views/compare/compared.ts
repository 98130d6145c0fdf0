import type { Explanation } from '../../../src/core/trace.ts';
import type { ShownComparison } from '../../../src/protocol/messages.ts';
import type { ComparisonRow } from '../../figures/comparisonRows.ts';
import type { ViewState } from '../../state.ts';

/** The explained text and the side it is compared with. */
export interface Compared {
  readonly first: Explanation;
  readonly comparison: ShownComparison;
  readonly rows: readonly ComparisonRow[];
}

/** Part of the Compare tab. */
export interface ComparePart {
  readonly root: HTMLElement;
  update(state: ViewState, compared: Compared): void;
}
