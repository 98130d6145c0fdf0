import { html, nothing, render, type TemplateResult } from 'lit-html';
import type { Token } from '../../src/core/trace.ts';
import { shortened, visibleToken } from '../../src/core/visibleText.ts';
import { t } from '../strings.ts';
import type { Term } from './glossary.ts';
import { explained } from './terms.ts';

/** What a place of a template takes here: nothing in it is ever markup. */
export type Content = TemplateResult | Node | string | typeof nothing | readonly Content[];

/** Draws a template into an element that a view has made once. Nothing else may touch what is in it, not even the marking of terms. */
export function drawInto(place: HTMLElement, content: Content): void {
  place.dataset['template'] = '';
  render(content, place);
}

/** A token as the text has it; `title` is said under the pointer. */
export function chipTemplate(text: string, title?: string): TemplateResult {
  return html`<span class="token-text chip" title=${title ?? nothing}>${text}</span>`;
}

/** A note in small letters beside a heading, from which a space parts it where both are read; false: there is none. */
export function besideTemplate(note: string | false): TemplateResult | typeof nothing {
  return note === false ? nothing : html` <span class="beside">${note}</span>`;
}

/** Entries of a description list, each a name and its value. */
export function factsTemplate(entries: readonly (readonly [name: string, value: Content])[]): TemplateResult {
  const known = new Set<Term>();
  return html`${entries.map(
    ([name, value]) =>
      html`<div>
        <dt>${explained(name, known)}</dt>
        <dd>${value}</dd>
      </div>`,
  )}`;
}

/** Entries of a description list with the value first, as counts are read: 53 tokens. `meaning` is said under the pointer. */
export function countsTemplate(entries: readonly (readonly [value: string, name: string, meaning?: string])[]): TemplateResult {
  const known = new Set<Term>();
  return html`${entries.map(
    ([value, name, meaning]) =>
      html`<div title=${meaning ?? nothing}>
        <dd>${value}</dd>
        <dt>${explained(name, known)}</dt>
      </div>`,
  )}`;
}

/** Table cell with a number; `strong` for the number that a row is about. */
export function numberTemplate(text: Content, strong = false): TemplateResult {
  return html`<td class=${strong ? 'number strong' : 'number'}>${text}</td>`;
}

/** Headings of columns. Of those of numbers the text is at the end, as the numbers are. */
export function headingTemplate(text: string, isNumber: boolean, columns = 1): TemplateResult {
  return html`<th scope="col" class=${isNumber ? 'number' : ''} colspan=${columns === 1 ? nothing : columns}>${explained(text)}</th>`;
}

/** A bar of two lengths, shares of the largest: an outline before, filled after; `tempered`: a mark between them. */
export function barTemplate({
  before,
  after,
  tempered,
}: {
  readonly before: number;
  readonly after: number;
  readonly tempered?: number;
}): TemplateResult {
  const mark = tempered === undefined ? nothing : html`<span class="bar-tempered"></span>`;
  return html`<span
    class="bar"
    aria-hidden="true"
    style="--before: ${before.toFixed(4)}; --after: ${after.toFixed(4)}; --tempered: ${(tempered ?? 0).toFixed(4)}"
  >
    <span class="bar-before"></span><span class="bar-after"></span>${mark}
  </span>`;
}

/** A sentence with tokens or numbers in the places {0}, {1}, … of its text, in the order that its language has them. */
export function sentenceTemplate(text: string, ...places: readonly Content[]): Content {
  const known = new Set<Term>();
  return text.split(/\{(\d+)\}/).map((piece, index) => (index % 2 === 0 ? explained(piece, known) : (places[Number(piece)] ?? '')));
}

/** Formulas one after another, two spaces apart: a line ends between two of them, and within one only if it is longer than the line. */
export function formulasTemplate(formulas: string): Content {
  return formulas.split(/(?<=,  )/).map((one) => html`<span class="formula">${one}</span>`);
}

/** Heading of what comes after a token. */
export function afterTemplate(token: Token | undefined, position: number): TemplateResult {
  const chip = chipTemplate(token === undefined ? '' : shortened(visibleToken(token), 24));
  return html`${t('After')} ${chip}${besideTemplate(t('position {0}', position))}`;
}
