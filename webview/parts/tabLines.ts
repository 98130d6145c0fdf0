import { el } from './dom.ts';

/** Keeps the lines of tabs in order where they need more than one. */
export interface TabLines {
  /** To be called when other tabs are shown. */
  arrange(): void;
}

/** `last`: the first tab of the last group, which begins the second line where there are two: else one tab may stand alone there. */
export function createTabLines(list: HTMLElement, tabs: readonly HTMLElement[], last: HTMLElement | undefined): TabLines {
  const lineEnd = el('span', { class: 'tabs-end', 'aria-hidden': 'true', hidden: true });
  last?.before(lineEnd);
  const lines = (): number => new Set(tabs.flatMap((tab) => (tab.hidden ? [] : [tab.offsetTop]))).size;
  /** Which ends of the line are out of sight, where it is one that scrolls. */
  const tellEnds = (): void => {
    list.classList.toggle('more-before', list.scrollLeft > 1);
    list.classList.toggle('more-behind', list.scrollLeft + list.clientWidth < list.scrollWidth - 1);
  };
  const arrange = (): void => {
    lineEnd.hidden = true;
    if (lines() === 2) {
      lineEnd.hidden = false;
      if (lines() > 2) lineEnd.hidden = true;
    }
    tellEnds();
  };
  list.addEventListener('scroll', tellEnds, { passive: true });
  new ResizeObserver(arrange).observe(list);
  return { arrange };
}
