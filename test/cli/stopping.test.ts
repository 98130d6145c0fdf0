import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { writeZeroModel } from '../e2e/zeroModel.ts';

const root = join(import.meta.dirname, '..', '..');
/** A command that heard a signal computes no longer than this; its whole work takes three times as much. */
const MOMENT_MS = 5000;
let work = '';

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'explain-tokens-stopping-'));
  // Reads a text of 1,000 tokens for many seconds.
  writeZeroModel(join(work, 'slow'), { layers: 60, dim: 256, inner: 1024, heads: 4 });
  writeFileSync(join(work, 'long.txt'), 'One more sentence of the story. '.repeat(180));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly out: string;
    readonly err: string;
  }>;
}

function start(args: readonly string[]): Running {
  const child = spawn(process.execPath, [join(root, 'dist/cli.js'), ...args], { cwd: work });
  let [out, err] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => (out += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (err += piece.toString()));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { process: child, ended: new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, out, err }))) };
}

const partials = (): readonly string[] => readdirSync(work).filter((name) => name.endsWith('.partial'));

/** The processes a process has started. */
function childrenOf(pid: number | undefined): readonly number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(parent) === pid && state !== 'Z' ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

/** Milliseconds that a process has computed, the clock of a busy machine left out; what was seen last where it has ended. */
function computedBy(pid: number, before = 0): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    // In hundredths of a second on every Linux.
    return 10 * (Number(user) + Number(system));
  } catch {
    return before;
  }
}

/** Waits until a command has its model at work: its output is begun. Its process for the model. */
async function atWork({ process: { pid } }: Running, before = 0): Promise<number> {
  await expect.poll(() => partials().length, { interval: 20 }).toBe(before + 1);
  await delay(400);
  const [computing] = childrenOf(pid);
  expect(computing).toBeGreaterThan(0);
  return computing ?? 0;
}

const SLOW = ['--model', 'slow', '--file', 'long.txt'];
const NATIVE = ['--runtime', 'native', '--native-runtime', join(root, 'test/native')];

describe('a signal ends a command at work, which leaves nothing behind', () => {
  it.each<[string, readonly string[], NodeJS.Signals, number]>([
    ['trace', ['trace', ...SLOW], 'SIGINT', 130],
    ['trace', ['trace', ...SLOW, '--format', 'safetensors'], 'SIGTERM', 143],
    ['trace', ['trace', ...SLOW, ...NATIVE], 'SIGINT', 130],
    ['generate', ['generate', ...SLOW], 'SIGINT', 130],
    ['generate', ['generate', ...SLOW], 'SIGHUP', 129],
    ['compare', ['compare', ...SLOW, '--with-text', 'Another text.'], 'SIGINT', 130],
    ['compare', ['compare', ...SLOW, '--with-model', 'slow'], 'SIGTERM', 143],
    ['score', ['score', '--model', 'slow', 'long.txt'], 'SIGINT', 130],
  ])('%s %j by %s', async (_, args, signal, code) => {
    const running = start([...args, '--output', 'result']);
    const computing = await atWork(running);
    const before = computedBy(computing);
    let computed = before;
    const watch = setInterval(() => (computed = computedBy(computing, computed)), 20);
    onTestFinished(() => clearInterval(watch));
    running.process.kill(signal);
    expect(await running.ended).toEqual({ code, signal: null, out: '', err: '' });
    expect(computed).toBeGreaterThan(0);
    expect(computed - before).toBeLessThan(MOMENT_MS);
    expect(childrenOf(running.process.pid)).toEqual([]);
    expect(() => process.kill(computing, 0)).toThrow('ESRCH');
    expect(readdirSync(work).toSorted()).toEqual(['long.txt', 'slow']);
  });

  it('without a file, too', async () => {
    const running = start(['trace', ...SLOW]);
    await expect.poll(() => childrenOf(running.process.pid).length).toBe(1);
    await delay(1000);
    running.process.kill('SIGINT');
    expect(await running.ended).toEqual({ code: 130, signal: null, out: '', err: '' });
  });

  it('from the keyboard of a terminal, which reaches every process of the command', async () => {
    const terminal = spawn(
      'script',
      [
        '--quiet',
        '--return',
        '--command',
        `"${process.execPath}" "${join(root, 'dist/cli.js')}" trace ${SLOW.join(' ')} --output result`,
        '/dev/null',
      ],
      { cwd: work },
    );
    onTestFinished(() => void terminal.kill('SIGKILL'));
    const ended = new Promise((resolve) => terminal.once('close', resolve));
    await expect.poll(() => partials().length, { interval: 20 }).toBe(1);
    await delay(400);
    terminal.stdin.write('\u0003');
    expect(await ended).toBe(130);
    expect(partials()).toEqual([]);
  });
});

describe('a command that was killed', () => {
  it('leaves a part that the next removes, and not that of one at work', async () => {
    const living = start(['trace', ...SLOW, '--output', 'result']);
    const livingComputes = await atWork(living);
    const [own] = partials();
    const killed = start(['trace', ...SLOW, '--output', 'result']);
    const computing = await atWork(killed, 1);
    killed.process.kill('SIGKILL');
    // Its model notices that nobody waits any more, at work as it is.
    await expect.poll(() => existsSync(`/proc/${computing}`), { interval: 100, timeout: 10_000 }).toBe(false);
    expect(partials()).toHaveLength(2);
    const next = start(['trace', '--text', 'a', '--output', 'result']);
    expect((await next.ended).code).toBe(0);
    expect(partials()).toEqual([own]);
    expect(childrenOf(living.process.pid)).toEqual([livingComputes]);
    living.process.kill('SIGTERM');
    expect((await living.ended).code).toBe(143);
    rmSync(join(work, 'result'));
  });

  it('on another machine counts as gone a day later; other names are nobody’s business', async () => {
    const names = [
      'result.1-1-00000000.partial',
      'result.2-2-00000000.partial',
      'result.partial',
      'result.x.partial',
      'other.1-1-00000000.partial',
    ];
    for (const name of names) writeFileSync(join(work, name), '');
    const [old = ''] = names;
    utimesSync(join(work, old), new Date(0), new Date(0));
    expect((await start(['trace', '--text', 'a', '--output', 'result']).ended).code).toBe(0);
    expect(partials()).toEqual(names.slice(1).toSorted());
    for (const name of [...names.slice(1), 'result']) rmSync(join(work, name));
  });

  it('by the system, as for want of memory, says so in one sentence', async () => {
    const running = start(['trace', ...SLOW, '--output', 'result']);
    process.kill(await atWork(running), 'SIGKILL');
    expect(await running.ended).toEqual({
      code: 1,
      signal: null,
      out: '',
      err: 'explain-tokens: The process of the model was ended by SIGKILL: it may have needed more memory than there is.\n',
    });
    expect(partials()).toEqual([]);
  });
});
