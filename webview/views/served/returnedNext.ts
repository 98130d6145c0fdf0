import { html, nothing, type TemplateResult } from 'lit-html';
import { isAtMost } from '../../../src/core/atMost.ts';
import { NOT_RETURNED, returnedShare } from '../../../src/core/servedBy.ts';
import { at } from '../../../src/core/tensor.ts';
import type { Explanation } from '../../../src/core/trace.ts';
import { visibleText, visibleToken } from '../../../src/core/visibleText.ts';
import type { View } from '../../context.ts';
import { returnedNumbers } from '../../figures/tableNumbers.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { integer, percent, percentInColumn } from '../../parts/format.ts';
import { engineText, entropyText } from '../../parts/servedTexts.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { afterTemplate, chipTemplate, drawInto, factsTemplate, numberTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';

/** A row of the table: an alternative, the token that follows without being one, or all that was not returned. */
export interface ReturnedRow {
  readonly kind: 'alternative' | 'follows' | 'rest';
  /** As it is shown, and as it is; undefined for the rest. */
  readonly text: string | undefined;
  readonly piece: string | undefined;
  readonly prob: number;
  /** Whether `prob` is what it is at most. */
  readonly atMost: boolean;
  readonly actual: boolean;
}

/** What an engine returned of the distribution after a position: the alternatives, the token that follows, and how much is left. */
export function returnedRows(explanation: Explanation, position: number): readonly ReturnedRow[] {
  const { tokens, logprob, topK, topIds, topProbs, pieces } = explanation;
  const from = position * topK;
  const following = tokens[position + 1];
  const rows: ReturnedRow[] = [];
  for (let place = from; place < from + topK; place++) {
    const id = at(topIds, place);
    if (id === NOT_RETURNED) break;
    const actual = id === following?.id;
    rows.push({
      kind: 'alternative',
      text: actual ? visibleToken(following) : visibleText(pieces[id] ?? ''),
      piece: actual ? following.text : pieces[id],
      prob: at(topProbs, place),
      atMost: false,
      actual,
    });
  }
  const own = following === undefined ? Number.NaN : Math.exp(at(logprob, position + 1));
  if (following !== undefined && !Number.isNaN(own) && !rows.some(({ actual }) => actual))
    rows.push({
      kind: 'follows',
      text: visibleToken(following),
      piece: following.text,
      prob: own,
      atMost: isAtMost(explanation, position + 1),
      actual: true,
    });
  // A token of which is known only what it is at most is of the rest.
  const rest = 1 - rows.reduce((sum, { prob, atMost }) => sum + (atMost ? 0 : prob), 0);
  return [...rows, { kind: 'rest', text: undefined, piece: undefined, prob: Math.max(0, rest), atMost: false, actual: false }];
}

/** The next token after the selected one, as far as an engine returned it: nothing is made up for the rest. */
export function createReturnedNext(): View {
  const title = el('h2');
  const rows = el('tbody');
  const table = el(
    'table',
    { class: 'candidates' },
    el('caption', { class: 'visually-hidden' }, t('Most likely next tokens')),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, t('Candidate')), el('th', { scope: 'col', colspan: 2 }, t('Probability')))),
    rows,
  );
  let all: readonly ReturnedRow[] = [];
  let position = 0;
  const saved = withTableMenu(t('Most likely next tokens'), table, {
    file: () => `position-${position}-next-token`,
    // What a token is at most is no number of its own.
    numbers: () => returnedNumbers(all.filter(({ atMost }) => !atMost).map(({ piece, prob }) => ({ text: piece, prob }))),
  });
  const facts = el('dl', { class: 'effect' });
  const note = el('p', { class: 'caption' });
  const root = el(
    'section',
    { class: 'card next-token', 'aria-label': t('Next token') },
    el('div', { class: 'card-head' }, title),
    el('div', { class: 'next-columns' }, el('div', { class: 'candidates-side' }, saved), el('div', { class: 'sampling' }, facts, note)),
  );
  const changed = changeDetector();
  return {
    root,
    update: ({ shown, settings: { selected } }) => {
      if (shown === null || !changed(shown, selected)) return;
      const { explanation } = shown;
      const { topIds, topProbs, topK, model, tokens } = explanation;
      const token = tokens[selected];
      drawInto(title, afterTemplate(token, selected));
      all = returnedRows(explanation, selected);
      position = selected;
      drawInto(rows, all.map(rowTemplate));
      const { count, mass } = returnedShare(topIds, topProbs, selected * topK, topK);
      const entropy = entropyText(explanation, selected + 1);
      drawInto(
        facts,
        factsTemplate([
          [t('Alternatives returned'), t('{0}, {1} of the mass', integer(count), percent(mass))],
          [t('Not returned'), percent(all.at(-1)?.prob ?? 1)],
          [t('Entropy'), entropy === null ? t('not known') : t('{0} bits', entropy)],
        ]),
      );
      note.textContent = t(
        '{0} returns the likeliest tokens alone. Temperature, filters and the logit lens need the whole vocabulary or the model’s \
inside: a model on this machine shows them.',
        engineText(model) ?? '',
      );
    },
  };
}

function rowTemplate({ kind, text, prob, atMost, actual }: ReturnedRow): TemplateResult {
  return html`<tr class=${kind === 'rest' ? 'not-returned' : actual ? 'actual' : ''}>
    <th scope="row">
      <span class="candidate">
        ${text === undefined ? html`<em>${t('not returned')}</em>` : chipTemplate(text)}
        ${actual ? html`<span class="badge">${t('follows')}</span>` : nothing}
      </span>
    </th>
    <td class="bar-cell">
      <span class="bar" aria-hidden="true" style="--after: ${atMost ? 0 : prob.toFixed(4)}"><span class="bar-after"></span></span>
    </td>
    ${numberTemplate(atMost ? `≤ ${percentInColumn(prob)}` : percentInColumn(prob), true)}
  </tr>`;
}
