import { html } from 'lit-html';
import { surprisalBits } from '../../../src/core/probability.ts';
import type { ServedCandidate } from '../../../src/core/servedGeneration.ts';
import { visibleText } from '../../../src/core/visibleText.ts';
import { NOTHING_WRITTEN, type ServedWriting } from '../../generation/servedWriting.ts';
import { el, stepKey } from '../../parts/dom.ts';
import { bits, percent } from '../../parts/format.ts';
import { plainKey } from '../../parts/keys.ts';
import { drawInto, type Content } from '../../parts/templates.ts';
import { t } from '../../strings.ts';
import { servedStep } from './servedStep.ts';

/** What is done with the steps of a writing. */
interface StepActions {
  readonly select: (index: number) => void;
  readonly take: (index: number, candidate: ServedCandidate) => void;
}

/** The tokens that were written, and the step of the selected one. */
export function createSteps({ select, take }: StepActions) {
  const list = el('div', {
    class: 'strip generated',
    role: 'listbox',
    'aria-label': t('Generated tokens'),
    'aria-orientation': 'horizontal',
  });
  const detail = el('div', { class: 'served-detail' });
  let shown: { readonly writing: ServedWriting; readonly selected: number } = { writing: NOTHING_WRITTEN, selected: 0 };
  list.addEventListener('click', (event) => {
    const pressed = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-index]') : null;
    if (pressed !== null) select(Number(pressed.dataset['index']));
  });
  list.addEventListener('keydown', (event) => {
    const next = stepKey(plainKey(event), shown.selected, shown.writing.steps.length);
    if (next === undefined) return;
    event.preventDefault();
    select(next);
    list.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus();
  });
  detail.addEventListener('click', (event) => {
    const pressed = event.target instanceof Element ? event.target.closest<HTMLElement>('button[data-place]') : null;
    const place = Number(pressed?.dataset['place']);
    const { drawn, token } = shown.writing.steps[shown.selected] ?? {};
    const candidate = drawn?.top[place] ?? drawn;
    if (pressed === null || candidate === undefined || candidate.text === token?.text) return;
    take(shown.selected, candidate);
    detail.querySelector<HTMLElement>(`[data-place="${place}"]`)?.focus();
  });
  return {
    root: el('section', { class: 'card', 'aria-label': t('Generated tokens') }, list, detail),
    /** `engine`: its protocol. */
    draw: (writing: ServedWriting, selected: number, engine: string): void => {
      shown = { writing, selected };
      drawInto(list, chipsOf(writing, selected));
      drawInto(detail, servedStep(writing, selected, engine));
    },
  };
}

function chipsOf({ steps, text }: ServedWriting, selected: number): Content {
  if (steps.length === 0) return html`<p>${text}</p>`;
  return steps.map(({ drawn, token }, index) => {
    const isTaken = token.text !== drawn.text;
    const numbers = `${percent(token.prob)}, ${bits(surprisalBits(Math.log(token.prob)))}`;
    return html`<span
      class="token-text chip token ${isTaken ? 'taken' : ''}"
      role="option"
      aria-selected=${index === selected}
      tabindex=${index === selected ? 0 : -1}
      data-index=${index}
      title=${isTaken ? `${numbers}, ${t('taken')}` : numbers}
      .textContent=${visibleText(token.text)}
    ></span>`;
  });
}
