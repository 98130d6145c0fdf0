import { html, type TemplateResult } from 'lit-html';
import { stageOf, type ForwardPath } from '../../../src/core/forwardPath.ts';
import { at } from '../../../src/core/tensor.ts';
import type { Explanation } from '../../../src/core/trace.ts';
import { integer, percent } from '../../parts/format.ts';
import { chipTemplate, factsTemplate } from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';
import { t } from '../../strings.ts';
import { pieceText } from './stageTexts.ts';

/** Number of candidates with a segment of their own. */
const SHOWN = 12;

/**
 * Sampling step: the distribution as a line of length 1 on which sampling picks a point, the greedy choice, and the token that follows in
 * the text.
 */
export function drawStep(path: ForwardPath, explanation: Explanation, labels: readonly string[]): TemplateResult {
  const { ids = new Int32Array(0), values } = stageOf(path.stages, 'probabilities');
  const order = Array.from(values, (_, index) => index).sort((a, b) => at(values, b) - at(values, a));
  const next = explanation.tokens[path.token + 1];
  const pieces = order.slice(0, SHOWN).map((index) => ({ id: at(ids, index), share: at(values, index) }));
  const rest = Math.max(0, 1 - pieces.reduce((sum, { share }) => sum + share, 0));
  const segment = (share: number, text: string, kind: string): TemplateResult =>
    html`<span class="draw-piece ${kind}" title="${text} ${percent(share)}" style="--share: ${share.toFixed(6)}"
      ><span class="draw-label token-text">${share >= (kind === 'rest' ? 0.2 : 0.06) ? text : ''}</span></span
    >`;
  const best = pieces[0];
  const fact = (text: string, value: string): TemplateResult => html`${chipTemplate(text)} ${value}`;
  const actual =
    next === undefined
      ? []
      : [
          [
            t('The text goes on with'),
            fact(
              labels[path.token + 1] ?? '',
              t('{0}, rank {1}', percent(probabilityOf(path, next.id)), integer(at(explanation.rank, next.index))),
            ),
          ] as const,
        ];
  const greedy = best === undefined ? [] : [[t('Greedy choice'), fact(pieceText(path, best.id), percent(best.share))] as const];
  const after =
    next === undefined
      ? t('Nothing follows this token in the text: here the model would write on.')
      : t('The chosen token is put behind the text, and the way begins again for it.');
  return html`<div
      class="draw-line"
      role="img"
      aria-label=${t('The probabilities one beside the other: a draw picks a point of this line')}
    >
      ${pieces.map(({ id, share }) => segment(share, pieceText(path, id), id === next?.id ? 'actual' : ''))}
      ${segment(rest, t('all others'), 'rest')}
    </div>
    <p class="caption">${explained(t('Each piece is as wide as its token is likely: a draw picks a point of the line.'))}</p>
    <dl class="draw-facts">${factsTemplate([...greedy, ...actual])}</dl>
    <p class="caption">${after} ${explained(t('Temperature and filters are in Predictions.'))}</p>`;
}

function probabilityOf(path: ForwardPath, id: number): number {
  const { ids = new Int32Array(0), values } = stageOf(path.stages, 'probabilities');
  const index = ids.indexOf(id);
  return index < 0 ? Number.NaN : at(values, index);
}
