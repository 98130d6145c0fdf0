import type { BrowserContext, Page } from 'playwright-core';
import { encode } from 'modern-gif';

/** A picture of the window, and how long it is shown. */
export interface RecordedFrame {
  readonly png: Uint8Array;
  readonly seconds: number;
}

/** The pixels of a PNG, [height, width, 4], decoded by a browser. */
async function pixelsOf(
  page: Page,
  png: Uint8Array,
): Promise<{ readonly width: number; readonly height: number; readonly data: Uint8ClampedArray<ArrayBuffer> }> {
  const { width, height, base64 } = await page.evaluate(async (source) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${source}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('The browser draws no pictures.');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    let text = '';
    for (let from = 0; from < data.length; from += 0x8000) text += String.fromCharCode(...data.subarray(from, from + 0x8000));
    return { width: image.width, height: image.height, base64: btoa(text) };
  }, Buffer.from(png).toString('base64'));
  return { width, height, data: Uint8ClampedArray.from(Buffer.from(base64, 'base64')) };
}

/** An animated GIF of pictures of one size, which begins anew after the last. `browser` decodes them. Throws when there is none. */
export async function gifOf(frames: readonly RecordedFrame[], browser: BrowserContext): Promise<Uint8Array> {
  const page = await browser.newPage();
  try {
    const pictures = [];
    for (const { png, seconds } of frames) pictures.push({ ...(await pixelsOf(page, png)), delay: 1000 * seconds });
    const [first] = pictures;
    if (first === undefined) throw new Error('A recording needs a picture.');
    return new Uint8Array(await encode({ width: first.width, height: first.height, frames: pictures, looped: true }));
  } finally {
    await page.close();
  }
}
