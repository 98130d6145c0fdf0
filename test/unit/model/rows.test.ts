import { expect, test } from 'vitest';
import { growingRows } from '../../../src/model/run/rows.ts';

test('rows of a long text that comes piece by piece are moved a few times, and have little room that nothing is in', () => {
  const [groups, width, tokens, piece] = [2, 3, 4096, 64];
  const rows = growingRows(groups, width, { tokens, room: 'asNeeded' });
  const numberOf = (group: number, token: number, place: number): number => (group * tokens + token) * width + place;
  const rooms = new Set<number>();
  for (let from = 0; from < tokens; from += piece) {
    const numbers = [0, 1].flatMap((group) =>
      Array.from({ length: piece * width }, (_, i) => numberOf(group, from + Math.floor(i / width), i % width)),
    );
    rows.append(Float32Array.from(numbers), piece);
    rooms.add(rows.room);
    expect(rows.room).toBeGreaterThanOrEqual(from + piece);
    expect(rows.room).toBeLessThanOrEqual(Math.max(from + piece, from * 1.125 + 64));
  }
  expect(rooms.size).toBeLessThan(30);
  expect(rows.room).toBe(tokens);
  expect(rows.taken()).toEqual(Float32Array.from({ length: groups * tokens * width }, (_, i) => i));
});
