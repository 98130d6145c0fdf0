import { el } from './dom.ts';

/** Keeps the tabs in as few lines as hold them, and groups together. */
export interface TabLines {
  /** To be called when other tabs are shown. */
  arrange(): void;
}

/** Ways to set the tabs, the roomiest first: in one line with marks between groups, or the last group in a second one. */
const WAYS = [
  { lines: 1, tight: false },
  { lines: 1, tight: true },
  { lines: 2, tight: false },
  { lines: 2, tight: true },
] as const;

/** `last`: the first tab of the last group, which begins the second line where there are two. */
export function createTabLines(list: HTMLElement, tabs: readonly HTMLElement[], last: HTMLElement | undefined): TabLines {
  const lineEnd = el('span', { class: 'tabs-end', 'aria-hidden': 'true', hidden: true });
  last?.before(lineEnd);
  const lines = (): number => new Set(tabs.flatMap((tab) => (tab.hidden ? [] : [tab.offsetTop]))).size;
  const overflows = (): boolean => list.scrollWidth > list.clientWidth + 1;
  const set = (count: number, tight: boolean): void => {
    lineEnd.hidden = count !== 2;
    list.classList.toggle('one-line', count === 1);
    list.classList.toggle('tight', tight);
  };
  /** Which ends of the line are out of sight, where it is one that scrolls. */
  const tellEnds = (): void => {
    list.classList.toggle('more-before', list.scrollLeft > 1);
    list.classList.toggle('more-behind', list.scrollLeft + list.clientWidth < list.scrollWidth - 1);
  };
  const arrange = (): void => {
    const fits = WAYS.some((way) => {
      set(way.lines, way.tight);
      // In a low panel the line scrolls rather than break.
      return lines() === way.lines && (!overflows() || way.tight);
    });
    if (!fits) set(0, false);
    tellEnds();
  };
  list.addEventListener('scroll', tellEnds, { passive: true });
  new ResizeObserver(arrange).observe(list);
  return { arrange };
}
