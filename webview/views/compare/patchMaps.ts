import { promisingFirst } from '../../../src/core/patchGrid.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { agreementFigure, agreementOf, patchMapFigure, patchRows } from '../../figures/patchFigures.ts';
import { tokenAxis, type GridAxis } from '../../figures/figureData.ts';
import { agreementNumbers, countedAxis, shareNumbers } from '../../figures/savedNumbers.ts';
import { changeDetector, el, stepKey } from '../../parts/dom.ts';
import { plainKey } from '../../parts/keys.ts';
import { createPlot, type Plot, type PlotPoint } from '../../plot.ts';
import { t } from '../../strings.ts';
import { signedColours, type Theme } from '../../theme.ts';
import type { Compared } from './compared.ts';
import type { PatchResult } from './patchRuns.ts';
import { agreementText, contentOf, wordsOf } from './patchTexts.ts';

/** The estimated and the measured grid, and the two drawn against each other. */
export interface PatchMaps {
  readonly root: HTMLElement;
  /** Moves the focus to the measured grid. */
  readonly focus: () => void;
  readonly show: (result: PatchResult, compared: Compared, theme: Theme) => void;
}

/** Creates the maps. A click or the arrow keys choose a cell, whose numbers stand below. */
export function createPatchMaps(context: PanelContext, resized: () => void): PatchMaps {
  const { tooltip } = context;
  let of: { readonly result: PatchResult; readonly compared: Compared } | undefined;
  /** The chosen cell; at first the one with the largest estimate. */
  let chosen = 0;
  const columns = (): number => of?.result.estimate.columns ?? 1;
  const readout = el('p', { class: 'caption patch-readout', role: 'status' });
  const agreement = el('p', { class: 'caption' });

  function choose(cell: number): void {
    chosen = cell;
    resized();
  }
  const hover = (cell: number | undefined, event: MouseEvent | null): void => {
    if (cell === undefined || event === null || of === undefined) return tooltip.hide();
    tooltip.show(contentOf(wordsOf(cell, of.result, of.compared)), event.clientX, event.clientY);
  };
  const fileOf = (what: string): string => (of === undefined ? what : `${what}-${of.result.estimate.grid}`);
  const cellOf = ({ x, y }: Pick<PlotPoint, 'x' | 'y'>): number => y * columns() + x;
  const map = (label: string, file: string, shares: (result: PatchResult) => ArrayLike<number>) =>
    createPlot(label, () => fileOf(file), {
      data: () => (of === undefined ? null : shareNumbers(axisOf(of), shares(of.result))),
      hover: (point, event) => hover(point === null ? undefined : cellOf(point), event),
      click: (point) => choose(cellOf(point)),
      keys: (event) => {
        const next = stepKey(plainKey(event), chosen, of?.result.shares.length ?? 0, columns());
        if (next === undefined || of === undefined) return;
        event.preventDefault();
        choose(next);
      },
      resized,
    });
  const maps = {
    estimate: map(
      t('Estimated shares: rows are layers. Arrow keys choose a cell.'),
      'patching-estimated',
      ({ estimate }) => estimate.estimate,
    ),
    measured: map(t('Measured shares: rows are layers. Arrow keys choose a cell.'), 'patching-measured', ({ shares }) => shares),
  };
  const scatter = createPlot(t('Each measured cell: estimate across, measurement up'), () => fileOf('patching-agreement'), {
    data: () => (of === undefined ? null : agreementNumbers(axisOf(of), agreementOf(of.result.estimate.estimate, of.result.shares))),
    hover: (point, event) => hover(point?.custom, event),
    click: (point) => point.custom !== undefined && choose(point.custom),
    resized,
  });
  const agreeing = part(
    t('Estimate and measurement'),
    t('Each dot is a measured cell. On the dashed line the estimate is right; cells that are the same in both texts are left out.'),
    scatter,
  );
  agreeing.append(agreement);
  const root = el(
    'div',
    { class: 'patch-maps' },
    part(
      t('Measured'),
      t('The model runs once for each cell, the most promising first; a grey cell has no number, or none yet.'),
      maps.measured,
    ),
    part(
      t('Estimated'),
      t(
        'All cells at once: the gradient in the first text, times what the cell would change (Syed et al. 2023). True of small changes ' +
          'only.',
      ),
      maps.estimate,
    ),
    readout,
    agreeing,
  );
  const drawn = { estimate: changeDetector(), measured: changeDetector(), agreement: changeDetector() };

  return {
    root,
    focus: () => maps.measured.area.focus(),
    show: (result, compared, theme) => {
      if (of?.result.estimate !== result.estimate) chosen = promisingFirst(result.estimate.estimate)[0] ?? 0;
      of = { result, compared };
      const { estimate, shares } = result;
      const cell = chosen;
      const names = namesOf(result, compared);
      const framed = { layer: Math.floor(cell / estimate.columns), column: cell % estimate.columns };
      for (const [kind, values] of [
        ['estimate', estimate.estimate],
        ['measured', shares],
      ] as const) {
        const plot = maps[kind];
        const width = plot.width();
        if (width === 0 || !drawn[kind](values, cell, width, theme)) continue;
        const title = estimate.grid === 'heads' ? t('Head') : '';
        plot.draw(patchMapFigure({ z: patchRows(values, estimate.columns), names, title, chosen: framed, width }, theme), {
          colours: signedColours(theme),
          low: '≤ −1',
          high: t('1 and more: as in the second'),
        });
      }
      const { place, measured, estimated } = wordsOf(cell, result, compared);
      // A screen reader says it again when it is written again.
      const said = t('{0}: measured {1}, estimated {2}', place, measured, estimated);
      if (readout.textContent !== said) readout.textContent = said;
      const both = agreementOf(estimate.estimate, shares);
      agreeing.hidden = both.cells.length === 0;
      const width = scatter.width();
      if (width > 0 && drawn.agreement(shares, cell, width, theme)) {
        scatter.draw(agreementFigure(both, cell, width, theme));
        agreement.textContent = agreementText(both, result.measured < result.cells);
      }
    },
  };
}

function namesOf({ estimate: { grid, columns } }: PatchResult, { first }: Compared): readonly string[] {
  const labels = grid === 'heads' ? [] : tokenLabels(first);
  return Array.from({ length: columns }, (_, column) => labels[column] ?? String(column));
}

/** The columns of the grid as they are saved: tokens of the first text, or heads. */
function axisOf({ result, compared }: { readonly result: PatchResult; readonly compared: Compared }): GridAxis {
  const { grid, columns } = result.estimate;
  return grid === 'heads' ? countedAxis('head', columns) : tokenAxis('token', compared.first.tokens.slice(0, columns));
}

/** A figure under its title and a note. */
function part(title: string, note: string, plot: Plot): HTMLElement {
  return el(
    'div',
    { class: 'patch-map' },
    el('div', { class: 'toolbar spread' }, el('h3', {}, title), plot.tools),
    el('p', { class: 'caption' }, note),
    plot.root,
  );
}
