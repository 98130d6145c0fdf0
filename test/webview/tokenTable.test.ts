import { describe, expect, it } from 'vitest';
import { chosenItems, tableItems, type TableChoice, type TableItems } from '../../webview/figures/tokenTable.ts';
import { itemsAsJson, itemsAsTable } from '../../webview/figures/tokenTableCopy.ts';
import { surprisalHistogram } from '../../webview/figures/surprisalHistogram.ts';
import { largeFixture } from './largeFixture.ts';
import { readFixture } from './readFixture.ts';

const { explanation } = readFixture().shown;
const ALL: TableChoice = { sort: { column: 'index', descending: false }, text: '', id: null, bits: 0 };
const bitsOf = (token: number): number => -(explanation.logprob[token] ?? Number.NaN) / Math.LN2;
const names = (items: TableItems, choice: Partial<TableChoice>): readonly (string | undefined)[] =>
  Array.from(chosenItems(items, { ...ALL, ...choice }, 'en'), (item) => items.visible[item]);

describe('rows of tokens', () => {
  const items = tableItems(explanation, 'token');

  it('are all of them in the order of the text', () => {
    expect([...chosenItems(items, ALL, 'en')]).toEqual(explanation.tokens.map(({ index }) => index));
  });

  it.each(['bits', 'probability', 'rank', 'entropy', 'id', 'bytes'] as const)(
    'are sorted by %s both ways, equal ones as in the text, those without a number last',
    (column) => {
      const key = (item: number): number => {
        const token = explanation.tokens[item];
        if (column === 'id') return token?.id ?? 0;
        if (column === 'bytes') return token?.bytes.length ?? 0;
        if (column === 'bits') return bitsOf(item);
        return (column === 'probability' ? explanation.logprob : explanation[column])[item] || Number.NaN;
      };
      for (const descending of [true, false]) {
        const order = [...chosenItems(items, { ...ALL, sort: { column, descending } }, 'en')];
        expect(order.toSorted((a, b) => a - b)).toEqual(explanation.tokens.map(({ index }) => index));
        for (const [place, item] of order.slice(1).entries()) {
          const [before, after] = [key(order[place] ?? 0), key(item)];
          if (Number.isNaN(before)) expect(Number.isNaN(after)).toBe(true);
          else if (!Number.isNaN(after)) expect(descending ? before >= after : before <= after).toBe(true);
          if (before === after) expect(order[place]).toBeLessThan(item);
        }
      }
    },
  );

  it('are sorted by their words, with or without a space before them', () => {
    const sorted = names(items, { sort: { column: 'text', descending: false } });
    const words = sorted.filter((name) => name === ';' || name === '·i' || name === 'let' || name === '·model');
    expect(words.map((name) => name?.replace('·', ''))).toEqual(words.map((name) => name?.replace('·', '')).toSorted());
  });

  it('are filtered by text as it is or as it is shown, in any case, by id, and by bits', () => {
    expect(new Set(names(items, { text: 'MODEL' }))).toEqual(new Set(['·model']));
    expect(names(items, { text: '·model' })).toEqual(names(items, { text: ' model' }));
    expect(new Set(names(items, { id: 745 }))).toEqual(new Set(['·i']));
    const high = [...chosenItems(items, { ...ALL, bits: 10 }, 'en')];
    expect(high).toEqual(explanation.tokens.flatMap(({ index }) => (bitsOf(index) >= 10 ? [index] : [])));
    expect(high.length).toBeGreaterThan(0);
    expect(names(items, { text: 'no such text' })).toEqual([]);
    expect(names(items, { text: 'model', id: 745 })).toEqual([]);
  });

  it('find a token that is part of a character by the character', () => {
    const parts = names(items, { text: '🙂' });
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.every((name) => /^⟨[0-9A-F ]+⟩$/.test(name ?? ''))).toBe(true);
  });
});

describe('rows of words', () => {
  const items = tableItems(explanation, 'word');

  it('hold every token once, and their bits are the sums of the tokens’', () => {
    expect(items.runs.flatMap(({ first, end }) => Array.from({ length: end - first }, (_, offset) => first + offset))).toEqual(
      explanation.tokens.map(({ index }) => index),
    );
    for (const [item, { first, end }] of items.runs.entries()) {
      let sum = 0;
      for (let token = first; token < end; token++) sum += explanation.logprob[token] ?? Number.NaN;
      if (Number.isNaN(sum)) expect(items.logprob[item]).toBeNaN();
      else expect(items.logprob[item]).toBeCloseTo(sum, 4);
    }
  });

  it('have the text of all their tokens, Chinese words too', () => {
    expect(items.visible).toContain('你好');
    expect(items.visible).toContain('天气');
    expect(items.visible.length).toBeLessThan(explanation.tokens.length);
  });

  it('are found by the id of any of their tokens, and sorted by a column of tokens as the text', () => {
    const several = items.runs.find(({ first, end }) => end - first > 1) ?? expect.fail('No word has several tokens.');
    const id = explanation.tokens[several.end - 1]?.id ?? -1;
    expect([...chosenItems(items, { ...ALL, id }, 'en')]).toContain(items.itemOf[several.first]);
    expect([...chosenItems(items, { ...ALL, sort: { column: 'rank', descending: true } }, 'en')]).toEqual([...items.runs.keys()]);
  });
});

describe('copied rows', () => {
  it('are a line a row, in full precision, with texts that no spreadsheet takes for a formula', () => {
    const items = tableItems(explanation, 'token');
    const [head, ...lines] = itemsAsTable(items, [0, 34, 35], 'tsv').trimEnd().split('\r\n');
    expect(head?.split('\t')).toEqual([
      'index',
      'id',
      'text',
      'bytes',
      'start',
      'end',
      'logprob',
      'probability',
      'bits',
      'rank',
      'entropy',
    ]);
    expect(lines).toHaveLength(3);
    const cells = lines[1]?.split('\t') ?? [];
    expect(cells.slice(0, 4)).toEqual(['34', '745', '""" i"""', '20 69']);
    expect(Math.fround(Number(cells[6]))).toBe(explanation.logprob[34]);
    expect(Number(cells[8])).toBeCloseTo(bitsOf(34), 6);
  });

  it('are in JSON what they are, null where nothing is known, and of words with all ids', () => {
    const tokens = JSON.parse(itemsAsJson(tableItems(explanation, 'token'), [0])) as readonly Record<string, unknown>[];
    expect(tokens[0]).toMatchObject({ index: 0, logprob: null, probability: null, bits: null, rank: null, entropy: null });
    const items = tableItems(explanation, 'word');
    const item = items.runs.findIndex(({ first, end }) => end - first > 1);
    const { first, end } = items.runs[item] ?? { first: 0, end: 0 };
    const words = JSON.parse(itemsAsJson(items, [item])) as readonly Record<string, unknown>[];
    const own = explanation.tokens.slice(first, end);
    expect(words[0]).toMatchObject({
      index: first,
      tokens: own.length,
      ids: own.map(({ id }) => id),
      text: explanation.text.slice(own[0]?.start, own.at(-1)?.end),
    });
    expect(words[0]?.['bits']).toBeCloseTo(
      own.reduce((sum, { index }) => sum + bitsOf(index), 0),
      4,
    );
  });
});

describe('the histogram', () => {
  it('counts every predicted row once, in steps whose upper end is excluded', () => {
    const items = tableItems(explanation, 'token');
    const order = chosenItems(items, { ...ALL, bits: 10 }, 'en');
    const { step, all, shown, unpredicted } = surprisalHistogram(items, order);
    expect(step).toBe(1);
    for (const [place, count] of all.entries())
      expect(count).toBe(explanation.tokens.filter(({ index }) => Math.floor(bitsOf(index)) === place).length);
    expect(all.reduce((sum, count) => sum + count, unpredicted)).toBe(explanation.tokens.length);
    expect(shown.slice(0, 10).every((count) => count === 0)).toBe(true);
    expect(shown.slice(10)).toEqual(all.slice(10));
  });
});

it('rows of 4,096 tokens are sorted and filtered like few', () => {
  const large = largeFixture(readFixture(), 4096).shown.explanation;
  const items = tableItems(large, 'token');
  const order = chosenItems(items, { ...ALL, text: 'model', sort: { column: 'text', descending: true } }, 'en');
  expect(new Set(Array.from(order, (item) => items.visible[item]))).toEqual(new Set(['·model']));
  expect(order.length).toBe(large.tokens.filter(({ text }) => text === ' model').length);
});
