import { contrast, css, lightness, mix, opaque, parseColour, type Rgb } from './colour.ts';

export type ThemeKind = 'light' | 'dark' | 'highContrast' | 'highContrastLight';

/** What figures need of VS Code's theme, as plain values. */
export interface Theme {
  readonly kind: ThemeKind;
  readonly background: Rgb;
  readonly foreground: Rgb;
  readonly muted: Rgb;
  readonly border: Rgb;
  /** Lines inside figures: fainter than borders, in high contrast too. */
  readonly grid: Rgb;
  readonly focus: Rgb;
  readonly accent: Rgb;
  /** The second hue, for what is surprising. */
  readonly warm: Rgb;
  readonly fontFamily: string;
  readonly monoFamily: string;
  readonly fontSize: number;
  /** Colours for 0..1 by falling likeness to the background; lightness is monotone. */
  readonly sequential: readonly Rgb[];
  /** The same towards the warm hue, mild enough for text on top. */
  readonly heat: readonly Rgb[];
  /** Towards the accent, as mild. */
  readonly cool: readonly Rgb[];
}

const STOPS = 9;

/** Reads a theme from the values of --vscode-* variables. Missing ones fall back on the foreground and background. */
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
  const border = colour(mix(background, foreground, 0.15), ...(highContrast ? ['--vscode-contrastBorder'] : []), '--vscode-panel-border', '--vscode-widget-border');
  const focus = colour(foreground, '--vscode-focusBorder');
  const accent = colour(focus, '--vscode-charts-blue', '--vscode-textLink-foreground');
  // The editor paints the most surprising tokens with this colour of ours: panel and editor look alike.
  const surprising = variable('--vscode-explainTokens-surprisal5');
  const warm = opaque(surprising) ?? colour(accent, '--vscode-charts-orange', '--vscode-editorWarning-foreground');
  const hottest = parseColour(surprising, background) ?? mix(background, warm, highContrast ? 0.7 : 0.62);
  return {
    kind, background, foreground, muted, border, grid: mix(background, foreground, highContrast ? 0.25 : 0.12), focus, accent, warm,
    fontFamily: variable('--vscode-font-family') || 'sans-serif',
    monoFamily: variable('--vscode-editor-font-family') || 'monospace',
    fontSize: Number.parseFloat(variable('--vscode-font-size')) || 13,
    sequential: sequentialColours(background, accent, foreground),
    heat: range(STOPS).map((share) => mix(background, hottest, share)),
    cool: range(STOPS).map((share) => mix(background, accent, share * (highContrast ? 0.7 : 0.62))),
  };
}

/** From just off the background through the hue to beyond it, away from the background: even steps of lightness. */
export function sequentialColours(background: Rgb, hue: Rgb, foreground: Rgb): readonly Rgb[] {
  const dark = lightness(background) < 0.5;
  const extreme: Rgb = dark ? mix(foreground, [255, 255, 255], 0.6) : [0, 0, 0];
  const start = mix(background, hue, 0.08);
  const end = mix(hue, extreme, dark ? 0.72 : 0.62);
  const from = lightness(start);
  const to = lightness(end);
  const middle = (lightness(hue) - from) / (to - from);
  const pivot = Number.isFinite(middle) ? Math.min(0.75, Math.max(0.35, middle)) : 0.5;
  return range(STOPS).map((share) => (share <= pivot ? mix(start, hue, share / pivot) : mix(hue, end, (share - pivot) / (1 - pivot))));
}

/** From the accent over the background to the warm hue: for what leans to either of two sides, 0.5 being neither. */
export function divergingColours(theme: Theme): readonly Rgb[] {
  const known = divergingScales.get(theme);
  if (known !== undefined) return known;
  const side = (hue: Rgb): readonly Rgb[] => range(STOPS).map((share) => mix(theme.background, hue, share * 0.85));
  const made = [...side(theme.accent).toReversed(), ...side(theme.warm).slice(1)];
  divergingScales.set(theme, made);
  return made;
}

const divergingScales = new WeakMap<Theme, readonly Rgb[]>();

/** The scale's colour at 0..1, interpolated; NaN gives the first. */
export function colourAt(scale: readonly Rgb[], value: number): Rgb {
  const place = Math.min(1, Math.max(0, Number.isNaN(value) ? 0 : value)) * (scale.length - 1);
  const low = scale[Math.floor(place)] ?? [0, 0, 0];
  const high = scale[Math.ceil(place)] ?? low;
  return mix(low, high, place - Math.floor(place));
}

/** Foreground or background of the theme, whichever is easier to read on this colour. */
export function textOn(theme: Theme, colour: Rgb): Rgb {
  const dark: Rgb = lightness(theme.background) < lightness(theme.foreground) ? theme.background : theme.foreground;
  const light: Rgb = dark === theme.background ? theme.foreground : theme.background;
  const candidates = [theme.foreground, dark, light, mix(light, [255, 255, 255], 0.8), mix(dark, [0, 0, 0], 0.8)];
  if (contrast(theme.foreground, colour) >= 4.5) return theme.foreground;
  return candidates.reduce((best, next) => (contrast(next, colour) > contrast(best, colour) ? next : best));
}

/** A colour scale as Plotly wants it: [[0, css], …, [1, css]]. */
export function plotlyScale(scale: readonly Rgb[]): readonly (readonly [number, string])[] {
  // The same scale gives the same array, or Plotly would take it for a change and compute the figure anew.
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

/** Which of VS Code's four kinds the page is in, from the body's classes. */
export function themeKind(classes: DOMTokenList): ThemeKind {
  if (classes.contains('vscode-high-contrast-light')) return 'highContrastLight';
  if (classes.contains('vscode-high-contrast')) return 'highContrast';
  return classes.contains('vscode-light') ? 'light' : 'dark';
}

/** The page's theme now, and again whenever VS Code changes it. Returns what stops watching. */
export function watchTheme(page: Document, changed: (theme: Theme) => void): () => void {
  const read = (): void => {
    const style = getComputedStyle(page.documentElement);
    changed(readTheme((name) => style.getPropertyValue(name).trim(), themeKind(page.body.classList)));
  };
  const observer = new MutationObserver(read);
  observer.observe(page.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
  observer.observe(page.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
  read();
  return () => observer.disconnect();
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index / (count - 1));
}
