import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PREFIX = 'xt-';

/** Whether a process exists and is not a zombie. */
export function alive(pid) {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** PIDs of a process and all of its descendants. */
export function processTree(pid) {
  const children = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      continue; // ended meanwhile
    }
  }
  const found = [];
  for (const queue = [pid]; queue.length > 0;) {
    const next = queue.shift();
    found.push(next);
    queue.push(...(children.get(next) ?? []));
  }
  return found;
}

/** Ends a process and its descendants: SIGTERM to the process, SIGKILL to all after `graceMs`. Resolves when none is left. */
export async function endTree(pid, graceMs = 3000) {
  const pids = processTree(pid);
  signal(pid, 'SIGTERM');
  for (let waited = 0; waited < graceMs && pids.some(alive); waited += 50) await delay(50);
  for (const each of pids) signal(each, 'SIGKILL');
  for (let waited = 0; waited < 2000 && pids.some(alive); waited += 50) await delay(50);
}

/** Kills all descendants of this process and removes the folders, synchronously, for exit handlers that cannot wait. */
export function endDescendants(...folders) {
  for (const each of processTree(process.pid)) if (each !== process.pid) signal(each, 'SIGKILL');
  for (const folder of folders) removeFolder(folder);
}

/**
 * Creates a temporary folder owned by this process. Its path is short, because it contains Unix sockets, whose paths are limited to 107
 * bytes. Folders and servers left behind by owners that were killed are removed first.
 */
export async function sessionFolder() {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(PREFIX))) await clearAbandoned(join(tmpdir(), name));
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(folder, 'owner.pid'), String(process.pid));
  return folder;
}

/** Records that `pid` belongs to the folder, so that a later session can end it if the owner is killed. */
export function recordProcess(folder, pid) {
  writeFileSync(join(folder, `process-${pid}.pid`), '');
}

/** Removes a folder with its content, trying again while files in it are in use. */
export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

async function clearAbandoned(folder) {
  const ownerFile = join(folder, 'owner.pid');
  if (!existsSync(ownerFile) || alive(Number(readFileSync(ownerFile, 'utf8')))) return;
  for (const name of readdirSync(folder)) {
    const pid = Number(/^process-(\d+)\.pid$/.exec(name)?.[1]);
    // The PID may belong to an unrelated process by now; only one whose command line names the folder is ours.
    if (pid && commandLine(pid).includes(folder)) await endTree(pid, 500);
  }
  removeFolder(folder);
}

function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // ended meanwhile
  }
}
