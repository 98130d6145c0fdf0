import { html, type TemplateResult } from 'lit-html';
import { at } from '../../../src/core/tensor.ts';
import type { AttentionCell, Explanation } from '../../../src/core/trace.ts';
import { signedBars } from '../../parts/signedBars.ts';
import { decimal, percent, significant } from '../../parts/format.ts';
import { t } from '../../strings.ts';
import type { Tooltip } from '../../parts/tooltip.ts';
import { chipTemplate } from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';
import { visibleToken } from '../../../src/core/visibleText.ts';

type Step = readonly [name: string, formula: string, value: string, words: string];

/** Computation of one attention weight, step by step with the numbers of its cell. */
export function cellSteps(cell: AttentionCell, explanation: Explanation, tooltip: Tooltip): TemplateResult {
  const token = (index: number): string => {
    const found = explanation.tokens[index];
    return found === undefined ? '' : visibleToken(found);
  };
  const products = Float32Array.from(cell.q, (value, index) => value * at(cell.k, index));
  const root = Math.sqrt(cell.q.length);
  const usual = Math.abs(cell.scale * root - 1) < 1e-4;
  const score = cell.score ?? cell.scaled;
  const raised = Math.exp(score - cell.rowMax);
  const { softCap, capped, bias, sink } = cell;
  const steps: readonly Step[] = [
    [t('Score'), 'q · k', significant(cell.dot, 4), t('sum of {0} products of query and key', cell.q.length)],
    [
      t('Scale'),
      usual ? `× 1/√${cell.q.length} = × ${significant(cell.scale, 3)}` : `× ${significant(cell.scale, 4)}`,
      significant(cell.scaled, 4),
      t('keeps scores of long vectors moderate'),
    ],
    ...(softCap === undefined || capped === undefined
      ? []
      : [
          [
            t('Soft cap'),
            `${significant(softCap, 4)} · tanh(${significant(cell.scaled, 4)} / ${significant(softCap, 4)})`,
            significant(capped, 4),
            t('keeps the score within ±{0}', significant(softCap, 4)),
          ] as const,
        ]),
    ...(bias === undefined
      ? []
      : [
          [
            t('Distance'),
            `${bias > 0 ? '+' : '−'} ${significant(Math.abs(bias), 4)}`,
            significant(score, 4),
            t('the further the key, the lower its score (ALiBi)'),
          ] as const,
        ]),
    maskStep(cell),
    [
      t('Exponential'),
      `exp(${decimal(score, 2)} − ${decimal(cell.rowMax, 2)})`,
      cell.masked ? '0' : significant(raised, 3),
      t('less the largest score of the row, so that nothing overflows'),
    ],
    ...(sink === undefined
      ? []
      : [
          [
            t('Sink'),
            `exp(${decimal(sink.score, 2)} − ${decimal(cell.rowMax, 2)})`,
            significant(Math.exp(sink.score - cell.rowMax), 3),
            t('the head’s own score of no token: it takes {0} of the row', percent(sink.weight)),
          ] as const,
        ]),
    [
      t('Share'),
      `÷ ${significant(cell.rowSum, 4)}`,
      percent(cell.weight),
      sink === undefined
        ? t('of the sum over all {0} keys the query sees', cell.rowScores.length)
        : t('of the sum over all {0} keys the query sees and the sink', cell.rowScores.length),
    ],
  ];
  return html`<p class="cell-title">
      ${chipTemplate(token(cell.query))} ${t('attends to')} ${chipTemplate(token(cell.key))}<strong class="cell-weight"
        >${percent(cell.weight)}</strong
      >
    </p>
    <ol class="steps">
      ${steps.map(
        ([name, formula, value, words]) =>
          html`<li class="step">
            <span class="step-name">${name}</span><span class="step-formula">${formula}</span><strong class="step-value">${value}</strong
            ><span class="step-words">${words}</span>
          </li>`,
      )}
    </ol>
    ${productFigure(products, cell, tooltip)}`;
}

/** Step that says whether the query may see the key: not one after the query, nor one before its window or hidden by a recipe. */
function maskStep({ masked, cut, query, key, window }: AttentionCell): Step {
  if (cut === true) return [t('Recipe'), `${query} ⇸ ${key}`, '−∞', t('the recipe hides this key from the query')];
  if (key > query) return [t('Mask'), 'key > query', '−∞', t('the key comes after the query: it must not be seen')];
  if (window === undefined) return [t('Mask'), 'key ≤ query', t('kept'), t('the key does not come after the query')];
  return masked
    ? [t('Window'), `${query} − ${key} ≥ ${window}`, '−∞', t('the key lies before the last {0} tokens: it is not seen', window)]
    : [t('Window'), `${query} − ${key} < ${window}`, t('kept'), t('the key is one of the last {0} tokens', window)];
}

/** The products q_i k_i as bars up (positive) and down (negative). */
function productFigure(products: Float32Array, cell: AttentionCell, tooltip: Tooltip): TemplateResult {
  const strip = signedBars(
    products,
    t('Products of query and key, dimension by dimension; their sum is {0}', significant(cell.dot, 4)),
    tooltip,
    (dimension) => ({
      title: t('Dimension {0}', dimension),
      rows: [
        ['q', significant(at(cell.q, dimension), 5)],
        ['k', significant(at(cell.k, dimension), 5)],
        ['q × k', significant(at(products, dimension), 5)],
      ],
    }),
  );
  return html`<figure class="product-figure">
    ${strip}
    <figcaption class="caption">
      ${explained(t('Each bar is one dimension’s product q × k: up adds to the score, down takes from it.'))}
    </figcaption>
  </figure>`;
}
