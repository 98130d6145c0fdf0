import type { ChangedCandidate, WhatIf } from '../../../src/core/whatIf.ts';
import { shortened, visibleText } from '../../../src/core/visibleText.ts';
import type { PanelContext, View } from '../../context.ts';
import { savedOf } from '../../figures/savedNumbers.ts';
import { changedNumbers, outcomeNumbers } from '../../figures/tableNumbers.ts';
import { chip, numberCell, shareBar } from '../../parts/controls.ts';
import { changeDetector, el, sentence } from '../../parts/dom.ts';
import { bits, integer, percent, signedDecimal, significant } from '../../parts/format.ts';
import { LOGIT_DIGITS } from '../../parts/signedStrip.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
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
      numbers.replaceChildren(...numberRows(why, answer));
      distance.replaceChildren(t('Distributions of the next token apart by {0} (KL of before from after).', bits(answer.bits)));
      candidates.replaceChildren(...candidateRows(why, answer.candidates));
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
function numberRows({ tokenText, rivalText }: AskedWhy, { before, after }: WhatIf): readonly HTMLElement[] {
  const row = (name: readonly (Node | string)[], from: string, to: string, change: string): HTMLElement =>
    el('tr', {}, el('th', { scope: 'row' }, ...name), numberCell(from), numberCell(to, true), numberCell(change));
  const signed = (value: number): string => signedDecimal(value, LOGIT_DIGITS);
  const probability = (text: string, from: number, to: number): HTMLElement =>
    row(
      sentence(t('Probability of {0}'), chip(text)),
      percent(Math.exp(from)),
      percent(Math.exp(to)),
      `× ${significant(Math.exp(to - from))}`,
    );
  const head = ['', t('Before'), t('Afterwards'), t('Change')].map((text) =>
    el('th', { scope: 'col', class: text === '' ? '' : 'number' }, text),
  );
  return [
    el('caption', { class: 'visually-hidden' }, t('The prediction before and after')),
    el('thead', {}, el('tr', {}, ...head)),
    el(
      'tbody',
      {},
      row(
        rivalText === null
          ? sentence(t('Logit of {0}'), chip(tokenText))
          : sentence(t('Logit difference, {0} to {1}'), chip(tokenText), chip(rivalText)),
        signed(before.target),
        signed(after.target),
        signed(after.target - before.target),
      ),
      probability(tokenText, before.logprob, after.logprob),
      ...(rivalText === null || before.rivalLogprob === null || after.rivalLogprob === null
        ? []
        : [probability(rivalText, before.rivalLogprob, after.rivalLogprob)]),
      row(sentence(t('Rank of {0}'), chip(tokenText)), integer(before.rank), integer(after.rank), ''),
    ),
  ];
}

/** The likeliest tokens of both sides: an outline is the probability before, a bar the one after. */
function candidateRows({ token }: AskedWhy, candidates: readonly ChangedCandidate[]): readonly HTMLElement[] {
  const most = Math.max(...candidates.flatMap(({ before, after }) => [before, after]), Number.MIN_VALUE);
  const rows = candidates.map(({ id, text, before, after }) => {
    const bar = shareBar({ before: before / most, after: after / most });
    return el(
      'tr',
      {},
      el(
        'th',
        { scope: 'row' },
        chip(shortened(visibleText(text), 24)),
        ...(id === token ? [el('span', { class: 'beside' }, t('asked'))] : []),
      ),
      el('td', { class: 'bar-cell' }, bar),
      numberCell(percent(before)),
      numberCell(percent(after), true),
    );
  });
  return [
    el('caption', { class: 'visually-hidden' }, t('The likeliest tokens before and after')),
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        el('th', { scope: 'col', colspan: 2 }, t('Likeliest tokens: outline before, bar after')),
        el('th', { scope: 'col', class: 'number' }, t('Before')),
        el('th', { scope: 'col', class: 'number' }, t('Afterwards')),
      ),
    ),
    el('tbody', {}, ...rows),
  ];
}
