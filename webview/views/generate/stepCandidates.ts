import { html, nothing, type TemplateResult } from 'lit-html';
import type { GenerationStep } from '../../../src/core/generation.ts';
import { at } from '../../../src/core/tensor.ts';
import { shortened, visibleText } from '../../../src/core/visibleText.ts';
import type { DrawnCandidate } from '../../figures/tableNumbers.ts';
import { percentInColumn } from '../../parts/format.ts';
import { barTemplate, numberTemplate } from '../../parts/templates.ts';
import type { GeneratedToken } from '../../generation/generationTree.ts';
import { t } from '../../strings.ts';

const ROWS = 12;

/** The likeliest candidates of a step, and the token `taken` if it is known. */
export function candidatesOf(taken: number, step: GenerationStep): readonly DrawnCandidate[] {
  const places = Array.from({ length: Math.min(ROWS, step.topIds.length) }, (_, place) => place);
  const own = step.topIds.indexOf(taken);
  if (own >= ROWS) places.push(own);
  const known = places.map((place) => ({
    id: at(step.topIds, place),
    text: step.pieces[at(step.topIds, place)] ?? '',
    prob: at(step.topProbs, place),
    tempered: at(step.topTempered, place),
    final: at(step.topFinal, place),
  }));
  // A token sampled from far down the ranking is not among the named candidates.
  return own < 0 && step.id === taken ? [...known, step] : known;
}

/** The candidates as rows of a table; each but the one that was taken can be taken in its place. */
export function candidatesTemplate(
  candidates: readonly DrawnCandidate[],
  token: GeneratedToken,
  step: GenerationStep,
): readonly TemplateResult[] {
  const largest = Math.max(...step.topProbs, ...step.topTempered, ...step.topFinal, 1e-12);
  return candidates.map(({ id, text, prob, tempered, final }) => {
    const here = id === token.id;
    const seen = shortened(visibleText(text), 16);
    const otherwise = t('Take {0} instead', seen);
    return html`<tr class="${final === 0 ? 'dropped' : ''} ${here ? 'actual' : ''}">
      <th scope="row">
        <span class="candidate">
          <button
            type="button"
            class="token-text chip candidate-button"
            data-id=${id}
            aria-pressed=${here}
            aria-label=${here ? seen : otherwise}
            title=${here ? t('This branch took it.') : otherwise}
            .textContent=${seen}
          ></button>
          ${badgeOf(here, id === step.id, token, step)}
        </span>
      </th>
      <td class="bar-cell">${barTemplate({ before: prob / largest, after: final / largest, tempered: tempered / largest })}</td>
      ${numberTemplate(percentInColumn(prob))} ${numberTemplate(percentInColumn(tempered))}
      ${numberTemplate(final === 0 ? t('removed') : percentInColumn(final), true)}
    </tr>`;
  });
}

/** How the token came about; nothing for the others, but the one that was drawn before another was taken. */
function badgeOf(isTaken: boolean, isDrawn: boolean, { taken }: GeneratedToken, { draw }: GenerationStep): TemplateResult | typeof nothing {
  if (!isTaken && !isDrawn) return nothing;
  const text = !isTaken ? t('drawn') : taken ? t('taken') : draw === null ? t('greedy') : t('drawn');
  return html`<span class="badge">${text}</span>`;
}
