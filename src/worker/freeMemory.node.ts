import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { promisify } from 'node:util';

/** Time limit for `vm_stat`, which takes a few milliseconds. */
const VM_STAT_MAX_MS = 2000;

/**
 * Bytes of memory that a model may take without displacing other programs: free memory, plus caches that the system gives up on demand,
 * which `os.freemem` leaves out on Linux and macOS; in a container at most what its limit leaves.
 */
export async function freeMemory(): Promise<number> {
  if (process.platform === 'linux') {
    const available = availableOfMeminfo(await text('/proc/meminfo')) ?? freemem();
    return Math.min(available, ...(await cgroupRooms(await text('/proc/self/cgroup'))));
  }
  if (process.platform === 'darwin') {
    const { stdout } = await promisify(execFile)('vm_stat', { timeout: VM_STAT_MAX_MS }).catch(() => ({ stdout: '' }));
    return availableOfVmStat(stdout) ?? freemem();
  }
  // Windows counts its standby cache as free.
  return freemem();
}

/** `MemAvailable` of /proc/meminfo (proc(5)) in bytes; null where the text has none. */
export function availableOfMeminfo(meminfo: string): number | null {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/**
 * Bytes in the free and inactive pages of `vm_stat`, whose free pages do not include speculative ones (as psutil counts them); null
 * for other text.
 */
export function availableOfVmStat(vmStat: string): number | null {
  const pageBytes = /page size of (\d+) bytes/.exec(vmStat)?.[1];
  const pages = ['free', 'inactive'].map((kind) => new RegExp(`^Pages ${kind}:\\s+(\\d+)\\.`, 'm').exec(vmStat)?.[1]);
  return pageBytes === undefined || pages.includes(undefined)
    ? null
    : Number(pageBytes) * pages.reduce((sum, count) => sum + Number(count), 0);
}

/**
 * Bytes left under each limit of the process's control groups (cgroups(7), version 2 or 1); groups without a limit are left out.
 * `membership` is the text of /proc/self/cgroup, `root` the folder where control groups are mounted.
 */
export async function cgroupRooms(membership: string, root = '/sys/fs/cgroup'): Promise<readonly number[]> {
  const rooms: number[] = [];
  for (const line of membership.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined || controllers === undefined) continue;
    const isFirst = controllers.split(',').includes('memory');
    if (!isFirst && controllers !== '') continue;
    const names = isFirst
      ? { limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes', cache: 'total_inactive_file' }
      : { limit: 'memory.max', usage: 'memory.current', cache: 'inactive_file' };
    // Limits of parent groups apply as well; a container may see its own group as the root.
    for (const folder of lineage(path)) {
      const base = `${root}${isFirst ? '/memory' : ''}${folder}`;
      const [limit, usage, stat] = await Promise.all([
        text(`${base}/${names.limit}`),
        text(`${base}/${names.usage}`),
        text(`${base}/memory.stat`),
      ]);
      if (!/^\d+$/.test(limit.trim()) || !/^\d+$/.test(usage.trim())) continue;
      const cache = Number(new RegExp(`^${names.cache} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
      rooms.push(Math.max(0, Number(limit) - Number(usage) + cache));
    }
  }
  return rooms;
}

/** A path and its parents: "/a/b", "/a" and "" for "/a/b". */
function lineage(path: string): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, index) =>
    parts
      .slice(0, parts.length - index)
      .map((part) => `/${part}`)
      .join(''),
  );
}

async function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
