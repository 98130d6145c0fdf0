// Runs in the page that is looked at.
import { described, type Box } from './boxes.ts';

interface Extent {
  top: number;
  bottom: number;
}

/** What an element and all in it paint, from top to bottom; undefined: nothing. `drawn`: what is drawn at all. */
function painted(
  element: Element,
  drawn: ReadonlySet<Element>,
  texts: ReadonlyMap<Element, Extent>,
  known: Map<Element, Extent | undefined>,
): Extent | undefined {
  if (known.has(element)) return known.get(element);
  const parts = [texts.get(element), ...[...element.children].map((child) => painted(child, drawn, texts, known))].filter(
    (part) => part !== undefined,
  );
  const { top, bottom } = element.getBoundingClientRect();
  const inside =
    parts.length === 0
      ? undefined
      : { top: Math.min(...parts.map((part) => part.top)), bottom: Math.max(...parts.map((part) => part.bottom)) };
  const extent = !drawn.has(element) ? undefined : bottom > top && paints(element) ? { top, bottom } : inside;
  known.set(element, extent);
  return extent;
}

/** Whether an element has a look of its own, whatever is in it. */
function paints(element: Element): boolean {
  if (element.matches('canvas, svg, input, select, textarea, button, .plot, table, [role="slider"]')) return true;
  const style = getComputedStyle(element);
  if (style.backgroundColor !== 'rgba(0, 0, 0, 0)' || style.backgroundImage !== 'none' || style.boxShadow !== 'none') return true;
  return ['top', 'right', 'bottom', 'left'].some(
    (side) =>
      style.getPropertyValue(`border-${side}-style`) !== 'none' && style.getPropertyValue(`border-${side}-color`) !== 'rgba(0, 0, 0, 0)',
  );
}

/** Holes higher than a line of text above or between what stands one below another. */
export function holes(elements: readonly Element[], boxes: readonly Box[]): readonly string[] {
  const texts = new Map<Element, Extent>();
  for (const { element, top, bottom } of boxes) {
    const known = texts.get(element);
    texts.set(element, { top: Math.min(top, known?.top ?? top), bottom: Math.max(bottom, known?.bottom ?? bottom) });
  }
  const known = new Map<Element, Extent | undefined>();
  const drawn = new Set(elements);
  return elements
    .filter((element) => element.childElementCount > 0 && !(element instanceof SVGElement))
    .flatMap((element) => {
      const style = getComputedStyle(element);
      const stacked =
        style.display === 'block' ||
        (style.display === 'flex' && style.flexDirection === 'column') ||
        (style.display === 'grid' && !style.gridTemplateColumns.includes(' '));
      if (!stacked || style.justifyContent === 'center' || element.closest('.plot') !== null) return [];
      const allowed = Math.max(16, Number.parseFloat(style.rowGap) || 0) + (Number.parseFloat(style.lineHeight) || 18);
      const parts = [...element.children]
        .filter((child) => !['absolute', 'fixed'].includes(getComputedStyle(child).position))
        .flatMap((child) => {
          const extent = painted(child, drawn, texts, known);
          return extent === undefined ? [] : [{ name: described(child), ...extent }];
        });
      const top = element.getBoundingClientRect().top - element.scrollTop;
      return [...(!element.matches('section') ? [] : [{ name: `the top of ${described(element)}`, top, bottom: top }]), ...parts].flatMap(
        (above, index, all) => {
          const below = all[index + 1];
          const gap = below === undefined ? 0 : below.top - above.bottom;
          return below !== undefined && gap > allowed ? [`${Math.round(gap)} px of nothing between ${above.name} and ${below.name}`] : [];
        },
      );
    });
}
