import type { CopyLoss, HeadPlace } from '../../src/core/copyLoss.ts';
import { uniformAt } from '../../src/core/random.ts';
import { REPEATED_SCORES, type RepeatedHeads } from '../../src/core/repeatedTokens.ts';
import { at } from '../../src/core/tensor.ts';
import type { ModelInfo } from '../../src/core/trace.ts';

/** How often as many random heads are switched off, to compare with. */
export const RANDOM_DRAWS = 8;
const SEED = 1;

/** A head with its induction score, 0..1. */
export interface ScoredHead extends HeadPlace {
  readonly score: number;
}

/** What one of the runs was made with, and what came of it. */
export interface CopyRun {
  /** Heads that were off. */
  readonly heads: readonly HeadPlace[];
  readonly loss: CopyLoss;
}

/** The outcome of the experiment. */
export interface CopyExperiment {
  readonly before: CopyRun;
  readonly induction: CopyRun;
  readonly random: readonly CopyRun[];
  /** Induction scores of the heads that were off as such, the highest first. */
  readonly scores: readonly number[];
}

/** All heads by their induction score on repeated random tokens, the highest first. */
export function byInduction({ scores }: Pick<RepeatedHeads, 'scores'>, { layers, heads }: ModelInfo): readonly ScoredHead[] {
  const index = REPEATED_SCORES.indexOf('induction');
  return Array.from({ length: layers * heads }, (_, place) => ({
    layer: Math.floor(place / heads),
    head: place % heads,
    score: at(scores, place * REPEATED_SCORES.length + index),
  })).toSorted((a, b) => b.score - a.score);
}

/**
 * `RANDOM_DRAWS` times as many of `others` as `count`, each draw without repetition, evenly by Philox; the same every time. Fewer than
 * `count` where there are not as many.
 */
export function randomHeads(others: readonly HeadPlace[], count: number): readonly (readonly HeadPlace[])[] {
  return Array.from({ length: RANDOM_DRAWS }, (_, draw) => {
    const left = others.map(({ layer, head }) => ({ layer, head }));
    const from = draw * others.length;
    return Array.from({ length: Math.min(count, others.length) }, (_, i) => {
      const [chosen] = left.splice(Math.floor(uniformAt(SEED, from + i) * left.length), 1);
      return chosen ?? { layer: 0, head: 0 };
    });
  });
}

/** Heads as "L3 H1, L4 H4", by layer. */
export function headNames(heads: readonly HeadPlace[]): string {
  const sorted = heads.toSorted((a, b) => a.layer - b.layer || a.head - b.head);
  return sorted.map(({ layer, head }) => `L${layer} H${head}`).join(', ');
}
