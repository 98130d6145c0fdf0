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

let made: Finder | undefined;

/** Finds terms in texts of the display language, the longest names first. */
export function termFinder(terms: readonly Term[]): Finder {
  const byName = new Map(terms.flatMap((term) => term.names.map((name) => [name.toLowerCase(), term] as const)));
  const names = [...byName.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`));
  // Words of letters end where letters end; Chinese has no such ends.
  const pattern = new RegExp(
    names.map((name) => (/^[a-z]/.test(name) ? String.raw`(?<![\p{Script=Latin}\d-])${name}(?![\p{Script=Latin}\d-])` : name)).join('|'),
    'iu',
  );
  return { pattern, termOf: (found) => byName.get(found.toLowerCase()) };
}

/** Underlines the first mention of each term under `root`. */
export function markTerms(root: HTMLElement): void {
  made ??= termFinder(glossary());
  const { pattern, termOf } = made;
  const known = new Set<Term>();
  for (const place of root.querySelectorAll<HTMLElement>(PLACES)) {
    if (place.closest(NOT_IN) !== null) continue;
    for (const node of Array.from(place.childNodes).filter((child) => child instanceof Text)) {
      const found = pattern.exec(node.data);
      const term = found === null ? undefined : termOf(found[0]);
      if (found === null || term === undefined || known.has(term)) continue;
      known.add(term);
      node.replaceWith(node.data.slice(0, found.index), marked(found[0], term), node.data.slice(found.index + found[0].length));
    }
  }
}

/** A term as it stands in a text: focus and pointer show what it means. */
function marked(text: string, term: Term): HTMLElement {
  const description = [term.meaning, term.formula].filter((part) => part !== '').join(' ');
  const span = el('span', { class: 'term', tabindex: 0, role: 'term', 'aria-description': description }, text);
  meanings.set(span, term);
  return span;
}

const meanings = new WeakMap<Element, Term>();

/** Shows what a term means while the pointer or the focus is on it; Escape hides it. */
export function explainTerms(page: HTMLElement, tooltip: Tooltip): void {
  const show = (target: EventTarget | null): void => {
    const span = target instanceof Element ? target.closest('.term') : null;
    const term = span === null ? undefined : meanings.get(span);
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
