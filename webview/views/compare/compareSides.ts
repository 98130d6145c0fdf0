import { html, type TemplateResult } from 'lit-html';
import type { Explanation } from '../../../src/core/trace.ts';
import { textTotals, type TextTotals } from '../../../src/core/comparison.ts';
import { shortened } from '../../../src/core/visibleText.ts';
import { button } from '../../parts/controls.ts';
import type { PanelContext } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { rowText, summariseComparison } from '../../figures/comparisonRows.ts';
import { bits, decimal, integer, significant } from '../../parts/format.ts';
import { countsTemplate, drawInto } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import type { Compared, ComparePart } from './compared.ts';

/** The two sides with their totals, and a sentence on how they relate. */
export function createCompareSides(context: PanelContext): ComparePart {
  const { host } = context;
  const sides = [el('div', { class: 'side first' }), el('div', { class: 'side second' })] as const;
  const sentence = el('p', { class: 'status-text' });
  const notices = el('ul', { class: 'notices' });
  const kl = el('dl', { class: 'facts' });
  const root = el(
    'section',
    { class: 'card', 'aria-label': t('The two sides') },
    el('div', { class: 'two-columns' }, ...sides),
    sentence,
    notices,
    kl,
    el(
      'div',
      { class: 'buttons wrap needs-model' },
      button(t('Compare With…'), 'secondary', () => host.post({ type: 'command', name: 'compareWith' })),
      button(t('Another Model…'), 'secondary', () => host.post({ type: 'command', name: 'compareModel' })),
      button(t('End Comparison'), 'link', () => host.post({ type: 'closeComparison' })),
    ),
  );
  const changed = changeDetector();
  return {
    root,
    update: ({ shown }, compared) => {
      if (shown === null || !changed(compared)) return;
      const { first, comparison } = compared;
      const second = comparison.explanation;
      const [a, b] = [textTotals(first), textTotals(second)];
      const texts = comparison.kind === 'text';
      drawInto(
        sides[0],
        sideTemplate(
          t('First'),
          texts ? shown.source.label : first.model.name,
          texts ? first.text : first.model.family,
          a,
          ownTokens(first),
        ),
      );
      drawInto(
        sides[1],
        sideTemplate(
          t('Second'),
          texts ? comparison.source.label : second.model.name,
          texts ? second.text : second.model.family,
          b,
          ownTokens(second),
        ),
      );
      sentence.textContent = relation(compared, a, b);
      drawInto(
        notices,
        comparison.notices.map((notice) => html`<li>${notice}</li>`),
      );
      notices.hidden = comparison.notices.length === 0;
      drawInto(kl, countsTemplate(divergenceFacts(compared)));
      kl.hidden = comparison.divergence === null;
    },
  };
}

/** Number of tokens of the text itself, as in the status bar. */
function ownTokens({ tokens }: Explanation): number {
  return tokens.filter(({ special }) => !special).length;
}

function sideTemplate(
  name: string,
  label: string,
  about: string,
  { bitsPerToken, bitsPerByte }: TextTotals,
  tokens: number,
): TemplateResult {
  const facts: readonly (readonly [string, string])[] = [
    [integer(tokens), tokens === 1 ? t('token') : t('tokens')],
    ...(Number.isNaN(bitsPerToken) ? [] : [[decimal(bitsPerToken, 3), t('bits/token')] as const]),
    ...(Number.isNaN(bitsPerByte) ? [] : [[decimal(bitsPerByte, 3), t('bits/byte')] as const]),
  ];
  return html`<h2><span class="side-mark" aria-hidden="true"></span>${t('{0}: {1}', name, label)}</h2>
    <p class="caption side-text">${shortened(about.replaceAll(/\s+/g, ' '), 120)}</p>
    <dl class="facts">${countsTemplate(facts)}</dl>`;
}

/** How far the sides agree, in one or two sentences. */
function relation({ first, comparison, rows }: Compared, a: TextTotals, b: TextTotals): string {
  const { shared, rows: all, identical } = summariseComparison(rows);
  const apart = b.bitsPerByte - a.bitsPerByte;
  const size = significant(Math.abs(apart), 3);
  const perByte =
    apart > 0
      ? t('Per byte the second takes {0} bits more than the first.', size)
      : t('Per byte the second takes {0} bits less than the first.', size);
  const bytes = Number.isNaN(apart) || apart === 0 ? '' : ` ${perByte}`;
  if (comparison.kind === 'model') {
    if (identical) return t('Both models give the same numbers for every token.');
    if ((first.model.served ?? comparison.explanation.model.served) !== undefined)
      return (
        t(
          'Tokens are set side by side by the characters they cover, and their surprisal is added up. There is no divergence: an engine ' +
            'returns some alternatives of each distribution, not the whole.',
        ) + bytes
      );
    return (
      (comparison.sameVocabulary
        ? t('Both models cut the text into the same vocabulary’s tokens.')
        : t(
            'The models cut the text differently: tokens are set side by side by the characters they cover, and their ' +
              'surprisal is added up. There is no divergence, because the distributions are over different vocabularies.',
          )) + bytes
    );
  }
  if (identical) return t('Both texts are the same: every difference is 0.');
  if (shared === 0) return t('The two texts share no token in the same order: there is nothing to set side by side.') + bytes;
  return t('{0} of {1} rows are tokens that both texts have, in the same order.', integer(shared), integer(all)) + bytes;
}

function divergenceFacts({
  comparison: { divergence },
  rows,
}: Compared): readonly (readonly [value: string, name: string, meaning: string])[] {
  if (divergence === null) return [];
  const { meanKl, largest } = summariseComparison(rows);
  const meaning = t('Kullback-Leibler divergence of the second distribution from the first, in bits, over the whole vocabulary');
  return [
    ...(Number.isNaN(meanKl) ? [] : [[bits(meanKl), t('mean KL of what predicted the shared tokens'), meaning] as const]),
    ...(largest === undefined || largest.kl === 0
      ? []
      : [[bits(largest.kl), t('the largest, before {0}', shortened(rowText(largest), 16)), meaning] as const]),
    [bits(divergence.final), t('KL of what comes after the ends'), meaning],
  ];
}
