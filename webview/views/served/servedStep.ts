import { html, nothing, type TemplateResult } from 'lit-html';
import { entropyBits } from '../../../src/core/probability.ts';
import { drawnWith } from '../../../src/core/servedDraw.ts';
import type { ServedCandidate } from '../../../src/core/servedGeneration.ts';
import { shortened, visibleText } from '../../../src/core/visibleText.ts';
import { canTake, type ServedStep, type ServedWriting } from '../../generation/servedWriting.ts';
import { returnedNumbers } from '../../figures/tableNumbers.ts';
import { el } from '../../parts/dom.ts';
import { decimal, integer, percent, percentInColumn } from '../../parts/format.ts';
import { withTableMenu } from '../../parts/tableMenu.ts';
import { barTemplate, chipTemplate, drawInto, factsTemplate, headingTemplate, numberTemplate } from '../../parts/templates.ts';
import { t } from '../../strings.ts';

/** Engines that draw by temperature, top-k, top-p and min-p as they are asked to; others may leave one out. */
const DRAWS_AS_ASKED: ReadonlySet<string> = new Set(['vllm', 'sglang', 'llama.cpp', 'ollama']);

/** Shares that add up to 1 may leave so much by rounding. */
const LEAST_SHARE = 1e-6;

/** The step that made a generated token, as far as an engine returned it. `engine`: its protocol. */
export function servedStep(writing: ServedWriting, index: number, engine: string): TemplateResult | typeof nothing {
  const step = writing.steps[index];
  if (step === undefined) return nothing;
  const { drawn, token, sampling } = step;
  const probs = drawn.top.map(({ prob }) => prob);
  const finals = finalsOf(step, engine);
  const mass = Math.min(
    1,
    probs.reduce((sum, prob) => sum + prob, 0),
  );
  const place = drawn.top.findIndex((each) => isSame(each, token));
  const table = el('table', { class: 'candidates step-candidates' });
  drawInto(table, tableTemplate(writing, index, step, finals));
  const facts: readonly (readonly [string, string])[] = [
    [t('Rank'), place >= 0 ? integer(place + 1) : drawn.top.length > 0 ? `> ${integer(drawn.top.length)}` : t('not returned')],
    [t('Alternatives returned'), t('{0}, {1} of the mass', integer(probs.length), percent(mass))],
    [t('Temperature'), sampling.temperature === 0 ? t('0 (greedy)') : String(sampling.temperature)],
    ...(finals === null ? [] : [[t('Entropy'), t('{0} bits as drawn', decimal(entropyBits(finals), 2))] as const]),
  ];
  return html`<h2>${t('Step {0}', integer(index + 1))} ${chipTemplate(shortened(visibleText(token.text), 24))}</h2>
    <dl class="facts small">${factsTemplate(facts)}</dl>
    <p class="caption">
      ${
        finals === null
          ? t('Outline: the model. What was drawn with depends on more than was returned. Press a candidate to take it instead.')
          : t('Outline: the model. Bar: what is drawn with. Press a candidate to take it instead.')
      }
    </p>
    ${withTableMenu(t('Most likely next tokens'), table, {
      file: () => `step-${index + 1}-candidates`,
      numbers: () => returnedNumbers([...rowsOf(step), { text: undefined, prob: restOf(step) }]),
    })}`;
}

/** What the alternatives were drawn with; null where that is not known, or the token drawn shows that it was something else. */
function finalsOf({ drawn, sampling }: ServedStep, engine: string): readonly number[] | null {
  const known = DRAWS_AS_ASKED.has(engine)
    ? drawnWith(
        drawn.top.map(({ prob }) => prob),
        sampling,
      )
    : null;
  if (known === null) return null;
  const place = drawn.top.findIndex((each) => isSame(each, drawn));
  const left = place === -1 ? 1 - known.reduce((sum, share) => sum + share, 0) : (known[place] ?? 0);
  return left > LEAST_SHARE ? known : null;
}

/** The alternatives, and the token drawn where it is not one of them. */
function rowsOf({ drawn }: ServedStep): readonly ServedCandidate[] {
  return drawn.top.some((each) => isSame(each, drawn)) ? drawn.top : [...drawn.top, drawn];
}

/** What was not returned of the probability. */
function restOf(step: ServedStep): number {
  return Math.max(0, 1 - rowsOf(step).reduce((sum, { prob }) => sum + prob, 0));
}

function tableTemplate(writing: ServedWriting, index: number, step: ServedStep, finals: readonly number[] | null): TemplateResult {
  const { drawn, token } = step;
  const rows = rowsOf(step);
  const largest = Math.max(...rows.map(({ prob }) => prob), ...(finals ?? []), 1e-12);
  const row = (each: ServedCandidate, place: number): TemplateResult => {
    // A token from beyond those returned was drawn with something that is not known.
    const final = finals === null || place >= drawn.top.length ? null : (finals[place] ?? 0);
    const here = isSame(each, token);
    const badge = !isSame(token, drawn) && here ? t('taken') : isSame(each, drawn) ? t('drawn') : null;
    return html`<tr class="${final === 0 ? 'dropped' : ''} ${here ? 'actual' : ''}">
      <th scope="row">
        <span class="candidate">
          ${candidateButton(each, place, here, canTake(writing, index, each))}
          ${badge === null ? nothing : html`<span class="badge">${badge}</span>`}
        </span>
      </th>
      <td class="bar-cell">${barTemplate({ before: each.prob / largest, after: (final ?? 0) / largest })}</td>
      ${numberTemplate(percentInColumn(each.prob), finals === null)}
      ${finals === null ? nothing : numberTemplate(final === null ? '–' : final === 0 ? t('removed') : percentInColumn(final), true)}
    </tr>`;
  };
  return html`<caption class="visually-hidden">
      ${t('Most likely next tokens')}
    </caption>
    <thead>
      <tr>
        ${headingTemplate(t('Candidate'), false)} ${headingTemplate(t('Probability'), false)} ${headingTemplate(t('Model'), true)}
        ${finals === null ? nothing : headingTemplate(t('Drawn with'), true)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(row)}
      <tr class="not-returned">
        <th scope="row"><em>${t('not returned')}</em></th>
        <td class="bar-cell"></td>
        ${numberTemplate(percentInColumn(restOf(step)), finals === null)} ${finals === null ? nothing : numberTemplate('')}
      </tr>
    </tbody>`;
}

function candidateButton({ text }: ServedCandidate, place: number, here: boolean, takes: boolean): TemplateResult {
  const seen = shortened(visibleText(text), 16);
  const label = here
    ? seen
    : takes
      ? t('Take {0} instead', seen)
      : t('{0}: it or the text before it is a part of a character, so that it cannot be taken', seen);
  return html`<button
    type="button"
    class="token-text chip candidate-button"
    data-place=${place}
    aria-pressed=${here}
    aria-disabled=${!here && !takes}
    aria-label=${label}
    title=${here ? '' : label}
    .textContent=${seen}
  ></button>`;
}

function isSame(a: ServedCandidate, b: ServedCandidate): boolean {
  return a.text === b.text && a.prob === b.prob;
}
