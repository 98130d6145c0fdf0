import { html, type TemplateResult } from 'lit-html';
import { parameterGroups, type Architecture } from '../../../src/core/architecture.ts';
import { compact, percent } from '../../parts/format.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';
import { groupNames } from './modelTexts.ts';

/** Where the parameters are: a line as long as all of them, cut by the parts that hold them. */
export function parametersTemplate(architecture: Architecture): TemplateResult {
  const names = groupNames(architecture);
  const groups = [...parameterGroups(architecture)].filter(([, count]) => count > 0);
  const total = groups.reduce((sum, [, count]) => sum + count, 0);
  return html`<section class="model-parameters" aria-label=${t('Where the parameters are')}>
    <h3>${t('Where the parameters are')}</h3>
    <div class="parameter-line" aria-hidden="true">
      ${groups.map(([name, count]) => html`<span data-group=${name} style="flex-grow: ${((1000 * count) / total).toFixed(3)}"></span>`)}
    </div>
    <dl class="parameter-names">
      ${groups.map(
        ([name, count]) =>
          html`<div>
            <dt><span class="parameter-key" data-group=${name} aria-hidden="true"></span>${names[name]}</dt>
            <dd>${compact(count)} <span class="muted">${percent(count / total)}</span></dd>
          </div>`,
      )}
    </dl>
    ${
      architecture.unembedding.tied
        ? html`<p class="caption">
            ${explained(t('The unembedding has no parameters of its own: it is the table of embeddings, used again.'))}
          </p>`
        : ''
    }
  </section>`;
}
