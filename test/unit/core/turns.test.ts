import { expect, test } from 'vitest';
import { mapInTurns } from '../../../src/core/turns.ts';

test('long lists are mapped in order, and what waits is done between parts of them', async () => {
  const items = Array.from({ length: 2000 }, (_, index) => 3 * index);
  const done: number[] = [];
  let mapped = 0;
  const wait = (): void => {
    done.push(mapped);
    if (mapped < items.length) setImmediate(wait);
  };
  setImmediate(wait);
  const results = await mapInTurns(items, (item, index) => {
    mapped++;
    return item + index;
  });
  expect(results).toEqual(items.map((item, index) => item + index));
  expect(done.filter((count) => count > 0 && count < items.length).length).toBeGreaterThan(1);
});

test('what a part throws ends it, and an empty list is empty', async () => {
  await expect(
    mapInTurns([1, 2], () => {
      throw new RangeError('No.');
    }),
  ).rejects.toThrow('No.');
  expect(await mapInTurns([], () => 1)).toEqual([]);
});
