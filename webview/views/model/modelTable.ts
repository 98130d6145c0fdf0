import { html, render, type TemplateResult } from 'lit-html';
import type { BlockParts } from '../../../src/core/architecture.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import type { LayerFlow, LensCell } from '../../figures/modelFlow.ts';
import { flowNumbers } from '../../figures/tableNumbers.ts';
import { el } from '../../parts/dom.ts';
import { decimal, percent, significant } from '../../parts/format.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { t } from '../../strings.ts';
import type { ModelData } from './modelData.ts';

const DIGITS = 4;

/** The picture's numbers as a table with its menu. */
export interface ModelTable {
  readonly template: (data: ModelData) => TemplateResult;
}

/** Creates the table. */
export function createModelTable(): ModelTable {
  let shown: ModelData | null = null;
  const body = el('div', { class: 'scroll-x' });
  const frame = withTableMenu(t('The picture’s numbers, a row a layer'), body, {
    file: () => `position-${shown?.settings.selected ?? 0}-layers`,
    numbers: () => (shown === null || shown.flows === null ? null : flowNumbers(shown.flows, shown.cells, shown.architecture.blocks)),
  });
  return {
    template: (data) => {
      shown = data;
      const { streams } = data.architecture;
      if (streams !== null)
        return html`<p class="caption">
          ${t('{0} residual streams, which every layer mixes anew: what it adds is in all of them, so no lengths are told.', streams.count)}
        </p>`;
      if (data.flows === null) return html`<p class="caption">…</p>`;
      render(rowsTemplate(data.flows, data.cells, data.architecture.blocks), body);
      return html`${frame}`;
    },
  };
}

function rowsTemplate(flows: readonly LayerFlow[], cells: readonly LensCell[] | null, blocks: readonly BlockParts[]): TemplateResult {
  const columns = [
    t('Layer'),
    t('Length before'),
    t('Attention adds'),
    t('its cosine with the stream'),
    t('MLP adds'),
    t('its cosine with the stream'),
    t('Length after'),
    t('If the model stopped here'),
  ];
  return html`<table class="table">
    <caption class="caption">
      ${t('Lengths are Euclidean norms: the root of the sum of the squares of a vector’s numbers.')}
    </caption>
    <thead>
      <tr>
        ${columns.map((name, index) => html`<th scope="col" class=${index < columns.length - 1 ? 'number' : ''}>${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${flows.map((one, layer) => {
        const cell = cells?.[layer + 1];
        const { mixer = null, mlp = null } = blocks[layer] ?? {};
        return html`<tr>
          <th scope="row" class="number">${layer}</th>
          <td class="number">${significant(one.before, DIGITS)}</td>
          <td class="number">${mixer === null ? '–' : significant(one.attention, DIGITS)}</td>
          <td class="number">${mixer === null ? '–' : decimal(one.attentionCosine, 3)}</td>
          <td class="number">${mlp === null ? '–' : significant(one.mlp, DIGITS)}</td>
          <td class="number">${mlp === null ? '–' : decimal(one.mlpCosine, 3)}</td>
          <td class="number">${significant(one.after, DIGITS)}</td>
          <td>${cell === undefined ? '…' : predictionTemplate(cell)}</td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

function predictionTemplate({ piece, probability }: LensCell): TemplateResult {
  return html`<span class="token-text">${visibleText(piece)}</span> <span class="muted">${percent(probability)}</span>`;
}
