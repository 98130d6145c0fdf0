import { nothing } from 'lit-html';
import type { Intervention } from '../../../src/core/run.ts';
import { switchStep } from '../../changeRecipe.ts';
import { tokenLabels, type PanelContext } from '../../context.ts';
import { isOn } from '../../figures/recipeList.ts';
import { edgeCut } from '../../figures/stepKinds.ts';
import { button } from '../../parts/controls.ts';
import { el, ICONS } from '../../parts/dom.ts';
import { drawInto } from '../../parts/templates.ts';
import { question } from '../../question.ts';
import type { ViewState } from '../../state.ts';
import { t } from '../../strings.ts';
import { cellSteps } from './cellSteps.ts';
import type { HeadCells, ShownHead } from './headCells.ts';
import { latentTemplate } from './latent.ts';

/** Card that shows how one attention weight is computed, step by step. */
export interface CellCard {
  readonly root: HTMLElement;
  readonly update: (head: ShownHead, state: ViewState) => void;
}

/** Creates the card. `head`: the head shown. */
export function createCellCard(context: PanelContext, cells: HeadCells, head: () => ShownHead | undefined): CellCard {
  const unlock = button(t('Unlock'), 'secondary', () => cells.lock(null), ICONS.close);
  unlock.title = t('Follow the pointer again (Escape)');
  let edge: Intervention | null = null;
  const cut = button('', 'secondary', () => {
    const cell = cells.cell();
    if (edge === null || cell === null) return;
    // The strongest weight of what comes then is another one.
    cells.lock(cell);
    switchStep(context, edge, !isOn(context.store.state().settings.recipe, edge));
  });
  cut.classList.add('needs-model');
  cut.title = t('The query does not see the key in this head: a step of the recipe, on in every view');
  const body = el('div', { class: 'cell-body' });
  const asked = question(context, {
    busy: () => root,
    parts: [body],
    ask: async ({ shown }, query) => {
      const cell = cells.cell();
      const found = head();
      if (cell === null || found === undefined || shown === null) return '';
      const { layer, head: number } = found.picture;
      const { explanation } = shown;
      const steps = await query('cell', 'attentionCell', { layer, head: number, ...cell });
      const isLatent = (explanation.model.traits?.latentRank ?? null) !== null;
      const latent = isLatent ? await query('latent', 'latent', { layer, token: cell.key }) : null;
      return { steps, latent, explanation, key: cell.key };
    },
    answered: ({ steps, latent, explanation, key }) => {
      drawInto(body, [
        cellSteps(steps, explanation, context.tooltip),
        latent === null ? nothing : latentTemplate(latent, tokenLabels(explanation)[key] ?? '', context.tooltip),
      ]);
    },
  });
  const root: HTMLElement = el(
    'section',
    { class: 'card cell-card', 'aria-label': t('One weight') },
    el('div', { class: 'card-head' }, el('h2', {}, t('How this weight came about')), cut, unlock),
    asked.notice,
    body,
  );
  return {
    root,
    update: ({ picture }, state) => {
      unlock.hidden = state.settings.locked === null;
      const cell = cells.cell();
      edge = cell === null || cell.key >= cell.query ? null : edgeCut(cell.query, cell.key, picture.layer, picture.head);
      cut.hidden = edge === null;
      if (edge !== null) cut.textContent = isOn(state.settings.recipe, edge) ? t('Let it be seen again') : t('Cut this edge');
      if (cell !== null) asked.update(state, state.shown, picture, cell.query, cell.key);
    },
  };
}
