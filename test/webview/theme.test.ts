import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contrast, css, lightness, mix, parseColour, type Rgb } from '../../webview/colour.ts';
import { colourAt, divergingColours, readTheme, textOn, type Theme, type ThemeKind } from '../../webview/theme.ts';
import { THEMES, type ThemeName } from './harness/themes.ts';

const KINDS: Readonly<Record<ThemeName, ThemeKind>> = {
  dark: 'dark',
  light: 'light',
  'high-contrast': 'highContrast',
  'high-contrast-light': 'highContrastLight',
};
const NAMES = Object.keys(KINDS) as ThemeName[];

function theme(name: ThemeName): Theme {
  const variables: Readonly<Record<string, string>> = THEMES[name].variables;
  return readTheme((variable) => variables[variable.replace('--vscode-', '')] ?? '', KINDS[name]);
}

describe.each(NAMES)('%s', (name) => {
  const { background, foreground, muted, sequential, heat, cool, warm, accent } = theme(name);

  it('has a scale whose lightness only ever moves away from the background', () => {
    const steps = sequential.map(lightness);
    const direction = Math.sign(lightness(sequential.at(-1) ?? background) - lightness(background));
    for (let i = 1; i < steps.length; i++) expect(direction * ((steps[i] ?? 0) - (steps[i - 1] ?? 0))).toBeGreaterThan(0.01);
    expect(contrast(sequential.at(-1) ?? background, background)).toBeGreaterThan(7);
  });

  it('has a first step in every scale that is seen on the background', () => {
    const signed = divergingColours(theme(name));
    const middle = (signed.length - 1) / 2;
    const seconds = [sequential[0], heat[1], cool[1], signed[middle - 1], signed[middle + 1]];
    for (const colour of seconds) expect(contrast(colour ?? background, background)).toBeGreaterThanOrEqual(1.07);
    expect(css(signed[middle] ?? accent)).toBe(css(background));
  });

  it('has readable text on every colour of strip and lens', () => {
    for (const scale of [heat, cool]) {
      for (let step = 0; step <= 200; step++) {
        const colour = colourAt(scale, step / 200);
        expect(contrast(textOn(theme(name), colour), colour), `${name} at ${step / 200}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  it('has readable quiet text, as of tokens that nothing predicted', () => {
    expect(contrast(muted, background)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(foreground, background)).toBeGreaterThanOrEqual(4.5);
  });

  it('has two hues that differ', () => {
    expect(Math.abs(warm[2] - accent[2])).toBeGreaterThan(60);
  });
});

it('works without any variable', () => {
  const bare = readTheme(() => '', 'light');
  expect(bare.background).toEqual([255, 255, 255]);
  expect(bare.foreground).toEqual([0, 0, 0]);
  expect(bare.fontSize).toBe(13);
});

describe('colours', () => {
  it('are read in the forms VS Code writes, alpha blended', () => {
    expect(parseColour('#1f1f1f')).toEqual([31, 31, 31]);
    expect(parseColour('#fff')).toEqual([255, 255, 255]);
    expect(parseColour('rgba(255, 255, 255, 0.5)', [0, 0, 0])).toEqual([127.5, 127.5, 127.5]);
    expect(parseColour('#00000080', [255, 255, 255])?.map(Math.round)).toEqual([127, 127, 127]);
    expect(parseColour('rgb(1 2 3 / 50%)', [1, 2, 3])).toEqual([1, 2, 3]);
    expect(parseColour('tomato')).toBeUndefined();
    expect(parseColour('')).toBeUndefined();
  });

  it('mix in OKLab: the ends are the colours, mid grey is where Ottosson puts it', () => {
    const red: Rgb = [255, 0, 0];
    const blue: Rgb = [0, 0, 255];
    expect(css(mix(red, blue, 0))).toBe('rgb(255, 0, 0)');
    expect(css(mix(red, blue, 1))).toBe('rgb(0, 0, 255)');
    // CSS Color 4, color-mix(in oklab, white, black).
    expect(css(mix([255, 255, 255], [0, 0, 0], 0.5))).toBe('rgb(99, 99, 99)');
  });

  it('have the contrast of WCAG', () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5);
    expect(contrast([119, 119, 119], [255, 255, 255])).toBeCloseTo(4.48, 2);
  });
});

describe('the styles of the page', () => {
  const FOLDER = 'webview/styles';
  const styles = readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')] as const);

  it('have no size of type but those of the page', () => {
    const sizes = styles.flatMap(([name, text]) => [...text.matchAll(/font-size: ([^;]+);/g)].map(([, size]) => [name, size] as const));
    expect(sizes.length).toBeGreaterThan(50);
    expect(
      sizes.filter(([name, size]) => name !== 'browserTheme.css' && !/^var\(--(text|small|tiny|head|large)\)$/.test(size ?? '')),
    ).toEqual([]);
  });
});
