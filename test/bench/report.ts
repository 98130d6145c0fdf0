import { appendFileSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ARTIFACTS = join(import.meta.dirname, '../../artifacts');

/** Adds a row to the bench's report; scripts/bench.mjs prints the tables. */
export function record(table: string, row: Readonly<Record<string, string | number>>): void {
  mkdirSync(ARTIFACTS, { recursive: true });
  appendFileSync(join(ARTIFACTS, 'bench.jsonl'), `${JSON.stringify({ table, row })}\n`);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Resident memory of this process, worker threads included. */
export function ownMegabytes(): number {
  return process.memoryUsage.rss() / 2 ** 20;
}

/** Resident memory of the processes this one started, such as the native runtime's; 0 where the system does not tell. */
export function childrenMegabytes(): number {
  try {
    let kilobytes = 0;
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (parent !== process.pid) continue;
      kilobytes += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))?.[1] ?? 0);
    }
    return kilobytes / 1024;
  } catch {
    return 0;
  }
}
