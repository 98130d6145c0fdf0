import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  bits,
  columnDecimals,
  cosineText,
  decimal,
  integer,
  percent,
  percentInColumn,
  setLanguage,
  signedDecimal,
  signedSignificant,
  significant,
} from '../../webview/parts/format.ts';
import { setStrings, t } from '../../webview/strings.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const chinese = JSON.parse(readFileSync(join(ROOT, 'l10n/bundle.l10n.zh-cn.json'), 'utf8')) as Record<string, string>;
const used = readdirSync(join(ROOT, 'webview'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .flatMap((name) =>
    [...readFileSync(join(ROOT, 'webview', name), 'utf8').matchAll(/\bt\(\s*('(?:[^'\\]|\\.)*'(?:\s*\+\s*'(?:[^'\\]|\\.)*')*)/g)].map(
      // A long text is written in pieces.
      ([, pieces = '']) => [...pieces.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, piece = '']) => piece).join(''),
    ),
  );

const places = (from: string): string[] => [...from.matchAll(/\{\d\}/g)].map(String).sort();

describe('texts', () => {
  it('are all in the Chinese bundle, with the same places for values', () => {
    expect(used.length).toBeGreaterThan(100);
    expect(Math.max(...used.map((text) => text.length))).toBeGreaterThan(200);
    for (const text of used) {
      expect(chinese[text], text).toBeDefined();
      expect(places(chinese[text] ?? ''), text).toEqual(places(text));
    }
  });

  it('are shown in the display language, values in place, and in English without one', () => {
    setStrings({ 'Layer {0}, head {1}': '第 {0} 层，第 {1} 头' });
    expect(t('Layer {0}, head {1}', 2, 5)).toBe('第 2 层，第 5 头');
    setStrings({});
    expect(t('Layer {0}, head {1}', 2, 5)).toBe('Layer 2, head 5');
    expect(t('{0}', '{1}', 'never')).toBe('{1}');
  });
});

it('joins a name and its value as the language does', () => {
  const sources = readdirSync(join(ROOT, 'webview'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(ROOT, 'webview', name), 'utf8'));
  expect(
    sources.flatMap((source) => [...source.matchAll(/\$\{(?:t\('[^']*'\)|name(?:\([^)]*\))?|label)\}: /g)].map(([found]) => found)),
  ).toEqual([]);
});

describe('numbers', () => {
  it('are written as the language does, with their unit', () => {
    setLanguage('en');
    expect([percent(0.3561), percent(0.00001234), percent(0), percent(1), percent(Number.NaN)]).toEqual([
      '35.6%',
      '0.00123%',
      '0%',
      '100%',
      '–',
    ]);
    expect([percent(8.63e-7), percent(3.2e-9), percent(3.2e-12)]).toEqual(['0.0000863%', '0.000000320%', '3.2 × 10⁻¹⁰%']);
    expect(bits(10.779)).toBe('10.78 bits');
    expect([integer(16384), decimal(1.5, 2), significant(0.000012345)]).toEqual(['16,384', '1.50', '1.23 × 10⁻⁵']);
    setLanguage('de');
    expect(integer(16384)).toBe('16.384');
    setLanguage('not a language');
    expect(integer(16384)).toBe('16,384');
  });

  it.each(['en', 'zh-cn', 'de', 'he', 'sv'])('are negative by a minus sign, and never below what is shown as zero (%s)', (language) => {
    setLanguage(language);
    const point = decimal(0.5, 1).charAt(1);
    const digits = (text: string): string => text.replace(/[\u200e\u200f\u061c]/g, '').replace(point, '.');
    expect([decimal(-1.5, 2), significant(-0.25), cosineText(-0.5), signedDecimal(-2, 1), signedSignificant(-7, 3)].map(digits)).toEqual([
      '−1.50',
      '−0.25',
      '−0.500',
      '−2.0',
      '−7',
    ]);
    expect([integer(-3), bits(-0.5), t('{0} logits', -8)].map(digits)).toEqual(['−3', '−0.50 bits', '−8 logits']);
    expect([significant(-1.5e-7), signedSignificant(1.5e-7, 3), significant(-Infinity)].map(digits)).toEqual([
      '−1.5 × 10⁻⁷',
      '+1.5 × 10⁻⁷',
      '−∞',
    ]);
    expect(
      [decimal(-0.001, 2), signedDecimal(-0.001, 2), signedDecimal(0.5, 0), integer(-0.2), signedSignificant(-0, 3)].map(digits),
    ).toEqual(['0.00', '0.00', '+1', '0', '0']);
    expect(percentInColumn(-0.25)).not.toContain('-');
    setLanguage('en');
  });

  it('have as many decimals as the largest of their column needs, all of them', () => {
    const written = (values: readonly number[]): readonly string[] =>
      values.map((value) => decimal(value, columnDecimals(Math.max(...values), 2)));
    expect(written([0.45, 0.4, 0.039])).toEqual(['0.45', '0.40', '0.04']);
    expect([written([12.3, 4]), written([1.8, 0.25]), written([0])]).toEqual([['12', '4'], ['1.8', '0.3'], ['0.00']]);
  });
});
