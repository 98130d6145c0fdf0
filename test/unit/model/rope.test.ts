import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { options } from '../../../src/model/families/config.ts';
import { readRope } from '../../../src/model/families/rope.ts';
import { causalMask, rotaryFrequencies, rotaryTables, wholeText } from '../../../src/model/graph/positionsGraph.ts';
import { at } from '../../../src/core/tensor.ts';
import { expectNear } from '../../closeness.ts';

interface Expected {
  readonly config: Record<string, unknown> & {
    readonly head_dim: number;
    readonly max_position_embeddings: number;
    readonly rope_parameters: { readonly rope_type: string };
  };
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
    const ratios = Array.from(found, (frequency, pair) => frequency / at(frequencies, pair));
    expectNear(
      ratios,
      frequencies.map(() => 1),
      3e-7,
      'frequency',
    );
  });

  test('turns the last position as transformers does', () => {
    const tables = rotaryTables(rope, length);
    const start = (length - 1) * config.head_dim;
    // An angle of n radians is known to n * 2^-24: a last-bit difference of a frequency shows there and nowhere else.
    const known = 1e-6 + length * 2e-7;
    const signed = sin.map((value, i) => (i < config.head_dim / 2 ? -value : value));
    expectNear(tables.cos.subarray(start, start + config.head_dim), cos, known, 'cosine');
    expectNear(tables.sin.subarray(start, start + config.head_dim), signed, known, 'sine');
  });
});

test('the causal mask hides exactly the keys after the query', () => {
  const hidden = [...causalMask(wholeText(3))].map((value) => value < -1e38);
  expect(hidden).toEqual([false, true, true, false, false, true, false, false, false]);
});
