import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { CancelledError, UserError } from '../../src/core/errors.ts';
import { moved } from '../../src/core/ownedArrays.ts';
import { msg } from '../../src/core/translatable.ts';
import { connect, serve, type Connection, type Implementation, type Port } from '../../src/worker/rpc.ts';

interface Api {
  add(a: number, b: number): number;
  numbers(count: number): { readonly values: Float32Array; readonly view: Float32Array };
  kept(): { readonly kept: Float32Array };
  given(): { readonly given: Float32Array };
  fail(kind: 'user' | 'cancelled' | 'defect' | 'text' | 'caused'): void;
  slow(steps: number): string;
  never(): void;
}

function channelPort(port: MessagePort): Port & { failWith(error: Error): void } {
  const failures: ((error: Error) => void)[] = [];
  return {
    post: (message, transfer = []) => port.postMessage(message, [...transfer]),
    onMessage: (listener) => void port.on('message', listener),
    onFailure: (listener) => void failures.push(listener),
    terminate: async () => port.close(),
    failWith: (error) => failures.forEach((listener) => listener(error)),
  };
}

const kept = new Float32Array([1, 2, 3, 4]);
const given: Float32Array[] = [];
const implementation: Implementation<Api> = {
  add: async (_, a, b) => a + b,
  numbers: async (_, count) => ({ values: new Float32Array(count).fill(7), view: kept.subarray(1, 3) }),
  kept: async () => ({ kept }),
  given: async () => {
    const fresh = Float32Array.of(5, 6);
    given.push(fresh);
    return moved({ given: fresh });
  },
  fail: async (_, kind) => {
    if (kind === 'user') throw new UserError(msg`${'config.json'} is missing.`);
    if (kind === 'cancelled') throw new CancelledError();
    if (kind === 'caused') throw new UserError('The model cannot be run.', { cause: new Error('onnxruntime/core/common/safeint.h:17') });
    // A library may throw anything.
    if (kind === 'text') throw 'plain text';
    throw new TypeError('a defect');
  },
  slow: async ({ progress }, steps) => {
    for (let done = 1; done <= steps; done++) await progress({ stage: 'forward', done, total: steps });
    return 'done';
  },
  never: () => new Promise(() => undefined),
};

function open(): { connection: Connection<Api>; near: ReturnType<typeof channelPort> } {
  const { port1, port2 } = new MessageChannel();
  const near = channelPort(port1);
  serve<Api>(channelPort(port2), implementation);
  return { connection: connect<Api>(near), near };
}

describe('calls', () => {
  it('return the result of the call they belong to', async () => {
    const { connection } = open();
    expect(await Promise.all([connection.remote.add(1, 2), connection.remote.add(3, 4)])).toEqual([3, 7]);
    await connection.dispose();
  });

  it('copy an array that is kept, however often it is asked for', async () => {
    const { connection } = open();
    for (const _ of [1, 2]) expect([...(await connection.remote.kept()).kept]).toEqual([1, 2, 3, 4]);
    expect(kept.length).toBe(4);
    await connection.dispose();
  });

  it('move what is given away', async () => {
    const { connection } = open();
    expect([...(await connection.remote.given()).given]).toEqual([5, 6]);
    expect(given.map(({ length }) => length)).toEqual([0]);
    await connection.dispose();
  });

  it('copy views without what lies around them', async () => {
    const { connection } = open();
    const { values, view } = await connection.remote.numbers(3);
    expect([...values]).toEqual([7, 7, 7]);
    expect([...view]).toEqual([2, 3]);
    expect(view.buffer.byteLength).toBe(8);
    expect(kept.length).toBe(4);
    await connection.dispose();
  });

  it('carry errors as what they are', async () => {
    const { connection } = open();
    await expect(connection.remote.fail('user')).rejects.toThrow(UserError);
    await expect(connection.remote.fail('user')).rejects.toMatchObject({
      message: 'config.json is missing.',
      said: { parts: ['', ' is missing.'], values: ['config.json'] },
    });
    await expect(connection.remote.fail('cancelled')).rejects.toThrow(CancelledError);
    await expect(connection.remote.fail('text')).rejects.toThrow('plain text');
    const defect = await connection.remote.fail('defect').catch((error: unknown) => error);
    expect(defect).not.toBeInstanceOf(UserError);
    expect(defect).toMatchObject({ name: 'TypeError', message: 'a defect' });
    expect((defect as Error).stack).toContain('rpc.test.ts');
    await connection.dispose();
  });

  it('are refused when there is no such method, inherited ones included', async () => {
    const { connection } = open();
    const remote = connection.remote as unknown as Record<string, () => Promise<unknown>>;
    await expect(remote['unheard']?.()).rejects.toThrow('The model worker has no call named unheard.');
    await expect(remote['toString']?.()).rejects.toThrow('no call named toString');
    await connection.dispose();
  });

  it('report progress while they run', async () => {
    const { connection } = open();
    const seen: string[] = [];
    const stop = connection.onProgress((progress, call) => seen.push(`${call} ${progress.done}/${progress.total}`));
    expect(await connection.remote.slow(3)).toBe('done');
    stop();
    await connection.remote.slow(2);
    expect(seen).toEqual(['slow 1/3', 'slow 2/3', 'slow 3/3']);
    await connection.dispose();
  });

  it('stop where they next can when they are cancelled, and the other side answers on', async () => {
    const { connection } = open();
    let steps = 0;
    const stop = connection.onProgress(() => {
      if (++steps === 3) connection.cancel();
    });
    await expect(connection.remote.slow(1_000_000)).rejects.toBeInstanceOf(CancelledError);
    stop();
    expect(steps).toBeLessThan(10);
    expect(await connection.remote.add(1, 2)).toBe(3);
    await connection.dispose();
  });

  it('carry what caused an error to the log', async () => {
    const { connection } = open();
    const failed = await connection.remote.fail('caused').catch((error: unknown) => error);
    expect(failed).toMatchObject({ message: 'The model cannot be run.' });
    expect((failed as Error).stack).toContain('safeint.h');
    await connection.dispose();
  });

  it('reject when an argument cannot cross', async () => {
    const { connection } = open();
    const remote = connection.remote as unknown as { add(a: unknown, b: unknown): Promise<number> };
    await expect(remote.add(() => 1, 2)).rejects.toThrow();
    expect(await connection.remote.add(1, 1)).toBe(2);
    await connection.dispose();
  });
});

describe('the end of the other side', () => {
  it('rejects every open call and every later one with one sentence', async () => {
    const { connection, near } = open();
    const failures: string[] = [];
    connection.onFailure((error) => failures.push(error.message));
    const open1 = connection.remote.never().catch((error: unknown) => String(error));
    const open2 = connection.remote.never().catch((error: unknown) => String(error));
    near.failWith(new Error('The model worker stopped unexpectedly (exit code 1).'));
    near.failWith(new Error('again'));
    expect(new Set(await Promise.all([open1, open2]))).toEqual(new Set(['Error: The model worker stopped unexpectedly (exit code 1).']));
    await expect(connection.remote.add(1, 2)).rejects.toThrow('stopped unexpectedly');
    expect(failures).toEqual(['The model worker stopped unexpectedly (exit code 1).']);
    await connection.dispose();
  });

  it('is a cancellation when it was asked for', async () => {
    const { connection } = open();
    const pending = connection.remote.never().catch((error: unknown) => error);
    await connection.dispose();
    expect(await pending).toBeInstanceOf(CancelledError);
    await expect(connection.remote.add(1, 2)).rejects.toBeInstanceOf(CancelledError);
  });

  it('can be awaited as a value: a remote is not a promise', async () => {
    const { connection } = open();
    const remote = await Promise.resolve(connection.remote);
    expect(await remote.add(2, 2)).toBe(4);
    await connection.dispose();
  });
});
