import { expect, test } from 'vitest';
import { changedLines } from '../../../src/core/changedLines.ts';
import { generator } from '../../generator.ts';

const changes = (before: string, after: string): readonly string[] =>
  changedLines(before, after).map(({ start, end }) => after.slice(start, end));

test.each([
  ['nothing', 'a\nb\n', 'a\nb\n', []],
  ['a line in the middle', 'a\nb\nc\n', 'a\nx\nc\n', ['x\n']],
  ['lines added at both ends', 'a\nb', '0\na\nb\nc\nd', ['0\n', 'c\nd']],
  ['two changes', 'a\nb\nc\nd\ne\n', 'a\nB\nc\nd\nE\nf\n', ['B\n', 'E\nf\n']],
  ['lines that were only removed', 'a\nb\nc\n', 'a\nc\n', []],
  ['other ends of lines alone', 'a\nb\n', 'a\r\nb\r', []],
  ['a text that was empty', '', 'a\n\nb', ['a\n\nb']],
  ['a text that is empty now', 'a\n', '', []],
  ['an end of the last line', 'a', 'a\n', []],
])('changed lines: %s', (_, before, after, expected) => {
  expect(changes(before, after)).toEqual(expected);
});

test('what was not changed is left once the changed lines are taken out, in order, and is in the old text', () => {
  const random = generator(11);
  const textOf = (): string => Array.from({ length: random(12) }, () => `${'abc'.charAt(random(3))}\n`).join('');
  for (let round = 0; round < 300; round++) {
    const [before, after] = [textOf(), textOf()];
    let [rest, at] = ['', 0];
    for (const { start, end } of changedLines(before, after)) {
      expect(end).toBeGreaterThan(start);
      rest += after.slice(at, start);
      at = end;
    }
    rest += after.slice(at);
    let place = 0;
    for (const line of rest.split('\n').slice(0, -1)) {
      place = `\n${before}`.indexOf(`\n${line}\n`, place) + 1;
      expect(place, JSON.stringify([before, after, rest])).toBeGreaterThan(0);
    }
  }
});

test('two long texts that have nothing in common take no longer than others', () => {
  const text = (name: string): string => Array.from({ length: 30_000 }, (_, line) => `${name}${line}\n`).join('');
  const begun = performance.now();
  expect(changedLines(`same\n${text('a')}`, `same\n${text('b')}`)).toEqual([{ start: 5, end: 5 + text('b').length }]);
  expect(performance.now() - begun).toBeLessThan(2000);
});
