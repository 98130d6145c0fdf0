type Child = Node | string | null;

interface Attributes {
  readonly class?: string;
  readonly [name: string]: string | number | boolean | undefined;
}

/** Creates an element. Strings become text nodes, never markup; attributes that are `false` or undefined are left out. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A 16 px line drawing in the colour of the text, hidden from screen readers. */
export function icon(path: string): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS(namespace, 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
}

/** Paths of the icons, on a grid of 16 x 16. */
export const ICONS = {
  chevron: 'M4 6l4 4 4-4',
  play: 'M5 3.5v9l7-4.5z',
  pause: 'M5 3.5v9M11 3.5v9',
  close: 'M4 4l8 8M12 4l-8 8',
} as const;

/**
 * Creates a function that tells whether any argument differs from its last call, so that a view redoes only what has changed. The first
 * call returns true.
 */
export function changeDetector(): (...values: readonly unknown[]) => boolean {
  let last: readonly unknown[] | undefined;
  return (...values) => {
    const changed = last === undefined || values.length !== last.length || values.some((value, index) => !Object.is(value, last?.[index]));
    last = values;
    return changed;
  };
}

/** Index that an arrow, Home or End key leads to among `count` items in reading order; undefined for other keys. */
export function stepKey(key: string, index: number, count: number, perRow = 1): number | undefined {
  const target = {
    ArrowLeft: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index - perRow,
    ArrowDown: index + perRow,
    Home: 0,
    End: count - 1,
  }[key];
  return target === undefined ? undefined : Math.min(count - 1, Math.max(0, target));
}
