import { contrast, css, lightness, mix, opaque, parseColour, type Rgb } from './colour.ts';

/** Kinds of theme in VS Code. */
export type ThemeKind = 'light' | 'dark' | 'highContrast' | 'highContrastLight';

/** Colours and fonts of VS Code's theme that figures need, as plain values. */
export interface Theme {
  readonly kind: ThemeKind;
  readonly background: Rgb;
  readonly foreground: Rgb;
  readonly muted: Rgb;
  readonly border: Rgb;
  /** Colour of lines inside figures: fainter than borders, in high contrast too. */
  readonly grid: Rgb;
  readonly focus: Rgb;
  readonly accent: Rgb;
  /** Second hue, for surprising tokens. */
  readonly warm: Rgb;
  readonly fontFamily: string;
  readonly monoFamily: string;
  /** Pixels. */
  readonly fontSize: number;
  /** Colours for 0..1, from near the background to far from it; lightness is monotone. */
  readonly sequential: readonly Rgb[];
  /** Colours from the background to the warm hue, mild enough for text on top. */
  readonly heat: readonly Rgb[];
  /** The editor's colours for the levels of surprisal, lowest first. */
  readonly levels: readonly Rgb[];
  /** Colours from the background to the accent, as mild as `heat`. */
  readonly cool: readonly Rgb[];
}

const STOPS = 9;

/** Reads a theme from the values of --vscode-* variables. Missing ones fall back to the foreground and background. */
export function readTheme(variable: (name: string) => string, kind: ThemeKind): Theme {
  const dark = kind === 'dark' || kind === 'highContrast';
  const background = parseColour(variable('--vscode-editor-background')) ?? (dark ? [0, 0, 0] : [255, 255, 255]);
  const colour = (fallback: Rgb, ...names: readonly string[]): Rgb => {
    for (const name of names) {
      const found = parseColour(variable(name), background);
      if (found !== undefined) return found;
    }
    return fallback;
  };
  const foreground = colour(dark ? [255, 255, 255] : [0, 0, 0], '--vscode-foreground', '--vscode-editor-foreground');
  const highContrast = kind === 'highContrast' || kind === 'highContrastLight';
  const muted = colour(foreground, '--vscode-descriptionForeground');
  const border = colour(
    mix(background, foreground, 0.15),
    ...(highContrast ? ['--vscode-contrastBorder'] : []),
    '--vscode-panel-border',
    '--vscode-widget-border',
  );
  const focus = colour(foreground, '--vscode-focusBorder');
  const accent = colour(focus, '--vscode-charts-blue', '--vscode-textLink-foreground');
  // The editor marks the most surprising tokens with this colour, so that panel and editor look alike.
  const surprising = variable('--vscode-explainTokens-surprisal5');
  const warm = opaque(surprising) ?? colour(accent, '--vscode-charts-orange', '--vscode-editorWarning-foreground');
  const hottest = parseColour(surprising, background) ?? mix(background, warm, highContrast ? 0.7 : 0.62);
  return {
    kind,
    background,
    foreground,
    muted,
    border,
    grid: mix(background, foreground, highContrast ? 0.25 : 0.12),
    focus,
    accent,
    warm,
    fontFamily: variable('--vscode-font-family') || 'sans-serif',
    monoFamily: variable('--vscode-editor-font-family') || 'monospace',
    fontSize: Number.parseFloat(variable('--vscode-font-size')) || 13,
    sequential: sequentialColours(background, accent, foreground),
    levels: range(5).map(
      (share, level) =>
        parseColour(variable(`--vscode-explainTokens-surprisal${level + 1}`), background) ?? mix(background, hottest, share),
    ),
    heat: from(background, hottest, 1),
    cool: from(background, accent, highContrast ? 0.7 : 0.62),
  };
}

/** Colours from just off the background, through the hue, to far from the background, in even steps of lightness. */
export function sequentialColours(background: Rgb, hue: Rgb, foreground: Rgb): readonly Rgb[] {
  const dark = lightness(background) < 0.5;
  const extreme: Rgb = dark ? mix(foreground, [255, 255, 255], 0.6) : [0, 0, 0];
  const start = mix(background, hue, Math.max(0.08, seenFrom(background, hue)));
  const end = mix(hue, extreme, dark ? 0.72 : 0.62);
  const from = lightness(start);
  const to = lightness(end);
  const middle = (lightness(hue) - from) / (to - from);
  const pivot = Number.isFinite(middle) ? Math.min(0.75, Math.max(0.35, middle)) : 0.5;
  return range(STOPS).map((share) => (share <= pivot ? mix(start, hue, share / pivot) : mix(hue, end, (share - pivot) / (1 - pivot))));
}

/** Colours from the accent through the background to the warm hue, for values that lean to one of two sides; 0.5 is neutral. */
export function divergingColours(theme: Theme): readonly Rgb[] {
  const known = divergingScales.get(theme);
  if (known !== undefined) return known;
  const side = (hue: Rgb): readonly Rgb[] => from(theme.background, hue, 0.85);
  const made = [...side(theme.accent).toReversed(), ...side(theme.warm).slice(1)];
  divergingScales.set(theme, made);
  return made;
}

/** The same from the warm hue to the accent, for values below and above 0: positive numbers are the accent's, as in bars. */
export function signedColours(theme: Theme): readonly Rgb[] {
  const known = signedScales.get(theme);
  if (known !== undefined) return known;
  const made = divergingColours(theme).toReversed();
  signedScales.set(theme, made);
  return made;
}

const signedScales = new WeakMap<Theme, readonly Rgb[]>();
const divergingScales = new WeakMap<Theme, readonly Rgb[]>();

/** The scale's colour at 0..1, interpolated; NaN gives the first colour. */
export function colourAt(scale: readonly Rgb[], value: number): Rgb {
  const place = Math.min(1, Math.max(0, Number.isNaN(value) ? 0 : value)) * (scale.length - 1);
  const low = scale[Math.floor(place)] ?? [0, 0, 0];
  const high = scale[Math.ceil(place)] ?? low;
  return mix(low, high, place - Math.floor(place));
}

/**
 * Text colour for this background: the theme's foreground if its contrast is at least 4.5, else the candidate with the highest contrast.
 */
export function textOn(theme: Theme, colour: Rgb): Rgb {
  const dark: Rgb = lightness(theme.background) < lightness(theme.foreground) ? theme.background : theme.foreground;
  const light: Rgb = dark === theme.background ? theme.foreground : theme.background;
  const candidates = [theme.foreground, dark, light, mix(light, [255, 255, 255], 0.8), mix(dark, [0, 0, 0], 0.8)];
  if (contrast(theme.foreground, colour) >= 4.5) return theme.foreground;
  return candidates.reduce((best, next) => (contrast(next, colour) > contrast(best, colour) ? next : best));
}

/** A colour scale in Plotly's form: [[0, css], …, [1, css]]. */
export function plotlyScale(scale: readonly Rgb[]): readonly (readonly [number, string])[] {
  // The same scale gives the same array, or Plotly would see a change and compute the figure anew.
  const known = plotlyScales.get(scale);
  if (known !== undefined) return known;
  const made = scale.map((colour, index) => [index / (scale.length - 1), css(colour)] as const);
  plotlyScales.set(scale, made);
  return made;
}

const plotlyScales = new WeakMap<readonly Rgb[], readonly (readonly [number, string])[]>();

/** A colour scale as a CSS gradient from left to right. */
export function gradient(scale: readonly Rgb[]): string {
  return `linear-gradient(to right, ${scale.map(css).join(', ')})`;
}

/** Theme kind according to the classes of the body. */
export function themeKind(classes: DOMTokenList): ThemeKind {
  if (classes.contains('vscode-high-contrast-light')) return 'highContrastLight';
  if (classes.contains('vscode-high-contrast')) return 'highContrast';
  return classes.contains('vscode-light') ? 'light' : 'dark';
}

/** The theme that a page has now. */
export function themeOf(page: Document): Theme {
  const style = getComputedStyle(page.documentElement);
  return readTheme((name) => style.getPropertyValue(name).trim(), themeKind(page.body.classList));
}

/** Calls `changed` with the page's theme now, and again whenever VS Code changes it. Returns a function that stops watching. */
export function watchTheme(page: Document, changed: (theme: Theme) => void): () => void {
  const read = (): void => changed(themeOf(page));
  const observer = new MutationObserver(read);
  observer.observe(page.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
  observer.observe(page.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
  read();
  return () => observer.disconnect();
}

/** Contrast to the background from which on a colour is seen as one. */
const SEEN = 1.07;

/** The smallest share of `hue` that is seen on the background; near black the first steps of lightness are not. */
function seenFrom(background: Rgb, hue: Rgb): number {
  return range(51).find((share) => contrast(mix(background, hue, share), background) >= SEEN) ?? 0;
}

/** Colours from the background to a mixture with `most` of `hue`, of which the second is seen already. */
function from(background: Rgb, hue: Rgb, most: number): readonly Rgb[] {
  const first = Math.max(most / (STOPS - 1), Math.min(most, seenFrom(background, hue)));
  return range(STOPS).map((_, step) => mix(background, hue, step === 0 ? 0 : first + ((most - first) * (step - 1)) / (STOPS - 2)));
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index / (count - 1));
}
