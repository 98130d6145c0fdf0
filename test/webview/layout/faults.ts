// Runs in the page that is looked at: it is bundled and sent there.
import { controlBoxes, described, drawnElements, overlap, textBoxes, type Box } from './boxes.ts';
import { holes } from './holes.ts';

/** Pixels that rounding and antialiasing may take. */
const SLACK = 1.5;
/** The one way to say that an element is meant to be scrolled sideways. */
const SIDEWAYS = '.scroll-x';

/**
 * What a reader would see as broken: texts or controls that lie on each other, are cut off or do not fit their control, views
 * that scroll sideways without meaning to, holes between what stands below one another, signs of another script or of code, and tables
 * without a menu. One sentence each.
 */
export function layoutFaults(root: Element = document.body): readonly string[] {
  const elements = drawnElements(root);
  const texts = textBoxes(elements);
  const frames = new Map<Element, Frame>();
  const boxes = [...texts, ...controlBoxes(elements)].map((box) => ({ box, ...seenPart(box, frames) }));
  return [
    ...new Set([
      ...boxes.flatMap(({ cut }) => cut ?? []),
      ...collisions(boxes.flatMap(({ box, part }) => (part === undefined ? [] : [within(box, part)]))),
      ...sidewaysScrolls(elements),
      ...unfitControls(elements),
      ...holes(elements, texts),
      ...halfWidthMarks(texts),
      ...hyphensForMinus(texts),
      ...tablesWithoutMenu(elements),
    ]),
  ];
}

/** Tables that can be seen and neither saved nor copied. */
function tablesWithoutMenu(elements: readonly Element[]): readonly string[] {
  return elements
    .filter((element) => element.matches('table') && element.closest('.visually-hidden') === null)
    .filter((table) => table.closest('.saved-table, .tokens-view')?.querySelector('[aria-haspopup="menu"]') == null)
    .map((table) => `${described(table)} has no menu that saves it`);
}

/** Chinese words with the punctuation of another script. */
function halfWidthMarks(texts: readonly Box[]): readonly string[] {
  return texts
    .filter(({ element, name }) => element.closest('.token-text') === null && /\p{Script=Han}[:;,?!]($|\s)/u.test(name))
    .map(({ name }) => `half-width punctuation in “${name.slice(0, 60)}”`);
}

/** Negative numbers as code writes them. The user's own text and what is copied as code keep theirs. */
function hyphensForMinus(texts: readonly Box[]): readonly string[] {
  return texts
    .filter(({ element, name }) => element.closest('.token-text, code') === null && /(?<![\p{L}\p{N}_-])-[\d.∞]/u.test(name))
    .map(({ name }) => `a hyphen in place of a minus sign in “${name.slice(0, 60)}”`);
}

/** What is left of a box that is partly scrolled away or shortened; a turned one keeps its corners. */
function within(box: Box, part: Part): Box {
  if (box.element instanceof SVGElement) return box;
  const { left, top, right, bottom } = part;
  return {
    ...box,
    left,
    top,
    right,
    bottom,
    corners: [
      { x: left, y: top },
      { x: right, y: top },
      { x: right, y: bottom },
      { x: left, y: bottom },
    ],
  };
}

interface Part {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** How an element treats what is in it. */
interface Frame {
  readonly style: CSSStyleDeclaration;
  readonly position: string;
  /** What is placed absolutely inside refers to it. */
  readonly holds: boolean;
  readonly x: string;
  readonly y: string;
  readonly inner: Part;
}

function frameOf(element: Element, known: Map<Element, Frame>): Frame {
  const made = known.get(element);
  if (made !== undefined) return made;
  const style = getComputedStyle(element);
  const { position } = style;
  const holds = position !== 'static' || style.transform !== 'none' || style.contain !== 'none' || style.containerType !== 'normal';
  const whole = element === document.documentElement || element === document.body;
  const frame: Frame = {
    style,
    position,
    holds,
    x: whole ? 'auto' : style.overflowX,
    y: whole ? 'auto' : style.overflowY,
    inner: whole ? { left: 0, top: 0, right: innerWidth, bottom: Infinity } : inner(element, style),
  };
  known.set(element, frame);
  return frame;
}

/** What its ancestors let be seen of a box, and whether one of them cuts it off for good. */
function seenPart(box: Box, frames: Map<Element, Frame>): { readonly part?: Part; readonly cut?: string } {
  let part: Part = box;
  let loose = frameOf(box.element, frames).position;
  for (
    let ancestor = box.kind === 'text' && !(box.element instanceof SVGElement) ? box.element : box.element.parentElement;
    ancestor !== null;
    ancestor = ancestor.parentElement
  ) {
    const { style, position, holds, x, y, inner: frame } = frameOf(ancestor, frames);
    if (ancestor !== box.element && (loose === 'absolute' || loose === 'fixed') && !holds) continue;
    loose = position;
    if (x === 'visible' && y === 'visible') continue;
    const out = {
      x: Math.max(frame.left - part.left, part.right - frame.right),
      y: Math.max(frame.top - part.top, part.bottom - frame.bottom),
    };
    if (
      (isHiding(x) && out.x > SLACK && !isShortened(ancestor, style, box)) ||
      (isHiding(y) && out.y > SLACK && !isShortened(ancestor, style, box))
    ) {
      return { cut: `“${box.name.slice(0, 40)}” is cut off by ${described(ancestor)} (${Math.round(Math.max(out.x, out.y))} px)` };
    }
    part = {
      left: x === 'visible' ? part.left : Math.max(part.left, frame.left),
      right: x === 'visible' ? part.right : Math.min(part.right, frame.right),
      top: y === 'visible' ? part.top : Math.max(part.top, frame.top),
      bottom: y === 'visible' ? part.bottom : Math.min(part.bottom, frame.bottom),
    };
    if (part.right - part.left < SLACK || part.bottom - part.top < SLACK) return {};
  }
  return { part };
}

function isHiding(overflow: string): boolean {
  return overflow === 'hidden' || overflow === 'clip';
}

function inner(element: Element, style: CSSStyleDeclaration): Part {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const width = (side: string): number => Number.parseFloat(style.getPropertyValue(`border-${side}-width`)) || 0;
  return { left: left + width('left'), top: top + width('top'), right: right - width('right'), bottom: bottom - width('bottom') };
}

/** A text that ends in … on purpose, and says the whole of itself under the pointer. */
function isShortened(frame: Element, style: CSSStyleDeclaration, box: Box): boolean {
  if (style.textOverflow !== 'ellipsis' && style.webkitLineClamp === 'none') return false;
  const titled = box.element.closest('[title]') ?? frame.closest('[title]');
  const plain = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
  return titled !== null && plain(titled.getAttribute('title') ?? '').includes(plain(box.name));
}

function collisions(boxes: readonly Box[]): readonly string[] {
  const found: string[] = [];
  const sorted = [...boxes].sort((one, other) => one.top - other.top);
  sorted.forEach((one, index) => {
    for (let next = index + 1; next < sorted.length; next++) {
      const other = sorted[next];
      if (other === undefined || other.top >= one.bottom) break;
      if (isInside(one, other) || isInside(other, one) || isSameLine(one, other) || overlap(one, other) <= SLACK || slidesUnder(one, other))
        continue;
      found.push(
        `“${one.name.slice(0, 40)}” lies on “${other.name.slice(0, 40)}” (${described(one.element)}, ${described(other.element)})`,
      );
    }
  });
  return found;
}

/** A shortened line is given twice: as it is, and as it would be. */
function isSameLine(one: Box, other: Box): boolean {
  return one.element === other.element && one.name === other.name && Math.abs(one.top - other.top) < 1;
}

function isInside(box: Box, control: Box): boolean {
  return control.kind === 'control' && control.element.contains(box.element);
}

/** One of them keeps its place while the other is scrolled away below it. */
function slidesUnder(one: Box, other: Box): boolean {
  for (const [above, below] of [
    [one, other],
    [other, one],
  ] as const) {
    for (
      let element: Element | null = above.element;
      element !== null && !element.contains(below.element);
      element = element.parentElement
    ) {
      if (getComputedStyle(element).position !== 'sticky') continue;
      for (let frame = element.parentElement; frame !== null; frame = frame.parentElement)
        if (frame.scrollTop > 0 || frame.scrollLeft > 0) return true;
    }
  }
  return false;
}

function sidewaysScrolls(elements: readonly Element[]): readonly string[] {
  const scrolls = elements.filter((element) => {
    if (element.scrollWidth - element.clientWidth <= SLACK || element.clientWidth === 0 || element.matches(SIDEWAYS)) return false;
    return ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
  });
  const wide = document.documentElement.scrollWidth - innerWidth;
  return [
    ...scrolls.map((element) => `${described(element)} scrolls sideways (${element.scrollWidth - element.clientWidth} px)`),
    ...(wide > SLACK ? [`the page scrolls sideways (${wide} px)`] : []),
  ];
}

/** What browsers write into controls themselves: the choice of a list, a value, a placeholder. */
function unfitControls(elements: readonly Element[]): readonly string[] {
  const pen = document.createElement('canvas').getContext('2d');
  return elements
    .filter((element) => element.matches('select, input'))
    .flatMap((element) => {
      const text =
        element instanceof HTMLSelectElement
          ? (element.selectedOptions[0]?.label ?? '')
          : element instanceof HTMLInputElement && ['text', 'number', 'search'].includes(element.type)
            ? element.value === ''
              ? element.placeholder
              : element.type === 'number'
                ? element.value
                : ''
            : '';
      if (pen === null || text === '' || (element.matches('[title]') && (element.getAttribute('title') ?? '').includes(text))) return [];
      const style = getComputedStyle(element);
      pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      const arrow = element instanceof HTMLSelectElement ? 16 : 0;
      const room = element.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight) - arrow;
      const needed = pen.measureText(text).width;
      const excess = needed - room;
      return excess > SLACK ? [`“${text.slice(0, 60)}” does not fit ${described(element)} (${Math.round(excess)} px)`] : [];
    });
}
