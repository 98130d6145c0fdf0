import { html, type TemplateResult } from 'lit-html';
import type { GenerationStep } from '../../../src/core/generation.ts';
import type { Draw } from '../../../src/core/sampling.ts';
import { RULE_NAMES } from '../../../src/core/generationRules.ts';
import type { FilterStep } from '../../../src/core/generationRules.ts';
import { at } from '../../../src/core/tensor.ts';
import { shortened, visibleText } from '../../../src/core/visibleText.ts';
import { button } from '../../parts/controls.ts';
import type { PanelContext, View } from '../../context.ts';
import { changeDetector, el } from '../../parts/dom.ts';
import { FILTER_NAMES } from '../../figures/rankCurve.ts';
import { drawnNumbers, type DrawnCandidate } from '../../figures/tableNumbers.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { decimal, integer, percent, removedText } from '../../parts/format.ts';
import { besideTemplate, chipTemplate, drawInto, factsTemplate } from '../../parts/templates.ts';
import { explained } from '../../parts/terms.ts';
import { numbersOf, pathTo, type GeneratedToken, type TokenNumbers } from '../../generation/generationTree.ts';
import type { Generator } from '../../generation/generator.ts';
import { t } from '../../strings.ts';
import { createStepAttention } from './stepAttentionView.ts';
import { candidatesTemplate, candidatesOf } from './stepCandidates.ts';

/** The step that produced the selected token: the model's distribution, the effect of temperature and filters, and the sampling. */
export function createStepDetail(context: PanelContext, generator: Generator): View {
  const title = el('h2');
  const again = button(t('Draw Again'), 'secondary', () => void generator.drawAgain(context.store.state().generation.tree.selected));
  again.title = t('Draws this token with the settings as they are now; another one begins a branch.');
  const facts = el('dl', { class: 'facts small' });
  const rows = el('tbody');
  const head = el(
    'tr',
    {},
    el('th', { scope: 'col' }, t('Candidate')),
    el('th', { scope: 'col' }, t('Probability')),
    ...[t('Model'), t('At temperature'), t('Drawn with')].map((name) => el('th', { scope: 'col', class: 'number' }, name)),
  );
  const table = el(
    'table',
    { class: 'candidates step-candidates' },
    el('caption', { class: 'visually-hidden' }, t('Most likely next tokens')),
    el('thead', {}, head),
    rows,
  );
  const saved = withTableMenu(t('Most likely next tokens'), table, {
    file: () => `step-${place}-candidates`,
    numbers: () => drawnNumbers(listed),
  });
  const drawn = el('div', { class: 'step-draw' });
  const attention = createStepAttention(context);
  const empty = el('p', { class: 'caption' }, t('Select a generated token to see the step that made it.'));
  const body = el(
    'div',
    { class: 'step-body' },
    facts,
    drawn,
    el(
      'p',
      { class: 'caption' },
      t('Outline: the model. Line: at the temperature. Bar: what is drawn with. Press a candidate to take it instead and begin a branch.'),
    ),
    saved,
    attention.root,
  );
  const root = el(
    'section',
    { class: 'card step-detail', 'aria-label': t('Step') },
    el('div', { class: 'card-head' }, title, again),
    empty,
    body,
  );
  let place = 0;
  let listed: readonly DrawnCandidate[] = [];
  const changed = changeDetector();

  rows.addEventListener('click', (event) => {
    const pressed = event.target instanceof Element ? event.target.closest<HTMLElement>('button[data-id]') : null;
    if (pressed !== null) generator.take(context.store.state().generation.tree.selected, Number(pressed.dataset['id']));
  });

  return {
    root,
    update: (state) => {
      const {
        shown,
        generation: { tree, running },
      } = state;
      const token = tree.tokens[tree.selected];
      const step = token?.step ?? null;
      const numbers = token === undefined ? null : numbersOf(token);
      again.disabled = running;
      attention.update(state);
      if (shown === null || !changed(shown, token, tree.selected)) return;
      const known = token !== undefined && step !== null && numbers !== null;
      body.hidden = !known;
      again.hidden = !known;
      empty.hidden = token !== undefined;
      if (!known) return drawInto(title, t('Step'));
      place = pathTo(tree, tree.selected).length;
      listed = candidatesOf(token.id, step);
      drawInto(
        title,
        html`${t('Step {0}', integer(place))}
        ${chipTemplate(shortened(visibleText(numbers.text), 24))}${besideTemplate(t('position {0}', step.position))}`,
      );
      drawInto(facts, factsTemplate(factsOf(token, step, numbers, shown.explanation.model.vocab)));
      drawInto(drawn, drawLine(token, step));
      drawInto(rows, candidatesTemplate(listed, token, step));
    },
  };
}

function factsOf(
  token: GeneratedToken,
  step: GenerationStep,
  numbers: TokenNumbers,
  vocab: number,
): readonly (readonly [string, string])[] {
  const { temperature } = token.settings.sampling;
  const entropies = [step.entropy, step.entropyTempered, step.entropyFinal];
  return [
    [t('Rank'), t('{0} of {1}', integer(numbers.rank), integer(vocab))],
    ...step.filters.filter(isRule).map(filterLine),
    [t('Temperature'), temperature === 0 ? t('0 (greedy)') : String(temperature)],
    ...step.filters.filter((filter) => !isRule(filter)).map(filterLine),
    [t('Tokens kept'), t('{0} of {1}', integer(step.keptCount), integer(vocab))],
    [t('Entropy'), t('{0} → {1} → {2} bits', ...entropies.map((each) => decimal(each, 2)))],
  ];
}

/** Whether a filter is one of the model's own rules, which are applied before the temperature. */
function isRule({ filter }: FilterStep): boolean {
  return RULE_NAMES.some((name) => name === filter);
}

function filterLine({ filter, dropped, removed, kept, changed }: FilterStep): readonly [string, string] {
  if (changed !== undefined)
    return [
      t('{0} changes', FILTER_NAMES[filter]),
      changed.tokens + dropped === 1
        ? t('1 token, {0} of the mass moves: {1} left', percent(changed.moved), integer(kept))
        : t('{0} tokens, {1} of the mass moves: {2} left', integer(changed.tokens + dropped), percent(changed.moved), integer(kept)),
    ];
  return [t('{0} removes', FILTER_NAMES[filter]), removedText({ dropped, removed, kept })];
}

/** The sampled token, the greedy choice, and where the uniform random number fell on the cumulative distribution. */
function drawLine(token: GeneratedToken, step: GenerationStep): readonly TemplateResult[] {
  const best = step.greedy ?? { id: at(step.topIds, 0), text: undefined, prob: at(step.topProbs, 0) };
  const name = (id: number, text = step.pieces[id]): TemplateResult =>
    chipTemplate(shortened(visibleText(text ?? (id === step.id ? step.text : t('id {0}', id))), 24));
  const line = (label: string, named: TemplateResult, text: string): TemplateResult =>
    html`<p class="draw-words"><span class="draw-label">${explained(label)}</span>${named}${text}</p>`;
  const greedy = line(t('Greedy'), name(best.id, best.text), percent(best.prob));
  const taken = token.taken ? [line(t('Taken by you'), name(token.id), t('in place of the one drawn'))] : [];
  if (step.draw === null) return [greedy, ...taken];
  const { uniform, from, to } = step.draw;
  const fell = line(t('Drawn'), name(step.id), t('u = {0} falls in {1} … {2}', decimal(uniform, 4), decimal(from, 4), decimal(to, 4)));
  return [greedy, fell, ...taken, cumulative(step, step.draw)];
}

/** The tokens' final probabilities side by side, in descending order, with the random number. */
function cumulative(step: GenerationStep, { uniform, from, to }: Draw): TemplateResult {
  const shares = [...step.topFinal].filter((share) => share > 0);
  const part = (share: number, place: number): TemplateResult => {
    const id = at(step.topIds, place);
    const text = share > 0.08 ? shortened(visibleText(step.pieces[id] ?? ''), 8) : '';
    return html`<span class="share ${id === step.id ? 'drawn' : ''}" style="width: ${100 * share}%" .textContent=${text}></span>`;
  };
  const named = shares.reduce((sum, share) => sum + share, 0);
  const label = t(
    'Shares of 0 to 1 by falling probability; the number drawn, {0}, falls in the share from {1} to {2}.',
    decimal(uniform, 4),
    decimal(from, 4),
    decimal(to, 4),
  );
  return html`<div class="cumulative" role="img" aria-label=${label}>
    <div class="shares">
      ${shares.map(part)}<span class="share rest" style="width: ${100 * Math.max(0, 1 - named)}%">${named < 0.9 ? t('others') : ''}</span>
    </div>
    <span class="draw-interval" style="left: ${100 * from}%; width: ${100 * (to - from)}%"></span>
    <span class="draw-needle" style="left: ${100 * uniform}%"></span>
  </div>`;
}
