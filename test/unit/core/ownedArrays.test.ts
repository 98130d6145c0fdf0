import { expect, test } from 'vitest';
import { buffersMoved, moved, withOwnedArrays } from '../../../src/core/ownedArrays.ts';

test('arrays leave in buffers of their own', () => {
  const whole = Float32Array.of(1, 2);
  const sent = withOwnedArrays({
    whole,
    view: Int32Array.of(1, 2, 3).subarray(1, 2),
    shared: new Uint8Array(new SharedArrayBuffer(2)),
    text: 'x',
    list: [1],
  });
  expect(sent.whole).toBe(whole);
  expect([...sent.view]).toEqual([2]);
  expect(sent.view.buffer.byteLength).toBe(4);
  expect(sent.shared.buffer).toBeInstanceOf(ArrayBuffer);
  expect(sent).toMatchObject({ text: 'x', list: [1] });
  const { stages } = withOwnedArrays({
    stages: [
      {
        name: 'query',
        values: Float32Array.of(1, 2, 3).subarray(2),
        made: { kind: 'norm', weight: Float32Array.of(4, 5).subarray(1), bias: null },
      },
    ],
  });
  expect(stages.flatMap(({ values, made }) => [values.buffer.byteLength, made.weight.buffer.byteLength, made.bias])).toEqual([4, 4, null]);
});

test('what is whole already, or no array of numbers, stays as it is', () => {
  const error = new Error('x');
  const value = { tokens: [{ id: 1, bytes: [1, 2], logprob: Number.NaN }], error, numbers: Float32Array.of(1), none: null };
  expect(withOwnedArrays(value)).toBe(value);
  const bytes = Buffer.from([1, 2, 3]).subarray(1);
  const sent = withOwnedArrays({ value, bytes });
  expect(sent.value).toBe(value);
  expect([...sent.bytes]).toEqual([2, 3]);
  expect(sent.bytes.buffer.byteLength).toBe(2);
});

test('buffers are given away by an answer that says so, and by no other', () => {
  const whole = Float32Array.of(1, 2);
  const view = Float32Array.of(1, 2, 3).subarray(1);
  expect(buffersMoved({ whole, view })).toEqual([]);
  expect(buffersMoved(moved({ whole, view, again: whole }))).toEqual([whole.buffer]);
  expect(buffersMoved(null)).toEqual([]);
});
