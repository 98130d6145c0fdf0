import { expect, test } from 'vitest';
import { FNV1A_START, fnv1a } from '../../../src/core/fnv1a.ts';

// The published vectors of the 32-bit hash: http://www.isthe.com/chongo/src/fnv/test_fnv.c
test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('the hash of %j is the published one', (text, expected) => {
  expect([...Buffer.from(text)].reduce(fnv1a, FNV1A_START)).toBe(expected);
});
