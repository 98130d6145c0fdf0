import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const ARTIFACTS = join(import.meta.dirname, '../../artifacts');

/** Adds a row to a table of the report, which scripts/bench.mjs prints. */
export function record(table: string, row: Readonly<Record<string, string | number>>): void {
  mkdirSync(ARTIFACTS, { recursive: true });
  appendFileSync(join(ARTIFACTS, 'bench.jsonl'), `${JSON.stringify({ table, row })}\n`);
}

/** The median; NaN of no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Median, 95th percentile and longest of times in milliseconds, as columns of a table; what took no time, NaN, does not count. */
export function percentiles<Of>(name: string, all: readonly Of[], of: (one: Of) => number): Readonly<Record<string, number>> {
  const sorted = all
    .map(of)
    .filter((ms) => !Number.isNaN(ms))
    .toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { [`${name}, median ms`]: at(0.5), [`${name}, 95 % ms`]: at(0.95), [`${name}, longest ms`]: at(1) };
}

/** Resident memory of this process in MiB, including worker threads. */
export function ownMegabytes(): number {
  return process.memoryUsage.rss() / 2 ** 20;
}

/** Resident memory, in MiB, of the child processes, such as the model's; 0 where the system does not say. */
export function childrenMegabytes(): number {
  return childrenOf(process.pid).reduce((sum, pid) => sum + statusMegabytes(pid, 'VmRSS'), 0);
}

/** Peak resident memory of a process, which the system keeps for as long as it lives; 0 where it does not tell. */
export function peakMegabytes(pid: number): number {
  return statusMegabytes(pid, 'VmHWM');
}

/** Milliseconds of processor time that a process has used, of all its threads; 0 where the system does not tell. */
export function processorMs(pid: number): number {
  const stat = processFile(pid, 'stat');
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  // Ticks, of which Linux tells 100 a second.
  return 10 * (user + system);
}

/** The processes that one started; none where the system does not tell. */
export function childrenOf(parent: number): readonly number[] {
  return (existsSync('/proc') ? readdirSync('/proc') : [])
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const stat = processFile(pid, 'stat');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
    });
}

function statusMegabytes(pid: number, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(processFile(pid, 'status'))?.[1] ?? 0) / 1024;
}

/** Empty when the process has ended. */
function processFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
