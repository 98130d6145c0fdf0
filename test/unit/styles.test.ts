import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';

const STYLES = join(ROOT, 'webview/styles');
/** Parts of a slider that Firefox has under another name, and what each needs there to look the same. */
const PARTS = [
  ['::-webkit-slider-runnable-track', '::-moz-range-track'],
  ['::-webkit-slider-thumb', '::-moz-range-thumb'],
] as const;
/** What only Chromium places by hand. */
const CHROMIUM_ONLY = /^(appearance|margin-top):/;

/** Declarations of each rule with a selector that ends in a pseudo-element. */
function rulesOf(style: string, part: string): ReadonlyMap<string, readonly string[]> {
  const rules = [...style.matchAll(/([^{}]+)\{([^{}]*)\}/g)].map(
    ([, selector = '', body = '']) => [selector.replaceAll(/\/\*[^]*?\*\//g, '').trim(), body] as const,
  );
  return new Map(
    rules
      .filter(([selector]) => selector.endsWith(part))
      .map(([selector, body]) => [
        selector.slice(0, -part.length),
        body
          .split(';')
          .map((one) => one.trim())
          .filter((one) => one !== ''),
      ]),
  );
}

it.each(PARTS)('%s looks the same in Firefox', (inChromium, inFirefox) => {
  const styles = readdirSync(STYLES)
    .filter((file) => file.endsWith('.css'))
    .map((file) => readFileSync(join(STYLES, file), 'utf8'))
    .join('\n');
  const [chromium, firefox] = [rulesOf(styles, inChromium), rulesOf(styles, inFirefox)];
  expect(chromium.size).toBeGreaterThan(0);
  for (const [selector, declarations] of chromium) {
    expect(firefox.get(selector), selector).toEqual(expect.arrayContaining(declarations.filter((one) => !CHROMIUM_ONLY.test(one))));
  }
});
