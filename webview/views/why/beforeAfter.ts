import { html, nothing, type TemplateResult } from 'lit-html';
import type { ChangedCandidate, WhatIf } from '../../../src/core/whatIf.ts';
import { shortened, visibleText } from '../../../src/core/visibleText.ts';
import type { PanelContext, View } from '../../context.ts';
import { savedOf } from '../../figures/savedNumbers.ts';
import { changedNumbers, outcomeNumbers } from '../../figures/tableNumbers.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { bits, integer, percent, signedDecimal, significant } from '../../parts/format.ts';
import { LOGIT_DIGITS } from '../../parts/signedStrip.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import {
  barTemplate,
  besideTemplate,
  chipTemplate,
  drawInto,
  headingTemplate,
  numberTemplate,
  type Content,
  sentenceTemplate,
} from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';
import { question } from '../../question.ts';
import { t } from '../../strings.ts';
import { askedWhy, logitOf, type AskedWhy } from './asked.ts';

/** Candidates asked for of each side. */
const CANDIDATES = 5;

/** The prediction by the model as it is beside the same with the interventions. */
export function createBeforeAfter(context: PanelContext): View {
  const numbers = el('table', { class: 'before-after' });
  const distance = el('p', { class: 'caption' });
  const candidates = el('table', { class: 'candidates' });
  const outcome = withTableMenu(t('The prediction before and after'), numbers, {
    file: () => 'what-if',
    numbers: () => savedOf(asked.answer()?.answer, outcomeNumbers),
  });
  const likeliest = withTableMenu(t('The likeliest tokens before and after'), candidates, {
    file: () => 'what-if-candidates',
    numbers: () => savedOf(asked.answer()?.answer.candidates, changedNumbers),
  });
  const found = el('div', { class: 'what-if-found' }, el('div', { class: 'what-if-side' }, outcome, distance), likeliest);
  const changed = changeDetector();
  const asked = question<{ readonly why: AskedWhy; readonly answer: WhatIf }>(context, {
    busy: () => root,
    parts: [found],
    ask: async (state, query) => {
      const why = askedWhy(state);
      if (why === null || state.shown?.explanation.run.recipe.length === 0) return '';
      return { why, answer: await query('whatIf', 'whatIf', { ...logitOf(why), count: CANDIDATES }) };
    },
    draw: (known) => {
      if (!changed(known)) return;
      const { why, answer } = known;
      drawInto(numbers, numbersTemplate(why, answer));
      drawInto(distance, explained(t('Distributions of the next token apart by {0} (KL of before from after).', bits(answer.bits))));
      drawInto(candidates, candidatesTemplate(why, answer.candidates));
    },
  });
  const root: HTMLElement = el('div', { class: 'what-if-result' }, asked.notice, found);
  found.hidden = true;
  return {
    root,
    update: (state) => {
      const { shown } = state;
      const why = askedWhy(state);
      if (shown !== null && why !== null) asked.update(state, shown, why.position, why.token, why.rival);
    },
  };
}

/** Target, probabilities and rank, before, after, and what is between them. */
function numbersTemplate({ tokenText, rivalText }: AskedWhy, { before, after }: WhatIf): TemplateResult {
  const row = (name: Content, from: string, to: string, change: string): TemplateResult =>
    html`<tr>
      <th scope="row">${name}</th>
      ${numberTemplate(from)} ${numberTemplate(to, true)} ${numberTemplate(change)}
    </tr>`;
  const signed = (value: number): string => signedDecimal(value, LOGIT_DIGITS);
  const probability = (text: string, from: number, to: number): TemplateResult =>
    row(
      sentenceTemplate(t('Probability of {0}'), chipTemplate(text)),
      percent(Math.exp(from)),
      percent(Math.exp(to)),
      `× ${significant(Math.exp(to - from))}`,
    );
  const target =
    rivalText === null
      ? sentenceTemplate(t('Logit of {0}'), chipTemplate(tokenText))
      : sentenceTemplate(t('Logit difference, {0} to {1}'), chipTemplate(tokenText), chipTemplate(rivalText));
  return html`<caption class="visually-hidden">
      ${t('The prediction before and after')}
    </caption>
    <thead>
      <tr>
        ${['', t('Before'), t('Afterwards'), t('Change')].map((text) => headingTemplate(text, text !== ''))}
      </tr>
    </thead>
    <tbody>
      ${row(target, signed(before.target), signed(after.target), signed(after.target - before.target))}
      ${probability(tokenText, before.logprob, after.logprob)}
      ${
        rivalText === null || before.rivalLogprob === null || after.rivalLogprob === null
          ? nothing
          : probability(rivalText, before.rivalLogprob, after.rivalLogprob)
      }
      ${row(sentenceTemplate(t('Rank of {0}'), chipTemplate(tokenText)), integer(before.rank), integer(after.rank), '')}
    </tbody>`;
}

/** The likeliest tokens of both sides: an outline is the probability before, a bar the one after. */
function candidatesTemplate({ token }: AskedWhy, candidates: readonly ChangedCandidate[]): TemplateResult {
  const most = Math.max(...candidates.flatMap(({ before, after }) => [before, after]), Number.MIN_VALUE);
  return html`<caption class="visually-hidden">
      ${t('The likeliest tokens before and after')}
    </caption>
    <thead>
      <tr>
        ${headingTemplate(t('Likeliest tokens: outline before, bar after'), false, 2)} ${headingTemplate(t('Before'), true)}
        ${headingTemplate(t('Afterwards'), true)}
      </tr>
    </thead>
    <tbody>
      ${candidates.map(
        ({ id, text, before, after }) =>
          html`<tr>
            <th scope="row">${chipTemplate(shortened(visibleText(text), 24))}${besideTemplate(id === token && t('asked'))}</th>
            <td class="bar-cell">${barTemplate({ before: before / most, after: after / most })}</td>
            ${numberTemplate(percent(before))} ${numberTemplate(percent(after), true)}
          </tr>`,
      )}
    </tbody>`;
}
