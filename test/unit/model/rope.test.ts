import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { options } from '../../../src/model/families/config.ts';
import { readRope } from '../../../src/model/families/rope.ts';
import { causalMask, rotaryFrequencies, rotaryTables, wholeText } from '../../../src/model/graph/positions.ts';

interface Expected {
  readonly config: Record<string, unknown> & { readonly head_dim: number; readonly max_position_embeddings: number; readonly rope_parameters: { readonly rope_type: string } };
  readonly length: number;
  readonly frequencies: readonly number[];
  readonly cos: readonly number[];
  readonly sin: readonly number[];
}
const EXPECTED = JSON.parse(readFileSync('test/fixtures/models/rope.json', 'utf8')) as readonly Expected[];

describe.each(EXPECTED)('rope $config.rope_parameters.rope_type at $length tokens', ({ config, length, frequencies, cos, sin }) => {
  const rope = readRope(options(config), config.head_dim, config.max_position_embeddings);

  test('has the frequencies of transformers to the last bits of float32', () => {
    const found = rotaryFrequencies(rope, length);
    expect(found).toHaveLength(frequencies.length);
    for (const [pair, frequency] of frequencies.entries()) expect(Math.abs((found[pair] ?? Number.NaN) / frequency - 1)).toBeLessThan(3e-7);
  });

  test('turns the last position as transformers does', () => {
    const tables = rotaryTables(rope, length);
    const start = (length - 1) * config.head_dim;
    // An angle of n radians is known to n * 2^-24: a last-bit difference of a frequency shows there and nowhere else.
    const known = 1e-6 + length * 2e-7;
    for (let i = 0; i < config.head_dim; i++) {
      const sign = i < config.head_dim / 2 ? -1 : 1;
      expect(Math.abs((tables.cos[start + i] ?? Number.NaN) - (cos[i] ?? 0))).toBeLessThan(known);
      expect(Math.abs(sign * (tables.sin[start + i] ?? Number.NaN) - (sin[i] ?? 0))).toBeLessThan(known);
    }
  });
});

test('the causal mask hides exactly the keys after the query', () => {
  const hidden = [...causalMask(wholeText(3))].map((value) => value < -1e38);
  expect(hidden).toEqual([false, true, true, false, false, true, false, false, false]);
});
