import { at } from '../../../src/core/tensor.ts';
import { tokenLabels } from '../../context.ts';
import { correlationOf, type Agreement } from '../../figures/patchFigures.ts';
import { decimal, integer, signedDecimal } from '../../parts/format.ts';
import type { TooltipContent } from '../../parts/tooltip.ts';
import { t } from '../../strings.ts';
import type { Compared } from './compared.ts';
import type { PatchResult } from './patchRuns.ts';

const DIGITS = 3;

/** How well the estimates agree with what is measured. `going`: cells are still to be measured. */
export function agreementText(both: Agreement, going: boolean): string {
  const [count, r] = [integer(both.cells.length), correlationOf(both)];
  if (Number.isNaN(r)) return both.cells.length === 1 ? t('1 cell measured.') : t('{0} cells measured.', count);
  return going
    ? t('{0} cells measured so far, the most promising first; correlation r = {1}.', count, decimal(r, 2))
    : t('{0} cells measured; correlation r = {1}.', count, decimal(r, 2));
}

/** Tooltip of a cell. */
export function contentOf({ place, measured, estimated }: ReturnType<typeof wordsOf>): TooltipContent {
  return {
    title: place,
    rows: [
      [t('Measured'), measured],
      [t('Estimated'), estimated],
    ],
  };
}

/** Where a cell is and what is known of it. */
export function wordsOf(
  cell: number,
  { estimate, shares }: PatchResult,
  { first, comparison }: Compared,
): { readonly place: string; readonly measured: string; readonly estimated: string } {
  const { grid, columns, partners } = estimate;
  const [layer, column] = [Math.floor(cell / columns), cell % columns];
  const partner = grid === 'heads' ? -1 : at(partners, column);
  const label = (index: number, text: readonly string[]): string => `“${text[index] ?? ''}” (${integer(index)})`;
  const own = label(column, tokenLabels(first));
  const place =
    grid === 'heads'
      ? t('Layer {0}, head {1}', layer, column)
      : partner < 0
        ? t('Layer {0}, {1}: the second text has no such token', layer, own)
        : t('Layer {0}, {1} from {2}', layer, own, label(partner, tokenLabels(comparison.explanation)));
  const number = (value: number): string => (Number.isNaN(value) ? '–' : signedDecimal(value, DIGITS));
  return { place, measured: number(at(shares, cell)), estimated: number(at(estimate.estimate, cell)) };
}
