import { css } from '../colour.ts';
import type { Theme } from '../theme.ts';

/** Pixels of a picture for each one of the screen. */
const SCALE = 2;
/** Colours of texts on white. */
const ON_WHITE = { background: 'rgb(255, 255, 255)', foreground: 'rgb(31, 31, 31)', muted: 'rgb(90, 90, 90)' };

/** A figure on white, for a document: its paper and its texts, and no other colour, are replaced. `svg`: in the theme's colours. */
export function onWhite(svg: string, theme: Pick<Theme, 'background' | 'foreground' | 'muted'>): string {
  const colours = new Map((['background', 'foreground', 'muted'] as const).map((name) => [css(theme[name]), ON_WHITE[name]]));
  return svg.replaceAll(/rgb\(\d+, ?\d+, ?\d+\)/g, (colour) => colours.get(colour.replaceAll(/, ?/g, ', ')) ?? colour);
}

/**
 * An SVG whose cells have sharp edges in any program. A figure of many cells holds them as a picture of one pixel a cell, which only
 * browsers leave unblurred when they enlarge it: here each cell gets as many pixels as it is shown with.
 */
export async function withSharpCells(svg: string): Promise<string> {
  if (!svg.includes('<image')) return svg;
  const drawing = new DOMParser().parseFromString(svg, 'image/svg+xml');
  for (const element of drawing.querySelectorAll('image')) {
    const name = element.hasAttribute('href') ? 'href' : 'xlink:href';
    const cells = await pictureAt(element.getAttribute(name) ?? '');
    const [width, height] = [sharpSide(cells.naturalWidth, element, 'width'), sharpSide(cells.naturalHeight, element, 'height')];
    element.setAttribute(name, canvasOf(cells, width, height, false).toDataURL('image/png'));
  }
  return new XMLSerializer().serializeToString(drawing);
}

/** Pixels for a side of so many cells: a whole number each, and at least the pixels of a picture. */
function sharpSide(cells: number, element: Element, side: 'width' | 'height'): number {
  return cells * Math.max(1, Math.ceil((SCALE * Number(element.getAttribute(side))) / cells));
}

/** The bytes of a PNG picture of an SVG of this size, at twice its pixels. Rejects where the page cannot draw it. */
export async function pngOf(svg: string, width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const image = await pictureAt(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`);
  const canvas = canvasOf(image, SCALE * width, SCALE * height, true);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob === null) throw new Error('The picture is too large.');
  return new Uint8Array(await blob.arrayBuffer());
}

/** A picture of an address, which the page's policy lets be of data alone. Rejects where it is none. */
async function pictureAt(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

function canvasOf(image: HTMLImageElement, width: number, height: number, smooth: boolean): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('The page has no canvas.');
  context.imageSmoothingEnabled = smooth;
  context.drawImage(image, 0, 0, width, height);
  return canvas;
}
