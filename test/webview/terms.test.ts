// @vitest-environment happy-dom
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { render } from 'lit-html';
import { glossary, type Term } from '../../webview/parts/glossary.ts';
import { explained, explainTerms, termFinder } from '../../webview/parts/terms.ts';
import { setStrings } from '../../webview/strings.ts';

const chinese = JSON.parse(readFileSync('l10n/bundle.l10n.zh-cn.json', 'utf8')) as Record<string, string>;
afterEach(() => setStrings({}));

describe.each([
  ['English', {}, /[.!?]/gu],
  ['Chinese', chinese, /[。！？]/gu],
] as const)('the glossary in %s', (_, strings, ends) => {
  it('tells each term in two sentences, under names that no other has', () => {
    setStrings(strings);
    const terms = glossary();
    const names = terms.flatMap((term) => term.names.map((name) => name.toLowerCase()));
    expect(new Set(names).size).toBe(names.length);
    for (const { names: own, meaning } of terms) expect(meaning.replaceAll(/\d\.\d/g, '').match(ends)?.length, own[0]).toBe(2);
  });

  it('finds every term by each of its names', () => {
    setStrings(strings);
    const { pattern, termOf } = termFinder(glossary());
    for (const term of glossary())
      for (const name of term.names) expect(termOf(pattern.exec(`… ${name}, …`)?.[0] ?? '')?.meaning, name).toBe(term.meaning);
  });
});

it('has an entry for what the views speak of, and takes no part of a word for a term', () => {
  const { pattern, termOf } = termFinder(glossary());
  const spoken = [
    'query',
    'key',
    'residual',
    'entropy',
    'min-p',
    'top-p',
    'top-k',
    'KL',
    'RMSNorm',
    'LayerNorm',
    'induction',
    'logit lens',
    'float32',
    'softmax',
    'logits',
    'embedding',
    'temperature',
    'surprisal',
    'attention sink',
    'experts',
    'cosine',
    'KV cache',
    'gradient',
    'steering',
    'activation patching',
    'direct logit attribution',
    'bits/token',
    'unembedding',
  ];
  for (const name of spoken) expect(termOf(name), name).toBeDefined();
  for (const text of ['monkeys', 'keyboard', 'greedily', 'Klein', 'embeddings-9m', 'desktop-kit'])
    expect(pattern.exec(text), text).toBeNull();
  expect(pattern.exec('Its residual stream')?.[0]).toBe('residual stream');
});

it('tells the keys of attention from those of a keyboard', () => {
  const { pattern } = termFinder(glossary());
  for (const text of ['Click a row; arrow keys move.', 'Keys + and −, or Ctrl and the wheel, zoom too.'])
    expect(pattern.exec(text), text).toBeNull();
  expect(pattern.exec('Arrow keys choose a key.')?.index).toBe(20);
  setStrings(chinese);
  const own = termFinder(glossary()).pattern;
  for (const text of ['左右键沿分支移动，上下键换到其他分支。', '拖动或用方向键旋转。', '也可用 + 和 − 键。'])
    expect(own.exec(text), text).toBeNull();
  expect(own.exec('方向键选择一个键')?.index).toBe(7);
});

describe('a text of a template', () => {
  it('has its first term explained, once, and is text however it looks', () => {
    const root = document.createElement('p');
    const known = new Set<Term>();
    render([explained('The query <b>asks</b>; a query asks.', known), explained(' The query again, and a key.', known)], root);
    const terms = [...root.querySelectorAll('.term')];
    expect(terms.map((term) => [term.textContent, term.getAttribute('tabindex')])).toEqual([['query', '0']]);
    expect(terms[0]?.getAttribute('aria-description')).toMatch(/\w+\. .*\./);
    expect(root.textContent).toBe('The query <b>asks</b>; a query asks. The query again, and a key.');
    expect(root.querySelector('b')).toBeNull();
  });

  it('shows what its term means while the pointer is on it, and hides it by Escape', () => {
    const shown: string[] = [];
    const tooltip = { show: ({ title }: { readonly title: string }) => void shown.push(title), hide: () => void shown.push('') };
    explainTerms(document.body, tooltip);
    const root = document.body.appendChild(document.createElement('p'));
    render(explained('A softmax of scores.'), root);
    const term = root.querySelector('.term');
    term?.dispatchEvent(new Event('pointerover', { bubbles: true }));
    term?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    expect(shown).toEqual(['softmax', '']);
  });
});
