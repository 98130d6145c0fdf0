import { describe, expect, test } from 'vitest';
import { duplicateKey } from '../../../src/model/formats/duplicateKeys.ts';
import { widen } from '../../../src/model/formats/widen.ts';

describe('widening', () => {
  const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  const bytes = new Uint8Array(halves.buffer);

  test('gives every float16 its value', () => {
    const found = widen(bytes, 'F16');
    for (const half of halves) {
      const exponent = (half >> 10) & 31;
      const fraction = half & 1023;
      const size =
        exponent === 0
          ? fraction * 2 ** -24
          : exponent === 31
            ? fraction === 0
              ? Infinity
              : Number.NaN
            : (1 + fraction / 1024) * 2 ** (exponent - 15);
      expect(found[half]).toBe(half >= 32_768 ? -size : size);
    }
  });

  test('gives every bfloat16 the float32 whose upper half it is', () => {
    const found = new Uint32Array(widen(bytes, 'BF16').buffer);
    expect(found.every((word, half) => word === half * 65_536)).toBe(true);
  });

  test('reads a view at an odd place', () => {
    const shifted = new Uint8Array(9);
    shifted.set(new Uint8Array(Float32Array.of(1.5, -2).buffer), 1);
    expect([...widen(shifted.subarray(1), 'F32')]).toEqual([1.5, -2]);
  });
});

test.each([
  ['{}', null],
  ['{"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]}', null],
  ['{"a": "b", "b": "a", "c": ["a", "a"]}', null],
  ['{"a": 1, "a": 2}', 'a'],
  ['{"a": {"x": [1, {"y": 1}], "z": 0}, "b": {"z": 1, "z": 2}}', 'z'],
  [String.raw`{"a\"": 1, "a\\": 2, "\u0061\"": 3}`, 'a"'],
  ['{"a": "}{\\"b\\": 1, \\"b\\": 2", "b": 1}', null],
])('the key that %s says twice is %j', (json, expected) => {
  expect(JSON.parse(json)).toBeTypeOf('object');
  expect(duplicateKey(json)).toBe(expected);
});
