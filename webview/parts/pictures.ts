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

/** The bytes of a PNG picture of an SVG of this size, at twice its pixels. Rejects where the page cannot draw it. */
export async function pngOf(svg: string, width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const image = new Image();
  // The page's policy lets pictures come from data alone.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [SCALE * width, SCALE * height];
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('The page has no canvas.');
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob === null) throw new Error('The picture is too large.');
  return new Uint8Array(await blob.arrayBuffer());
}
