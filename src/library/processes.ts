import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Identity of a process, written into a file so that another process can check later whether it still runs. */
export interface ProcessMark {
  readonly pid: number;
  readonly host: string;
  /** Linux: the boot id and PID namespace within which `pid` is unique; null elsewhere. */
  readonly system: string | null;
  /**
   * Linux: start time of the process in ticks since boot, which setting the clock does not change; distinguishes the process from a
   * later one with the same PID. Null elsewhere.
   */
  readonly started: string | null;
}

/** `unknown`: the process belongs to another machine or container, or its PID is in use and the start time cannot be compared. */
export type Life = 'lives' | 'gone' | 'unknown';

let own: ProcessMark | undefined;

/** The mark of this process. */
export function ownMark(): ProcessMark {
  own ??= { pid: process.pid, host: hostname(), system: systemNow(), started: startOf(process.pid) ?? null };
  return own;
}

/** Whether the process of a mark still runs. Only processes of this machine since its last boot can be checked. */
export function lifeOf(mark: ProcessMark): Life {
  const { pid, started } = mark;
  if (!isHere(mark)) return 'unknown';
  if (!hasProcess(pid)) return 'gone';
  const now = startOf(pid);
  if (now === 'ended') return 'gone';
  if (started === null || now === undefined) return 'unknown';
  return now === started ? 'lives' : 'gone';
}

/** Whether a mark's PID refers to the same set of processes as PIDs in this process do. */
export function isHere({ host, system }: Pick<ProcessMark, 'host' | 'system'>): boolean {
  const here = ownMark();
  return host === here.host && (system === null || system === here.system);
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * Start time of a process, from fields 3 (state) and 22 (start in ticks since boot) of /proc/PID/stat; the second field may contain
 * spaces and brackets. See proc_pid_stat(5).
 */
function startOf(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const [state = '', ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  // A zombie: ended, and its parent has not collected its exit status yet.
  return /^[ZXx]/.test(state) ? 'ended' : fields[18];
}

function systemNow(): string | null {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const numbering = attempt(() => readlinkSync('/proc/self/ns/pid'));
  return boot === undefined || numbering === undefined ? null : `${boot} ${numbering}`;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
