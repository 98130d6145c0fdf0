import { expect, it } from 'vitest';
import { npyBytes, npyIntegers } from '../../../src/core/npy.ts';

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

/** What numpy.save of NumPy 2 writes of an array of such a type and shape, `order` its place for "fortran_order". */
function saved(type: string, order: 'False' | 'True', shape: string, data: string): Uint8Array {
  const header = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${shape}), }`.padEnd(117) + '\n';
  return Uint8Array.from(Buffer.concat([Buffer.from('934e554d505901007600', 'hex'), Buffer.from(header), Buffer.from(data, 'hex')]));
}

it.each([
  ['|u1', '2, 1, 2', '00ff0703', [2, 1, 2], [0, 255, 7, 3]],
  ['<u2', '1, 1, 2', '0000ffff', [1, 1, 2], [0, 65535]],
  ['<i4', '1, 1, 2', 'ffffffff70110100', [1, 1, 2], [-1, 70000]],
  ['|u1', '0, 3', '', [0, 3], []],
])('reads %s of shape (%s) as NumPy does', (type, shape, data, dims, values) => {
  expect(npyIntegers(saved(type, 'False', shape, data))).toEqual({ dims, values: Int32Array.from(values) });
});

it.each([
  ['fractions', saved('<f4', 'False', '1', '0000803f')],
  ['numbers of 64 bits', saved('<i8', 'False', '1', '0100000000000000')],
  ['another order', saved('|u1', 'True', '2, 2', '00020103')],
  ['a part', saved('|u1', 'False', '2, 2', '000201')],
  ['a size beyond all memory', saved('|u1', 'False', '999999999999, 999999999999', '00')],
  ['a cut header', saved('|u1', 'False', '1', '00').subarray(0, 60)],
  ['nothing', new Uint8Array()],
  ['something else', Uint8Array.from(Buffer.from('<html>It works!</html>'))],
])('takes %s for no array of whole numbers', (_, bytes) => {
  expect(npyIntegers(bytes)).toBeNull();
});
