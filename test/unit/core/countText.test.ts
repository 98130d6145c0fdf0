import { expect, it } from 'vitest';
import { countText } from '../../../src/core/countText.ts';

it('groups the digits of a number by three', () => {
  expect([0, 7, 999, 1000, 1024, 65_536, 200_000, 1_048_576].map(countText).join(' ')).toBe('0 7 999 1,000 1,024 65,536 200,000 1,048,576');
});
