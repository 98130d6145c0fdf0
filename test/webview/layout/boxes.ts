// Runs in the page that is looked at: what is written and what can be used there, as boxes.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly kind: 'text' | 'control';
  readonly element: Element;
  /** What it says, for messages. */
  readonly name: string;
  /** Four corners in the window's pixels, in order round the box; a text that is turned has a box that is turned. */
  readonly corners: readonly Point[];
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const CONTROLS = 'input, select, textarea, button, canvas, .plot';
const UNSEEN = 'script, style, title, option, noscript, template';

/** The elements that are drawn, in the order of the document; what is in one that is not is passed over at once. */
export function drawnElements(root: Element, found: Element[] = []): readonly Element[] {
  if (root.matches(`${UNSEEN}, .visually-hidden`) || !root.checkVisibility({ opacityProperty: true, contentVisibilityAuto: true }))
    return found;
  if (root.checkVisibility({ visibilityProperty: true })) found.push(root);
  for (const child of root.children) drawnElements(child, found);
  return found;
}

/** Every line of text, by node. A line's box is as high as its letters, whatever the line height. */
export function textBoxes(elements: readonly Element[]): readonly Box[] {
  return elements.flatMap((element) => {
    if (element instanceof SVGElement)
      return element instanceof SVGTextElement && element.textContent.trim() !== '' ? [drawnText(element)] : [];
    return [...element.childNodes].flatMap((node) => (node instanceof Text && node.data.trim() !== '' ? linesOf(element, node) : []));
  });
}

function linesOf(element: Element, node: Text): readonly Box[] {
  const range = document.createRange();
  range.setStart(node, node.data.length - node.data.trimStart().length);
  range.setEnd(node, node.data.trimEnd().length);
  const size = Number.parseFloat(getComputedStyle(element).fontSize);
  return [...range.getClientRects()]
    .filter(({ width }) => width > 0.5)
    .map(({ left, right, top, bottom }) => {
      const middle = (top + bottom) / 2;
      const half = Math.min(size, bottom - top) / 2;
      return upright('text', element, node.data.trim(), left, middle - half, right, middle + half);
    });
}

export function controlBoxes(elements: readonly Element[]): readonly Box[] {
  return elements
    .filter((element) => element.matches(CONTROLS))
    .map((element) => {
      const { left, top, right, bottom } = element.getBoundingClientRect();
      return upright('control', element, described(element), left, top, right, bottom);
    });
}

export function described(element: Element): string {
  const { className } = element;
  const name = element.getAttribute('aria-label') ?? (element.textContent.trim() || element.id);
  const classes = typeof className === 'string' && className !== '' ? `.${className.trim().replaceAll(/\s+/g, '.')}` : '';
  return `${element.localName}${classes} “${name.slice(0, 40)}”`;
}

function upright(kind: Box['kind'], element: Element, name: string, left: number, top: number, right: number, bottom: number): Box {
  return {
    kind,
    element,
    name,
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

function drawnText(element: SVGGraphicsElement): Box {
  const { x, y, width, height } = element.getBBox();
  const matrix = element.getScreenCTM() ?? new DOMMatrix();
  const lines = Math.max(1, element.querySelectorAll('tspan.line').length);
  const inset = Math.max(0, (height / lines - Number.parseFloat(getComputedStyle(element).fontSize)) / 2);
  const corners = [
    [x, y + inset],
    [x + width, y + inset],
    [x + width, y + height - inset],
    [x, y + height - inset],
  ].map(([left, top]) => new DOMPoint(left, top).matrixTransform(matrix));
  const xs = corners.map((corner) => corner.x);
  const ys = corners.map((corner) => corner.y);
  return {
    kind: 'text',
    element,
    name: element.textContent.trim(),
    corners,
    left: Math.min(...xs),
    top: Math.min(...ys),
    right: Math.max(...xs),
    bottom: Math.max(...ys),
  };
}

/** How far two boxes lie in each other, in pixels; 0 or less: apart. By the separating axes of both (turned boxes). */
export function overlap(one: Box, other: Box): number {
  let least = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  least = Math.min(least, Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top));
  if (least <= 0) return least;
  for (const { corners } of [one, other]) {
    for (const [a, b] of [
      [corners[0], corners[1]],
      [corners[1], corners[2]],
    ] as const) {
      if (a === undefined || b === undefined) continue;
      const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
      const [first, second] = [one, other].map((box) => {
        const along = box.corners.map((corner) => (corner.x * (b.x - a.x) + corner.y * (b.y - a.y)) / length);
        return [Math.min(...along), Math.max(...along)] as const;
      });
      if (first !== undefined && second !== undefined)
        least = Math.min(least, Math.min(first[1], second[1]) - Math.max(first[0], second[0]));
    }
  }
  return least;
}
