import { button, uniqueId } from './controls.ts';
import { el, stepKey } from './dom.ts';

/** An entry of the menu. */
export interface MenuEntry {
  readonly text: string;
  readonly chosen: () => void;
}

/** Pixels between the menu and the edges of the window. */
const EDGE = 4;

/** A button that opens a menu; its entries are made when it opens. `name`: what both are called by screen readers. */
export function createMenuButton(text: string, name: string, entries: () => readonly MenuEntry[]): HTMLElement {
  const menu = el('div', { class: 'menu', id: uniqueId('menu'), role: 'menu', popover: 'auto', 'aria-label': name });
  const opener = button(text, 'link', () => menu.togglePopover());
  opener.setAttribute('aria-label', name);
  opener.setAttribute('aria-haspopup', 'menu');
  opener.setAttribute('aria-expanded', 'false');
  let items: readonly HTMLElement[] = [];
  const fill = (): void => {
    items = entries().map(({ text, chosen }) => {
      const item = el('button', { type: 'button', class: 'menu-item', role: 'menuitem', tabindex: -1 }, text);
      item.addEventListener('click', () => {
        menu.hidePopover();
        chosen();
      });
      return item;
    });
    menu.replaceChildren(...items);
  };
  const place = (): void => {
    const [own, at] = [menu.getBoundingClientRect(), opener.getBoundingClientRect()];
    const left = Math.min(Math.max(EDGE, at.right - own.width), window.innerWidth - own.width - EDGE);
    const below = at.bottom + EDGE;
    const top = below + own.height > window.innerHeight ? Math.max(EDGE, at.top - own.height - EDGE) : below;
    menu.style.left = `${left}px`;
    menu.style.top = `${top}px`;
  };
  menu.addEventListener('beforetoggle', (event) => event.newState === 'open' && fill());
  menu.addEventListener('toggle', (event) => {
    const isOpen = event.newState === 'open';
    opener.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen) return;
    place();
    items[0]?.focus();
  });
  menu.addEventListener('keydown', (event) => {
    if (event.key === 'Tab') return menu.hidePopover();
    const from = items.findIndex((item) => item === document.activeElement);
    const to = stepKey(event.key, from, items.length);
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    items[to]?.focus();
  });
  // What lies under an open menu scrolls away from it.
  window.addEventListener('scroll', () => menu.matches(':popover-open') && menu.hidePopover(), { capture: true, passive: true });
  return el('span', { class: 'menu-button' }, opener, menu);
}
