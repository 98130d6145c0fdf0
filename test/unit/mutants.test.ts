import { describe, expect, it } from 'vitest';
import { chooseMutants, mutated, MUTATION_KINDS, placesOf } from '../../scripts/lib/mutants.mjs';

const SOURCE = [
  "import { at } from './tensor.ts';",
  '/** A row is 7 numbers: i + 1. */',
  'export function f(i: number): number {',
  "  const text = 'i - 2'; // and 3",
  '  if (i < 10 || /4 - 5/.test(text)) return at(row, i + 1) / 0.5;',
  '  return Math.max(row[i] ?? 6, i) === 8 ? 1 : -1;',
  '}',
  '',
].join('\n');
const changes = (kind: string): readonly string[] =>
  placesOf(SOURCE, kind).map(({ text, replacement }) => `${text.trim()} → ${replacement.trim()}`);

describe('places for a small wrong change', () => {
  it.each([
    ['number', ['10 → 11', '1 → 2', '0.5 → 1', '6 → 7', '8 → 9', '1 → 2', '1 → 2']],
    ['sign', ['+ → -']],
    ['index', ['[i] → [i + 1]']],
    ['operator', ['/ → *']],
    ['bound', ['< → <=']],
    ['equality', ['=== → !==']],
    ['extreme', ['Math.max → Math.min']],
  ])('of kind %s are those in code, not in words', (kind, expected) => {
    expect(changes(kind)).toEqual(expected);
  });

  it('change that and nothing else', () => {
    const [place] = placesOf(SOURCE, 'sign');
    if (place === undefined) throw new Error('There is no sign.');
    expect(mutated(SOURCE, place)).toBe(SOURCE.replace('at(row, i + 1)', 'at(row, i - 1)'));
  });

  it('are chosen alike for a seed, one file after another, the kinds in turn', () => {
    const files = new Map(Array.from({ length: 9 }, (_, n) => [`${n}.ts`, SOURCE] as const));
    const chosen = chooseMutants(files, 14, 3);
    expect(chooseMutants(files, 14, 3)).toEqual(chosen);
    expect(chooseMutants(files, 14, 4)).not.toEqual(chosen);
    expect(new Set(chosen.slice(0, 9).map(({ file }) => file)).size).toBe(9);
    expect(chosen.slice(0, 7).map(({ kind }) => kind)).toEqual(MUTATION_KINDS);
    expect(new Set(chosen.map(({ file, offset }) => `${file} ${offset}`)).size).toBe(14);
  });
});
