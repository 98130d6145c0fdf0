import { headShades } from '../../../src/core/headMetrics.ts';
import { at } from '../../../src/core/tensor.ts';
import type { AttentionMap, AttentionPicture } from '../../../src/core/trace.ts';
import { tokenLabels } from '../../context.ts';
import { sinkColumn, strongestWeight } from '../../figures/attentionMap.ts';
import { attentionDifference, differenceReach, pairedTokens } from '../../figures/comparisonRows.ts';
import type { PairNumbers } from '../../figures/squareMap.ts';
import { tokenAxis, type FigureData } from '../../figures/figureData.ts';
import { pairNumbers } from '../../figures/savedNumbers.ts';
import { integer, percent, significant } from '../../parts/format.ts';
import type { TooltipContent } from '../../parts/tooltip.ts';
import { t } from '../../strings.ts';
import type { Cell } from '../../viewSettings.ts';
import type { Compared } from './compared.ts';

/** Exact weights of a head, and their picture. */
type DrawnMap = AttentionMap & AttentionPicture;

/** Attention maps of the same head on both sides. */
export interface ComparedMaps {
  readonly of: Compared;
  readonly first: DrawnMap;
  readonly second: DrawnMap;
  readonly hideFirst: boolean;
  readonly pairs: readonly (readonly [number, number])[];
  readonly difference: PairNumbers;
  /** Difference with the strongest colour. */
  readonly most: number;
}

/** The first text, the second, and the second less the first. */
export type Side = 0 | 1 | 2;

/** What is saved of a side's map. */
export function numbersOf(side: Side, { of: { first, comparison }, first: a, second: b, pairs, difference }: ComparedMaps): FigureData {
  const both = [first, comparison.explanation] as const;
  if (side === 2) {
    const shared = pairs.flatMap(([token]) => first.tokens[token] ?? []);
    return pairNumbers('second_less_first', tokenAxis('query', shared), tokenAxis('key', shared), difference);
  }
  const { tokens } = both[side];
  return {
    kind: 'grid',
    value: 'weight',
    rows: tokenAxis('query', tokens),
    columns: tokenAxis('key', tokens),
    values: (side === 0 ? a : b).weights,
  };
}

/** Rows of a side's map. */
export function tokensOf({ of: { first, comparison }, pairs }: ComparedMaps, side: Side): number {
  return side === 2 ? pairs.length : (side === 0 ? first : comparison.explanation).tokens.length;
}

/** The strongest weight that a side's map shows. */
export function strongestOf(loaded: ComparedMaps, side: 0 | 1): number {
  return strongestWeight(side === 0 ? loaded.first : loaded.second, tokensOf(loaded, side), loaded.hideFirst, false);
}

/** Data of the maps from the exact weights of both sides. */
export function mapsOf(of: Compared, exact: readonly [AttentionMap, AttentionMap], hideFirst: boolean): ComparedMaps {
  const { first: one, comparison, rows } = of;
  const counts = [one.tokens.length, comparison.explanation.tokens.length] as const;
  const [first, second] = [withPicture(exact[0], counts[0]), withPicture(exact[1], counts[1])];
  const pairs = pairedTokens(rows);
  const difference = attentionDifference(first.weights, counts[0], second.weights, counts[1], pairs, hideFirst);
  return { of, first, second, pairs, hideFirst, difference, most: differenceReach(difference) };
}

/** Labels of the tokens of both texts. */
export function labelsOfBoth({ first, comparison }: Compared): readonly [readonly string[], readonly string[]] {
  return [tokenLabels(first), tokenLabels(comparison.explanation)];
}

/** Tooltip of the weight under the pointer on either side, or of the second weight minus the first. */
export function weightContent(index: Side, cell: Cell, { first, second, pairs, of, hideFirst }: ComparedMaps): TooltipContent {
  const labels = labelsOfBoth(of);
  const [query, key] = [pairs[cell.query], pairs[cell.key]];
  const own = labels[index === 1 ? 1 : 0];
  const [q, k] = index === 2 ? [query?.[0] ?? 0, key?.[0] ?? 0] : [cell.query, cell.key];
  const [q2, k2] = index === 2 ? [query?.[1] ?? 0, key?.[1] ?? 0] : [cell.query, cell.key];
  const map = index === 1 ? second : first;
  const sink = index < 2 && map.sink !== undefined && k === sinkColumn(own.length, hideFirst) ? at(map.sink, q) : undefined;
  const one = index === 1 ? Number.NaN : (sink ?? at(first.weights, q * labels[0].length + k));
  const other = index === 0 ? Number.NaN : (sink ?? at(second.weights, q2 * labels[1].length + k2));
  return {
    title: significant(index === 2 ? other - one : index === 1 ? other : one, 5),
    rows: [
      [t('Query'), `${own[q] ?? ''}  (${integer(q)})`],
      [t('Key'), sink === undefined ? `${own[k] ?? ''}  (${integer(k)})` : t('sink: no token')],
      ...(Number.isNaN(one) ? [] : [[t('First'), percent(one)] as const]),
      ...(Number.isNaN(other) ? [] : [[t('Second'), percent(other)] as const]),
    ],
  };
}

function withPicture(map: AttentionMap, tokens: number): DrawnMap {
  return { ...map, ...headShades(map.weights, tokens) };
}
