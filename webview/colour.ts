/** Red, green, blue in 0..255. */
export type Rgb = readonly [number, number, number];

/** Parses #rgb, #rrggbb(aa) and rgb()/rgba(); an alpha is blended over `below`. Undefined for anything else. */
export function parseColour(text: string, below: Rgb = [0, 0, 0]): Rgb | undefined {
  const value = text.trim();
  const hex = /^#([0-9a-f]{3,8})$/i.exec(value)?.[1];
  if (hex !== undefined && [3, 4, 6, 8].includes(hex.length)) {
    const full = hex.length <= 4 ? hex.replace(/./g, '$&$&') : hex;
    const channel = (index: number): number => Number.parseInt(full.slice(index * 2, index * 2 + 2), 16);
    return over([channel(0), channel(1), channel(2)], full.length === 8 ? channel(3) / 255 : 1, below);
  }
  const numbers = /^rgba?\(([^)]*)\)$/i
    .exec(value)?.[1]
    ?.split(/[\s,/]+/)
    .filter((part) => part !== '');
  const channels = numbers?.slice(0, 3).map(Number);
  if (numbers === undefined || channels?.length !== 3 || channels.some(Number.isNaN)) return undefined;
  const alphaText = numbers[3];
  const alpha = alphaText === undefined ? 1 : alphaText.endsWith('%') ? Number.parseFloat(alphaText) / 100 : Number(alphaText);
  return over([channels[0] ?? 0, channels[1] ?? 0, channels[2] ?? 0], alpha, below);
}

/** The colour with its alpha ignored. Undefined for anything that `parseColour` does not read. */
export function opaque(text: string): Rgb | undefined {
  return parseColour(
    text
      .trim()
      .replace(/^(#[0-9a-f]{6})[0-9a-f]{2}$/i, '$1')
      .replace(/^rgba\(([^,]+,[^,]+,[^,]+),[^)]*\)$/, 'rgb($1)'),
  );
}

/** Mixture of `share` of b (0..1) and the rest of a, in OKLab (Ottosson 2020) so that steps look even. */
export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const from = toOklab(a);
  const to = toOklab(b);
  return fromOklab([from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share, from[2] + (to[2] - from[2]) * share]);
}

/** WCAG 2 contrast ratio, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [lighter, darker] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return ((lighter ?? 0) + 0.05) / ((darker ?? 0) + 0.05);
}

/** OKLab lightness, 0..1. */
export function lightness(colour: Rgb): number {
  return toOklab(colour)[0];
}

/** The colour as CSS rgb(), its channels rounded and kept within 0..255. */
export function css(colour: Rgb): string {
  return `rgb(${colour.map((channel) => Math.round(Math.min(255, Math.max(0, channel)))).join(', ')})`;
}

function over(colour: Rgb, alpha: number, below: Rgb): Rgb {
  const blend = (index: 0 | 1 | 2): number => colour[index] * alpha + below[index] * (1 - alpha);
  return [blend(0), blend(1), blend(2)];
}

function luminance([r, g, b]: Rgb): number {
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

function linear(channel: number): number {
  const c = channel / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
}

function gamma(c: number): number {
  const clipped = Math.min(1, Math.max(0, c));
  return 255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055);
}

function toOklab([red, green, blue]: Rgb): Rgb {
  const r = linear(red);
  const g = linear(green);
  const b = linear(blue);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([L, a, b]: Rgb): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}
