import { describe, expect, test } from 'vitest';
import { english } from '../../../src/core/translatable.ts';
import { bar, hoverMarkdown, percent, wordTokens } from '../../../src/host/editor/hoverText.ts';
import { codeBlock, codeSpan } from '../../../src/host/editor/markdownCode.ts';
import { explanationOf } from './explanations.ts';

const BOS = { text: '<s>', probability: null, special: true };

/** CommonMark's rule for code spans: what a parser reads between runs of backticks of equal length. */
function readCodeSpan(markdown: string): string {
  const fence = /^`+/.exec(markdown)?.[0] ?? '';
  const close = [...markdown.slice(fence.length).matchAll(/`+/g)].find((run) => run[0].length === fence.length);
  const content = markdown.slice(fence.length, fence.length + (close?.index ?? 0));
  expect(fence.length + content.length + fence.length).toBe(markdown.length);
  return /^ .*[^ ].* $/s.test(content) ? content.slice(1, -1) : content;
}

describe('code in Markdown', () => {
  test.each(['plain', '`', '``', 'a`b``c', '`edge`', '| pipe |', '<img src=x onerror=alert(1)>', '[x](command:a)', '\\`'])(
    'shows %s as it is',
    (text) => {
      expect(readCodeSpan(codeSpan(text))).toBe(text);
    },
  );

  test('fences are longer than any inside', () => {
    const block = codeBlock(['```', '````js', '~~~']);
    expect(block.split('\n')[0]).toBe('`````text');
    expect(block.split('\n').at(-1)).toBe('`````');
  });
});

describe('a hover', () => {
  test('shows the token, its numbers, and what was expected, best first', () => {
    const explanation = explanationOf([BOS, { text: 'Hi', probability: 0.25 }], [['Ho', 0.125]]);
    const lines = hoverMarkdown(explanation, [1], english).split('\n');
    expect(lines[0]).toBe('`Hi` · token 1 · id 1');
    expect(lines).toContain('probability 25.0% · rank 1 · surprisal 2.00 bits · entropy 2.50 bits');
    expect(lines).toContain('▸ ██▌            25.0%  Hi');
    expect(lines).toContain('  █▎             12.5%  Ho');
    expect(lines.at(-1)).toBe('Model: `tiny`');
  });

  test('adds the token itself where it is not among the candidates', () => {
    const explanation = explanationOf([BOS, { text: 'odd', probability: 0.0001, rank: 900 }], [['a', 0.5]]);
    const shown = { ...explanation, topIds: Int32Array.from([7, 100, 99, 100]), pieces: { ...explanation.pieces, 7: 'seven' } };
    const lines = hoverMarkdown(shown, [1], english).split('\n');
    expect(lines.some((line) => line.startsWith('▸') && line.includes('0.0100%') && line.endsWith('odd'))).toBe(true);
    expect(lines.filter((line) => line.startsWith('▸'))).toHaveLength(1);
  });

  test('says that nothing predicted the first token', () => {
    const explanation = explanationOf([{ text: 'Hi', probability: null }]);
    expect(hoverMarkdown(explanation, [0], english)).toContain('nothing predicted it');
    expect(hoverMarkdown(explanation, [0], english)).not.toContain('probability');
  });

  const HOSTILE = [
    '<img src=x onerror=alert(1)>',
    '```\n# heading\n[x](command:evil)',
    '`',
    '|a|b|\n|-|-|',
    '\u202eevil\u2066',
    '\0',
    '\ud800',
    '  \n\t',
    '$(alert)',
    '&lt;b&gt;',
    '](x)',
    '~~~',
  ];
  test.each(HOSTILE)('shows hostile text %j inside code only', (text) => {
    const explanation = explanationOf([BOS, { text, probability: 0.5 }], [[text, 0.25]]);
    const markdown = hoverMarkdown(explanation, [1], english);
    const [heading = '', , , , ...rest] = markdown.split('\n');
    const span = heading.slice(0, heading.lastIndexOf(' · token 1'));
    expect(readCodeSpan(span)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    const fence = /^`{3,}/.exec(rest[0] ?? '')?.[0] ?? 'none';
    const closing = rest.findIndex((line, i) => i > 0 && line === fence);
    expect(rest.slice(1, closing)).toHaveLength(2);
    expect(rest.slice(closing + 1)).toEqual(['', 'Model: `tiny`']);
    expect(rest.slice(1, closing).every((line) => /^[▸ ] /.test(line) && !line.includes(fence))).toBe(true);
  });
});

describe('the tokens of a word', () => {
  const texts = (words: readonly string[], index: number): string[] => {
    const explanation = explanationOf(words.map((text) => ({ text, probability: 0.5 })));
    return wordTokens(explanation, index).map((i) => words[i] ?? '');
  };

  test('are all that are joined by letters or digits', () => {
    expect(texts(['The', ' un', 'believ', 'able', ' cat'], 2)).toEqual([' un', 'believ', 'able']);
    expect(texts(['x', ' =', ' foo', '_bar', '(', '1'], 3)).toEqual([' foo', '_bar']);
  });

  test('are one where the script knows no spaces', () => {
    expect(texts(['语言', '模型', '很好'], 1)).toEqual(['模型']);
  });

  test('are at most six', () => {
    expect(
      texts(
        Array.from({ length: 30 }, () => 'ab'),
        15,
      ),
    ).toHaveLength(6);
  });

  test('hold every part of one character', () => {
    const explanation = explanationOf([
      { text: 'a ', probability: 0.5 },
      { text: '🙂', probability: 0.5 },
      { text: '', probability: 0.5 },
    ]);
    const tokens = explanation.tokens.map((token, i) => (i === 2 ? { ...token, start: 2, end: 4, partial: true } : token));
    expect(wordTokens({ ...explanation, tokens }, 2)).toEqual([1, 2]);
  });
});

test('bars are ten cells in eighths', () => {
  expect(bar(1)).toBe('██████████');
  expect(bar(0)).toBe(' '.repeat(10));
  expect(bar(0.0625)).toBe('▋         ');
});

test('a probability too small for decimals is told in a hover as any other', () => {
  const explanation = explanationOf([BOS, { text: 'odd', probability: 2 ** -60, rank: 900 }], [['a', 0.5]]);
  expect(hoverMarkdown(explanation, [1], english)).toContain('probability 8.67 × 10⁻¹⁷%');
});

test('percentages have three digits and never round up to certainty', () => {
  expect([0, 0.5, 0.123456, 0.000009999, 0.0000099949, 0.0000001, 0.0000000001, 0.99999, 1].map(percent)).toEqual([
    '0%',
    '50.0%',
    '12.3%',
    '0.00100%',
    '0.000999%',
    '0.0000100%',
    '1.00 × 10⁻⁸%',
    '99.999%',
    '100%',
  ]);
});
