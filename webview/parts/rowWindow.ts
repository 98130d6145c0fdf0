import { visibleColumns } from '../figures/lensGrid.ts';
import { el } from './dom.ts';

/** Items up to which all are in the page: so many are laid out at once, and the browser's own search finds each. */
export const WHOLE = 500;
/** Of these, the rows that come first: more than a screen has. The others come once the first are on screen. */
const FIRST = 60;

/** Rows of one height, of which those on screen and one more are in the page. */
export interface RowWindow {
  /** Replaces all rows. `whole`: all of them are in the page. */
  readonly fill: (count: number, whole: boolean, make: (row: number) => HTMLElement) => void;
  /** Rows in the page. */
  readonly rows: ReadonlyMap<number, HTMLElement>;
  /** Keeps this row in the page wherever the window is: the selected one, which has the focus or takes it; -1: none. Returns it. */
  readonly keep: (row: number) => HTMLElement | undefined;
  /** Brings the rows on screen into the page. */
  readonly update: () => void;
}

/** Where the rows are. */
export interface RowPlace {
  /** Element whose children are the rows. */
  readonly parent: HTMLElement;
  /** Element that scrolls them, `parent` or one around it; null while there is none. */
  readonly scroller: () => Element | null;
  /** Element as high as rows that are not in the page; has to stay out of sight of screen readers. */
  readonly spacer: (pixels: number) => HTMLElement;
}

/** Creates a window on rows, still without any. */
export function createRowWindow({ parent, scroller, spacer }: RowPlace): RowWindow {
  const rows = new Map<number, HTMLElement>();
  let count = 0;
  let whole = true;
  /** Rows of those that are all in the page, so far. */
  let begun = Infinity;
  let kept = 0;
  let height = 0;
  let make: (row: number) => HTMLElement = () => parent;

  function wanted(): readonly number[] {
    const frame = scroller();
    if (whole) return Array.from({ length: Math.min(count, begun) }, (_, row) => row);
    const [first, last] = frame === null || height === 0 ? [0, 0] : visibleColumns(scrolled(frame), frame.clientHeight, height, count);
    const seen = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset);
    if (kept < 0 || kept >= count || (kept >= first && kept < last)) return seen;
    return kept < first ? [kept, ...seen] : [...seen, kept];
  }
  function scrolled(frame: Element): number {
    return frame === parent ? frame.scrollTop : frame.getBoundingClientRect().top - parent.getBoundingClientRect().top;
  }
  function show(again = false): void {
    const indices = wanted();
    if (!again && indices.length === rows.size && indices.every((row) => rows.has(row))) return;
    const staying = new Set(indices);
    for (const row of rows.keys()) if (!staying.has(row)) rows.delete(row);
    const children: HTMLElement[] = [];
    let next = 0;
    for (const row of [...indices, count]) {
      if (row > next && !whole) children.push(spacer((row - next) * height));
      if (row === count) break;
      const element = rows.get(row) ?? make(row);
      rows.set(row, element);
      children.push(element);
      next = row + 1;
    }
    setChildren(parent, children);
  }
  /** A row in the page tells how high all are: another width or font may have changed it. */
  function measured(): boolean {
    const [row] = rows.values();
    const now = whole || row === undefined ? height : row.getBoundingClientRect().height;
    if (now === height) return false;
    height = now;
    return true;
  }
  function update(): void {
    const before = height;
    if (!measured()) return show();
    const frame = scroller();
    const above = frame === null || before === 0 ? 0 : Math.max(0, scrolled(frame)) / before;
    show(true);
    // Rows of another height: the same ones stay on screen.
    if (frame !== null && above > 0) {
      frame.scrollTop += above * (height - before);
      show();
    }
  }

  function complete(): void {
    if (begun === Infinity) return;
    begun = Infinity;
    show();
  }

  return {
    rows,
    fill: (number, all, maker) => {
      rows.clear();
      [count, whole, make, kept] = [number, all, maker, 0];
      begun = all && number > FIRST ? FIRST : Infinity;
      show(true);
      update();
      if (begun === Infinity) return;
      requestAnimationFrame(() => setTimeout(complete));
    },
    keep: (row) => {
      kept = row;
      if (row >= begun) complete();
      update();
      return rows.get(row);
    },
    update,
  };
}

/** Spacer of a table's rows. */
export function rowSpacer(pixels: number): HTMLElement {
  const room = el('tr', { 'aria-hidden': 'true', class: 'room' });
  room.style.height = `${pixels}px`;
  return room;
}

/** Gives an element these children. Those that stay are not moved: an element that is moved loses the focus. */
function setChildren(parent: HTMLElement, children: readonly HTMLElement[]): void {
  const staying = new Set<Node>(children);
  const leaving = Array.from(parent.childNodes).filter((child) => !staying.has(child));
  for (const child of leaving) child.remove();
  let next = parent.firstChild;
  for (const child of children) {
    if (child === next) next = next.nextSibling;
    else parent.insertBefore(child, next);
  }
}
