import { expect, it } from 'vitest';
import { answerOf, MOST_ANSWER_UNITS } from '../../../src/agents/toolAnswer.ts';

const rows = (count: number, units = 20) => Array.from({ length: count }, (_, index) => ({ index, text: 'x'.repeat(units) }));

it('writes numbers with six significant digits, and null for what is none', () => {
  expect(answerOf({ a: 1 / 3, b: 123456789, c: NaN, d: -Infinity, e: 1e-9 / 3 })).toBe(
    '{"a":0.333333,"b":123456789,"c":null,"d":null,"e":3.33333e-10}',
  );
});

it('keeps all of what has room, and no count then', () => {
  expect(JSON.parse(answerOf({}, { rows: rows(3, 1) }))).toEqual({ rows: rows(3, 1) });
  expect(answerOf({}, { rows: [] })).toBe('{"rows":[]}');
});

it.each([[[5000]], [[0, 5000]], [[5000, 5000, 5000]], [[300, 2, 5000]]])('cuts lists of %j items to the budget, with counts', (lengths) => {
  const lists = Object.fromEntries(lengths.map((length, i) => [`list${i}`, rows(length)]));
  const text = answerOf({ name: 'a model' }, lists);
  expect(text.length).toBeLessThanOrEqual(MOST_ANSWER_UNITS);
  expect(text.length).toBeGreaterThan(MOST_ANSWER_UNITS * 0.8);
  const answer = JSON.parse(text) as Record<string, unknown>;
  for (const [name, all] of Object.entries(lists)) {
    const kept = answer[name] as readonly unknown[];
    expect(kept).toEqual(all.slice(0, kept.length));
    expect(answer[`${name}LeftOut`] ?? 0).toBe(all.length - kept.length);
  }
});

it('shortens long texts, and holds the budget with texts that JSON makes longer', () => {
  expect(answerOf({ text: '字'.repeat(1000) })).toBe(`{"text":"${'字'.repeat(199)}…"}`);
  const text = answerOf({}, { rows: rows(100).map((row) => ({ ...row, text: '\u0000'.repeat(200) })) });
  expect(text.length).toBeLessThanOrEqual(MOST_ANSWER_UNITS);
});
