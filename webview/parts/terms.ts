import { html, type TemplateResult } from 'lit-html';
import type { Tooltip } from './tooltip.ts';
import { glossary, type Term } from './glossary.ts';
import { el } from './dom.ts';

/** Places whose text is explained: what a reader reads, not what a reader presses. */
const PLACES = 'h2, h3, p, label, dt, legend, th, .caption, .control-label';
/** Where no term is marked: something inside is pressed, written by the user, or drawn anew by a template. */
const NOT_IN = 'button, summary, select, textarea, [role="option"], [role="tab"], [aria-live], .token-text, .term, svg, [data-template]';

interface Finder {
  readonly pattern: RegExp;
  readonly termOf: (found: string) => Term | undefined;
}

/** What stands before and behind the keys of a keyboard, which are not those of attention. */
const KEYBOARD = { before: '(?<!arrow |方向|左右|上下|− )', behind: String.raw`(?! \+)` };

let made: Finder | undefined;
const finder = (): Finder => (made ??= termFinder(glossary()));

/** Finds terms in texts of the display language, the longest names first. */
export function termFinder(terms: readonly Term[]): Finder {
  const byName = new Map(terms.flatMap((term) => term.names.map((name) => [name.toLowerCase(), term] as const)));
  const names = [...byName.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`));
  // Words of letters end where letters end; Chinese has no such ends.
  const whole = names.map((name) => (/^[a-z]/.test(name) ? String.raw`(?<![\p{Script=Latin}\d-])${name}(?![\p{Script=Latin}\d-])` : name));
  const pattern = new RegExp(`${KEYBOARD.before}(?:${whole.join('|')})${KEYBOARD.behind}`, 'iu');
  return { pattern, termOf: (found) => byName.get(found.toLowerCase()) };
}

/** Underlines the first mention of each term under `root`. */
export function markTerms(root: HTMLElement): void {
  const known = new Set<Term>();
  for (const place of root.querySelectorAll<HTMLElement>(PLACES)) {
    if (place.closest(NOT_IN) !== null) continue;
    for (const node of Array.from(place.childNodes).filter((child) => child instanceof Text)) {
      const pieces = aroundTerm(node.data, known);
      if (pieces !== null) node.replaceWith(pieces.before, marked(pieces.found, pieces.term), pieces.after);
    }
  }
}

/** A text as pieces of a template, with its first term explained unless it is known already. */
export function explained(text: string, known: Set<Term> = new Set()): TemplateResult | string {
  const pieces = aroundTerm(text, known);
  if (pieces === null) return text;
  const { before, found, term, after } = pieces;
  return html`${before}<span class="term" tabindex="0" role="term" aria-description=${descriptionOf(term)}>${found}</span>${after}`;
}

interface AroundTerm {
  readonly before: string;
  readonly found: string;
  readonly term: Term;
  readonly after: string;
}

/** The first term of a text if it is not among the known ones, to which it is added then. */
function aroundTerm(text: string, known: Set<Term>): AroundTerm | null {
  const { pattern, termOf } = finder();
  const match = pattern.exec(text);
  const term = match === null ? undefined : termOf(match[0]);
  if (match === null || term === undefined || known.has(term)) return null;
  known.add(term);
  return { before: text.slice(0, match.index), found: match[0], term, after: text.slice(match.index + match[0].length) };
}

function descriptionOf({ meaning, formula }: Term): string {
  return [meaning, formula].filter((part) => part !== '').join(' ');
}

/** A term as it stands in a text: focus and pointer show what it means. */
function marked(text: string, term: Term): HTMLElement {
  return el('span', { class: 'term', tabindex: 0, role: 'term', 'aria-description': descriptionOf(term) }, text);
}

/** Shows what a term means while the pointer or the focus is on it; Escape hides it. */
export function explainTerms(page: HTMLElement, tooltip: Tooltip): void {
  const show = (target: EventTarget | null): void => {
    const span = target instanceof Element ? target.closest('.term') : null;
    const term = span === null ? undefined : finder().termOf(span.textContent);
    if (span === null || term === undefined) return;
    const { left, bottom } = span.getBoundingClientRect();
    tooltip.show({ title: term.names[0] ?? '', rows: [], text: term.meaning, formula: term.formula }, left - 12, bottom - 8);
  };
  const hide = ({ target }: Event): void => {
    if (target instanceof Element && target.closest('.term') !== null) tooltip.hide();
  };
  page.addEventListener('pointerover', ({ target }) => show(target));
  page.addEventListener('focusin', ({ target }) => show(target));
  page.addEventListener('pointerout', hide);
  page.addEventListener('focusout', hide);
  page.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide(event);
  });
}
