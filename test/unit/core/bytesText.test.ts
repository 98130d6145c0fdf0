import { expect, it } from 'vitest';
import { bytesText } from '../../../src/core/bytesText.ts';

it.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [548_105_171, '548.1 MB'],
  [2.5e9, '2.5 GB'],
  [4e12, '4.0 TB'],
  // Beyond the largest unit the number grows.
  [5e15, '5000.0 TB'],
])('%d bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});
