import { expect, it } from 'vitest';
import { npyBytes } from '../../../src/core/npy.ts';

/** What numpy.save of NumPy 2 writes of float32 arrays. */
const HEADER = '934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a20';
const spaces = (count: number): string => '20'.repeat(count);

it.each([
  [[1, 2.5, NaN, -0, 3e-8, 65504], [2, 3], `28322c2033292c207d${spaces(58)}0a0000803f000020400000c07f0000008059d9003300e07f47`],
  [[7], [1], `28312c292c207d${spaces(60)}0a0000e040`],
  [[], [0, 3], `28302c2033292c207d${spaces(58)}0a`],
])('writes %j of shape %j as NumPy does, to the byte', (values, dims, rest) => {
  expect(Buffer.from(npyBytes(Float32Array.from(values), dims)).toString('hex')).toBe(HEADER + rest);
});

it('refuses a shape of another size', () => {
  expect(() => npyBytes(new Float32Array(5), [2, 3])).toThrow('5 numbers are no array of 2 x 3.');
});
