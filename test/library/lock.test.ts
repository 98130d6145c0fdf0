import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { withLock } from '../../src/library/hub/lock.ts';
import { holder } from './lockHolder.ts';

const HOUR = 3_600_000;
/** Heartbeats that a test can wait for. */
const QUICK = { beatMs: 50, freshMs: 60_000, watchMs: 1000 };
let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'explain-tokens-lock-'));
  path = join(folder, 'a.lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As if the lock had last been touched then, by this machine's clock. */
const touchedAt = (ms: number): void => utimesSync(path, new Date(ms), new Date(ms));
const isTaken = async (): Promise<boolean> => (await withLock(path, async () => undefined, QUICK)) === undefined;
const mark = (): Record<string, unknown> => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
/** The lock of this folder as somebody else would have written it. */
const rewrite = (changes: Readonly<Record<string, unknown>>): void => writeFileSync(path, JSON.stringify({ ...mark(), ...changes }));

describe('a lock of a process of this machine', () => {
  it('is held by one of two, and free afterwards with nothing left beside it', async () => {
    const first = holder(path);
    expect(await first.says()).toBe('held');
    expect(await holder(path).says()).toBe('refused');
    first.tell('end');
    expect(await first.says()).toBe('done');
    expect(readdirSync(folder)).toEqual([]);
    expect(await isTaken()).toBe(false);
  });

  it.each([
    ['an hour ahead', -HOUR],
    ['an hour behind', HOUR],
    ['years behind', 9e4 * HOUR],
  ])('stays its own while it sleeps, where the clock is %s', async (_, offset) => {
    const asleep = holder(path, QUICK);
    expect(await asleep.says()).toBe('held');
    asleep.process.kill('SIGSTOP');
    touchedAt(Date.now() + offset);
    expect(await isTaken()).toBe(true);
    asleep.process.kill('SIGCONT');
    asleep.tell('confirm');
    expect(await asleep.says()).toBe('still held');
    asleep.tell('end');
    expect(await asleep.says()).toBe('done');
  });

  it('names its holder from the first moment there is one', async () => {
    const seen = new Set<string>();
    const done = new AbortController();
    const watch = async (): Promise<void> => {
      while (!done.signal.aborted) {
        await new Promise(setImmediate);
        try {
          seen.add(readFileSync(path, 'utf8'));
        } catch {
          // There is none at this moment.
        }
      }
    };
    const watched = watch();
    for (let i = 0; i < 50; i++) await withLock(path, async () => undefined);
    done.abort();
    await watched;
    expect(seen.size).toBeGreaterThan(10);
    expect([...seen].filter((content) => !content.includes(`"pid":${process.pid}`))).toEqual([]);
  });

  it('is free as soon as it was killed, however lately it was touched', async () => {
    const killed = holder(path);
    expect(await killed.says()).toBe('held');
    await killed.kill();
    touchedAt(Date.now() + 30_000);
    const next = holder(path);
    expect(await next.says()).toBe('held');
  });

  it('is free where its number has gone to another process', async () => {
    const killed = holder(path);
    await killed.says();
    await killed.kill();
    rewrite({ pid: process.ppid });
    expect(await isTaken()).toBe(false);
  });

  it('is one under every path that leads to it, in one process, too', async () => {
    symlinkSync(folder, `${folder}-link`);
    onTestFinished(() => rmSync(`${folder}-link`));
    expect(await withLock(path, () => withLock(join(`${folder}-link`, 'a.lock'), async () => 'both'))).toEqual({ value: undefined });
  });

  it('is free where it was left over by this very process', async () => {
    await withLock(path, async () => writeFileSync(join(folder, 'b.lock'), readFileSync(path)));
    expect(await withLock(join(folder, 'b.lock'), async () => 'taken')).toEqual({ value: 'taken' });
  });

  it('goes by its heartbeat where the system does not tell when a process started', async () => {
    const living = holder(path, QUICK);
    await living.says();
    const { started } = mark();
    expect(started).toEqual(expect.stringMatching(/^\d+$/));
    await living.kill();
    // A process has the number; whether it is the holder only its touching the lock can tell.
    rewrite({ pid: process.ppid, started: null, system: null });
    expect(await isTaken()).toBe(true);
    touchedAt(Date.now() - HOUR);
    const beats = setInterval(() => touchedAt(Date.now() - HOUR + Math.random() * 1000), 50);
    expect(await isTaken()).toBe(true);
    clearInterval(beats);
    expect(await isTaken()).toBe(false);
  });
});

describe('a lock of another machine', () => {
  const holdElsewhere = (): void =>
    writeFileSync(path, JSON.stringify({ pid: process.pid, host: `not-${hostname()}`, system: null, started: '1', nonce: 'x' }));

  it.each([
    ['ahead', -HOUR],
    ['behind', HOUR],
  ])('is not taken while it is touched, where the clocks differ: this one is %s', async (_, offset) => {
    holdElsewhere();
    touchedAt(Date.now() + offset);
    const beats = setInterval(() => touchedAt(Date.now() + offset), 50);
    expect(await isTaken()).toBe(true);
    clearInterval(beats);
    expect(await isTaken()).toBe(false);
  });

  it('is not taken within a minute of its last touch', async () => {
    holdElsewhere();
    expect(await isTaken()).toBe(true);
  });

  it('is taken with the warning that its holder may wake up; waiting for it can be stopped', async () => {
    holdElsewhere();
    touchedAt(Date.now() - HOUR);
    await expect(withLock(path, async () => undefined, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
    expect(await withLock(path, async ({ mayHaveAnother }) => mayHaveAnother, QUICK)).toEqual({ value: true });
    expect(await withLock(path, async ({ mayHaveAnother }) => mayHaveAnother, QUICK)).toEqual({ value: false });
  });
});

describe('a lock that was lost', () => {
  it.each(['fail', 'confirm'] as const)(
    'is noticed when the holder goes on (%s), and what is another’s is not removed',
    async (command) => {
      const loser = holder(path, { ...QUICK, beatMs: HOUR });
      await loser.says();
      rewrite({ nonce: 'another' });
      loser.tell(command);
      expect(await loser.says()).toBe('LockLostError');
      expect(mark()['nonce']).toBe('another');
    },
  );

  it('is noticed by the heartbeat', async () => {
    const loser = holder(path, QUICK);
    await loser.says();
    rmSync(path);
    await expect.poll(async () => (loser.tell('lost?'), loser.says())).toBe('knows');
  });

  it('hides no other failure where it was not lost', async () => {
    await expect(withLock(path, () => Promise.reject(new TypeError('a defect')))).rejects.toThrow('a defect');
    expect(readdirSync(folder)).toEqual([]);
  });
});

it('that is left over goes to one of many', async () => {
  for (let round = 0; round < 3; round++) {
    const killed = holder(path);
    await killed.says();
    await killed.kill();
    const others = Array.from({ length: 6 }, () => holder(path));
    const said = await Promise.all(others.map((other) => other.says()));
    expect(said.toSorted()).toEqual(['held', ...Array.from({ length: 5 }, () => 'refused')]);
    const winner = others[said.indexOf('held')];
    winner?.tell('confirm');
    expect(await winner?.says()).toBe('still held');
    winner?.tell('end');
    expect(await winner?.says()).toBe('done');
    expect(readdirSync(folder)).toEqual([]);
  }
});
