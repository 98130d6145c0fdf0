import { html, svg, type TemplateResult } from 'lit-html';
import type { MlpPart } from '../../../src/core/architecture.ts';
import { at } from '../../../src/core/tensor.ts';
import { significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { ModelData } from './modelData.ts';

/** Most experts drawn one by one. */
const MOST_EXPERTS = 512;

/** The shape of an MLP in its real proportions, or the experts with those that the token is sent to. */
export function mlpShapeTemplate({ explanation, layerAnswer, settings }: ModelData, { hidden, experts }: MlpPart): TemplateResult {
  if (experts === null) return hourglassTemplate(explanation.model.dim, hidden);
  const { selected } = settings;
  const routing = layerAnswer?.routing ?? null;
  if (experts.count > MOST_EXPERTS) return html``;
  const chosen = new Map(
    Array.from({ length: routing?.chosen ?? 0 }, (_, place) => {
      const index = selected * (routing?.chosen ?? 0) + place;
      return [at(routing?.ids ?? [], index), at(routing?.weights ?? [], index)] as const;
    }),
  );
  return html`<span class="experts-shape">
    <span class="expert-cells" aria-hidden="true">
      ${Array.from({ length: experts.count }, (_, id) => html`<span ?data-chosen=${chosen.has(id)}></span>`)}
    </span>
    <span class="expert-names">
      ${[...chosen].map(([id, weight]) => html`<span>${t('expert {0}: {1}', id, significant(weight, 2))}</span>`)}
    </span>
  </span>`;
}

/** Three lines as long as the vector, the neurons and the vector again. */
function hourglassTemplate(dim: number, hidden: number): TemplateResult {
  const half = (size: number): number => (26 * size) / Math.max(dim, hidden);
  const [outer, inner] = [half(dim), half(hidden)];
  const line = (x: number, size: number) => svg`<rect x=${x - 3} y=${28 - size} width="6" height=${2 * size} rx="2" />`;
  return html`<svg class="hourglass" viewBox="0 0 140 56" aria-hidden="true">
    ${svg`<path d="M10 ${28 - outer} L 70 ${28 - inner} L 130 ${28 - outer} V ${28 + outer} L 70 ${28 + inner} L 10 ${28 + outer} Z" />`}
    ${line(10, outer)} ${line(70, inner)} ${line(130, outer)}
  </svg>`;
}
