import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CancelledError, messageOf } from '../../src/core/errors.ts';
import { english } from '../../src/core/translatable.ts';
import { ModelClient } from '../../src/host/client/modelClient.ts';
import type { WorkerApi } from '../../src/worker/workerApi.ts';
import { startNodeWorker, type NodeWorkerOptions } from '../../src/worker/port.node.ts';
import { connect } from '../../src/worker/rpc.ts';
import { ROOT } from '../bench/text.ts';
import { askAllHeads } from '../allHeads.ts';

/** The extension's own client, connected to a real worker. */
export function soakClient(folder: string, options: NodeWorkerOptions): ModelClient {
  return new ModelClient({
    connect: async () => connect<WorkerApi>(startNodeWorker(join(ROOT, 'dist'), options)),
    wanted: () => ({ key: folder, name: 'soaked', locate: async () => ({ kind: 'folder', name: 'soaked', path: folder }) }),
    onState: () => undefined,
    onRefused: () => undefined,
    onIdleFailure: () => undefined,
    t: english,
  });
}

/** A generator of pseudorandom numbers in [0, 1), the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const prose = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n');

/** A random part of the project's own prose, of up to `units` UTF-16 units. */
export function randomText(random: () => number, units: number): string {
  const start = Math.floor(random() * (prose.length - units));
  return prose.slice(start, start + 1 + Math.floor(random() * units));
}

/** PIDs of the worker processes that this process started. */
export function workers(): readonly number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const isOurs = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === process.pid;
      return isOurs && readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes('worker.js') ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

/** Resident memory of the worker in MiB, current (VmRSS) or peak (VmHWM). */
export function workerMebibytes(what: 'VmRSS' | 'VmHWM'): number {
  return Math.max(
    0,
    ...workers().map(
      (pid) => Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    ),
  );
}

/** Size and cost of an explanation. */
export interface Explained {
  readonly tokens: number;
  readonly ms: number;
  readonly mebibytes: number;
}

/** Explains texts of random length, one after another, and asks the questions about each that a reader would. */
export async function soakExplains(client: ModelClient, count: number, units: number, random: () => number): Promise<readonly Explained[]> {
  const found: Explained[] = [];
  const signal = new AbortController().signal;
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    const {
      explanation: { run, tokens, model },
      modelKey,
    } = await client.explain({ text: randomText(random, units), topK: 10 }, signal, () => undefined);
    const ms = performance.now() - start;
    const layer = Math.floor(random() * model.layers);
    await askAllHeads({ ask: (...question) => client.ask(modelKey, ...question, signal) }, run, model);
    await client.ask(modelKey, run, 'attentionPicture', { layer, head: Math.floor(random() * model.heads) }, signal);
    await client.ask(modelKey, run, 'lens', { layer, layers: 1, position: 0, positions: tokens.length }, signal);
    await client.ask(modelKey, run, 'distribution', { position: tokens.length - 1 }, signal);
    found.push({ tokens: tokens.length, ms, mebibytes: workerMebibytes('VmRSS') });
  }
  return found;
}

/** Cancels explanations at random moments. Returns the milliseconds from each cancel to the answer of the next request. */
export async function soakCancels(client: ModelClient, count: number, units: number, random: () => number): Promise<readonly number[]> {
  const waits: number[] = [];
  for (let i = 0; i < count; i++) {
    const controller = new AbortController();
    const explaining = client
      .explain({ text: prose.slice(0, units), topK: 10 }, controller.signal, () => undefined)
      .then(
        () => 'answered',
        (error: unknown) => error,
      );
    await new Promise((resolve) => setTimeout(resolve, random() * 2000));
    controller.abort();
    client.stop();
    const start = performance.now();
    const outcome = await explaining;
    if (outcome !== 'answered' && !(outcome instanceof CancelledError)) throw new Error(`A cancelled run ended with ${messageOf(outcome)}`);
    await client.explain({ text: `${i} a short text of a few tokens`, topK: 10 }, new AbortController().signal, () => undefined);
    waits.push(performance.now() - start);
  }
  return waits;
}

/** Kills the worker at random moments; the next request must be answered each time. Returns the message of each failure. */
export async function soakKills(client: ModelClient, count: number, units: number, random: () => number): Promise<readonly string[]> {
  const said: string[] = [];
  for (let i = 0; i < count; i++) {
    const signal = new AbortController().signal;
    const explaining = client
      .explain({ text: prose.slice(i, i + units), topK: 10 }, signal, () => undefined)
      .then(() => 'answered', messageOf);
    await new Promise((resolve) => setTimeout(resolve, random() * 1200));
    const killed = workers();
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    said.push(await explaining);
    // Where it had answered, it was killed at rest: its end is noticed a moment later.
    while (workers().some((pid) => killed.includes(pid))) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Timers that are due come before ends of processes.
    await new Promise(setImmediate);
    await client.explain({ text: `${i} once more`, topK: 10 }, signal, () => undefined);
  }
  return said;
}
