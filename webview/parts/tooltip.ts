import { el } from './dom.ts';

/** A title, and rows of labelled values. */
export interface TooltipContent {
  /** A token's visible text or another name, in the editor's font. */
  readonly title: string;
  readonly rows: readonly (readonly [label: string, value: string])[];
  /** A sentence or two below the title, and a formula below them. */
  readonly text?: string;
  readonly formula?: string;
}

/** The page's tooltip. `x` and `y` are the pointer's, in pixels of the window. */
export interface Tooltip {
  show(content: TooltipContent, x: number, y: number): void;
  hide(): void;
}

const DISTANCE = 12;

/** One tooltip for the whole page. It follows the pointer and stays inside the window. */
export function createTooltip(page: HTMLElement): Tooltip {
  const root = el('div', { class: 'tooltip', role: 'tooltip', hidden: true });
  page.append(root);
  return {
    show: (content, x, y) => {
      const rows = content.rows.flatMap(([label, value]) => [el('dt', {}, label), el('dd', {}, value)]);
      const { text = '', formula = '' } = content;
      root.replaceChildren(
        el('div', { class: text === '' ? 'tooltip-title token-text' : 'tooltip-title' }, content.title),
        ...(text === '' ? [] : [el('p', {}, text)]),
        ...(formula === '' ? [] : [el('p', { class: 'tooltip-formula' }, formula)]),
        el('dl', {}, ...rows),
      );
      root.hidden = false;
      const left = Math.max(4, Math.min(x + DISTANCE, window.innerWidth - root.offsetWidth - 4));
      const below = y + DISTANCE + 4;
      const top = below + root.offsetHeight > window.innerHeight - 4 ? Math.max(4, y - DISTANCE - root.offsetHeight) : below;
      root.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    },
    hide: () => {
      root.hidden = true;
    },
  };
}
