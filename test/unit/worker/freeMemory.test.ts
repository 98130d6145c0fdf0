import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { totalmem, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { availableOfMeminfo, availableOfVmStat, cgroupRooms, freeMemory } from '../../../src/worker/freeMemory.node.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'explain-tokens-cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

test('what the kernel would give up counts as free', () => {
  expect(availableOfMeminfo('MemTotal:       24683620 kB\nMemFree:          590276 kB\nMemAvailable:   21453416 kB\n')).toBe(
    21_453_416 * 1024,
  );
  expect(availableOfMeminfo('MemTotal:       24683620 kB\nMemFree:          590276 kB\n')).toBeNull();
});

test('inactive pages of macOS count as free', () => {
  const vmStat =
    'Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free:                              5000.\nPages active:   ' +
    '                       200000.\nPages inactive:                        150000.\nPages speculative:                        900.\n';
  expect(availableOfVmStat(vmStat)).toBe(155_000 * 16_384);
  expect(availableOfVmStat('')).toBeNull();
});

test("a container's limit counts, of version 2 with its parents' limits", async () => {
  write('a/b/memory.max', 'max\n');
  write('a/b/memory.current', '5\n');
  write('a/memory.max', '1000\n');
  write('a/memory.current', '700\n');
  write('a/memory.stat', 'anon 500\ninactive_file 150\n');
  expect(await cgroupRooms('0::/a/b\n', root)).toEqual([450]);
});

test("a container's limit counts, of version 1", async () => {
  write('memory/x/memory.limit_in_bytes', '2000\n');
  write('memory/x/memory.usage_in_bytes', '2500\n');
  write('memory/x/memory.stat', 'inactive_file 1\ntotal_inactive_file 700\n');
  expect(await cgroupRooms('5:cpu,cpuacct:/x\n4:memory:/x\n0::/\n', root)).toEqual([200]);
  expect(await cgroupRooms('nonsense\n4:memory:/../../etc\n', root)).toEqual([]);
});

test('on this machine some memory is free, and no more than there is', async () => {
  const free = await freeMemory();
  expect(free).toBeGreaterThan(1e6);
  expect(free).toBeLessThanOrEqual(totalmem());
});
