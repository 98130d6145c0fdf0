import { describe, expect, test, vi } from 'vitest';
import { CancelledError, UserError } from '../../../src/core/errors.ts';
import type { LensLayer } from '../../../src/core/trace.ts';
import { english } from '../../../src/core/translatable.ts';
import { ModelClient, type ModelState } from '../../../src/host/modelClient.ts';
import type { ModelLocation, Progress, WorkerApi } from '../../../src/worker/api.ts';
import type { Connection } from '../../../src/worker/rpc.ts';
import { explanationOf, MODEL } from './explanations.ts';

const LENS: LensLayer = {
  layer: 0,
  topIds: new Int32Array(1),
  topProbs: new Float32Array(1),
  nextRank: new Int32Array(1),
  nextProb: new Float32Array(1),
  entropy: new Float32Array(1),
  kl: new Float32Array(1),
  pieces: {},
};

/** A worker that answers when the test says so; models named "bad" cannot be opened. */
class FakeWorker implements Connection<WorkerApi> {
  readonly calls: string[] = [];
  readonly waiting: { readonly name: string; resolve(): void; reject(error: Error): void }[] = [];
  disposed = false;
  held = false;
  readonly #progress = new Set<(progress: Progress, call: string) => void>();
  readonly #failure = new Set<(error: Error) => void>();
  readonly remote = {
    open: (location: ModelLocation) => (location.name === 'bad' ? this.#answer('open', () => Promise.reject(new UserError('bad/config.json is not JSON.'))) : this.#answer('open', () => ({ ...MODEL, name: location.name }))),
    countTokens: (text: string) => this.#answer('countTokens', () => ({ count: text.length, atLeast: false })),
    explain: ({ text }: { readonly text: string }) => this.#answer(`explain ${text}`, () => explanationOf([{ text, probability: null }])),
    lens: (_ids: Int32Array, layer: number) => this.#answer('lens', () => ({ ...LENS, layer })),
    attention: () => this.#answer('attention', () => ({ layer: 0, head: 0, weights: new Float32Array(1) })),
    describe: () => Promise.reject(new Error('not asked for here')),
    resources: () => Promise.reject(new Error('not asked for here')),
    attentionPicture: () => Promise.reject(new Error('not asked for here')),
    attentionRow: () => Promise.reject(new Error('not asked for here')),
    attentionCell: () => Promise.reject(new Error('not asked for here')),
    experts: () => Promise.reject(new Error('not asked for here')),
    latent: () => Promise.reject(new Error('not asked for here')),
    projection: () => Promise.reject(new Error('not asked for here')),
    distribution: () => Promise.reject(new Error('not asked for here')),
    step: () => Promise.reject(new Error('not asked for here')),
    textOf: () => Promise.reject(new Error('not asked for here')),
    forwardPath: () => Promise.reject(new Error('not asked for here')),
    weightedSum: () => Promise.reject(new Error('not asked for here')),
    positions: () => Promise.reject(new Error('not asked for here')),
    vocabularyKey: () => Promise.reject(new Error('not asked for here')),
    logits: () => Promise.reject(new Error('not asked for here')),
    divergence: () => Promise.reject(new Error('not asked for here')),
    readText: () => Promise.reject(new Error('not asked for here')),
    words: () => Promise.reject(new Error('not asked for here')),
    neighbours: () => Promise.reject(new Error('not asked for here')),
    vectorMap: () => Promise.reject(new Error('not asked for here')),
    lensTop: () => Promise.reject(new Error('not asked for here')),
    similarity: () => Promise.reject(new Error('not asked for here')),
    wordByLayer: () => Promise.reject(new Error('not asked for here')),
  };

  onProgress(listener: (progress: Progress, call: string) => void): () => void {
    this.#progress.add(listener);
    return () => void this.#progress.delete(listener);
  }

  onFailure(listener: (error: Error) => void): () => void {
    this.#failure.add(listener);
    return () => void this.#failure.delete(listener);
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    for (const { reject } of this.waiting.splice(0)) reject(new CancelledError());
  }

  crash(): void {
    const error = new Error('exit code 134');
    for (const { reject } of this.waiting.splice(0)) reject(error);
    for (const listener of this.#failure) listener(error);
  }

  report(progress: Progress): void {
    for (const listener of this.#progress) listener(progress, 'explain');
  }

  #answer<T>(name: string, result: () => T | Promise<T>): Promise<T> {
    this.calls.push(name);
    if (this.disposed) return Promise.reject(new CancelledError());
    if (!this.held) return Promise.resolve().then(result);
    return new Promise((resolve, reject) => {
      this.waiting.push({ name, resolve: () => resolve(result()), reject });
    });
  }
}

function setUp(options: { readonly idleMs?: number; readonly hold?: boolean } = {}) {
  const workers: FakeWorker[] = [];
  const states: ModelState[] = [];
  const refused: string[] = [];
  const idleFailures: Error[] = [];
  const setting = { name: 'good' };
  const client = new ModelClient({
    connect: async () => {
      const worker = new FakeWorker();
      worker.held = options.hold ?? false;
      workers.push(worker);
      return worker;
    },
    wanted: () => {
      const { name } = setting;
      return { key: name, name, locate: async () => ({ kind: 'folder', name, path: `/${name}` }) };
    },
    onState: (state) => states.push(state),
    onRefused: (model, kept, error) => refused.push(`${model.name} refused, ${kept.name} kept: ${(error as Error).message}`),
    onIdleFailure: (error) => idleFailures.push(error),
    t: english,
    ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
  });
  return { client, workers, states, refused, idleFailures, setting };
}

const never = (): AbortSignal => new AbortController().signal;
const ignore = (): void => undefined;
const request = (text: string) => ({ text, topK: 1 });

/** Lets everything run that is ready to. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('the model client', () => {
  test('starts nothing before the first request, then one worker for all', async () => {
    const { client, workers, states } = setUp();
    expect(workers).toHaveLength(0);
    const { explanation, modelKey } = await client.explain(request('a'), never(), ignore);
    expect([explanation.text, modelKey]).toEqual(['a', 'good']);
    expect(await client.countTokens('four', never())).toEqual({ count: 4, atLeast: false });
    expect(await client.query('good', Int32Array.of(0), { name: 'lens', layer: 3 }, never())).toMatchObject({ layer: 3 });
    expect(workers.map(({ calls }) => calls)).toEqual([['open', 'explain a', 'countTokens', 'lens']]);
    expect(states.map(({ kind }) => kind)).toEqual(['loading', 'ready']);
  });

  test('passes progress to the request going on, and to no other', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    const worker = workers[0];
    if (worker) worker.held = true;
    const heard: Progress[] = [];
    const explaining = client.explain(request('a'), never(), (progress) => heard.push(progress));
    await settle();
    worker?.report({ stage: 'forward', done: 1, total: 2 });
    worker?.waiting[0]?.resolve();
    await explaining;
    worker?.report({ stage: 'forward', done: 2, total: 2 });
    expect(heard).toEqual([{ stage: 'forward', done: 1, total: 2 }]);
  });

  test('aborting a run ends its worker, and the next request starts another', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    if (workers[0]) workers[0].held = true;
    const controller = new AbortController();
    const explaining = client.explain(request('a'), controller.signal, ignore);
    await settle();
    controller.abort();
    await expect(explaining).rejects.toBeInstanceOf(CancelledError);
    expect(workers[0]?.disposed).toBe(true);
    expect((await client.explain(request('b'), never(), ignore)).explanation.text).toBe('b');
    expect(workers).toHaveLength(2);
  });

  test('a request aborted while it waits is never sent, and ends nothing', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    if (workers[0]) workers[0].held = true;
    const first = client.explain(request('a'), never(), ignore);
    const controller = new AbortController();
    const second = client.query('good', Int32Array.of(0), { name: 'lens', layer: 0 }, controller.signal);
    await settle();
    controller.abort();
    await expect(second).rejects.toBeInstanceOf(CancelledError);
    workers[0]?.waiting[0]?.resolve();
    await first;
    await settle();
    expect(workers[0]?.calls).toEqual(['open', 'countTokens', 'explain a']);
    expect(workers[0]?.disposed).toBe(false);
  });

  test('stopping ends even the opening of a model', async () => {
    const { client, workers, states } = setUp({ hold: true });
    const explaining = client.explain(request('a'), never(), ignore);
    await settle();
    client.stop();
    await expect(explaining).rejects.toBeInstanceOf(CancelledError);
    expect(workers[0]?.disposed).toBe(true);
    expect(states.at(-1)).toEqual({ kind: 'idle' });
  });

  test('a crash is told to whom it hit, and the next request works', async () => {
    const { client, workers, idleFailures } = setUp();
    await client.countTokens('x', never());
    if (workers[0]) workers[0].held = true;
    const explaining = client.explain(request('a'), never(), ignore);
    await settle();
    workers[0]?.crash();
    await expect(explaining).rejects.toThrow('The model stopped unexpectedly: exit code 134');
    expect(idleFailures).toHaveLength(0);
    expect((await client.explain(request('b'), never(), ignore)).explanation.text).toBe('b');
  });

  test('a crash of an idle worker is only logged', async () => {
    const { client, workers, idleFailures, states } = setUp();
    await client.countTokens('x', never());
    await settle();
    workers[0]?.crash();
    expect(idleFailures).toHaveLength(1);
    expect(states.at(-1)).toEqual({ kind: 'idle' });
    expect((await client.countTokens('abc', never())).count).toBe(3);
  });

  test('a model that cannot be opened leaves the one before working, and is reported once', async () => {
    const { client, workers, refused, setting, states } = setUp();
    await client.explain(request('a'), never(), ignore);
    setting.name = 'bad';
    expect(await client.reopen()).toBe('good');
    expect(refused).toEqual(['bad refused, good kept: bad/config.json is not JSON.']);
    expect((await client.explain(request('b'), never(), ignore)).modelKey).toBe('good');
    expect(refused).toHaveLength(1);
    expect(workers.map(({ disposed }) => disposed)).toEqual([false, true]);
    expect(states.at(-1)).toMatchObject({ kind: 'ready', info: { name: 'good' } });
  });

  test('and does so after a crash, too', async () => {
    const { client, workers, refused, setting } = setUp();
    await client.explain(request('a'), never(), ignore);
    setting.name = 'bad';
    await client.reopen();
    workers[0]?.crash();
    expect((await client.explain(request('b'), never(), ignore)).modelKey).toBe('good');
    expect(refused).toHaveLength(1);
  });

  test('a first model that cannot be opened fails the request by its own words', async () => {
    const { client, workers, setting, states } = setUp();
    setting.name = 'bad';
    await expect(client.explain(request('a'), never(), ignore)).rejects.toThrow('bad/config.json is not JSON.');
    expect(states.at(-1)).toEqual({ kind: 'failed', message: 'bad/config.json is not JSON.' });
    expect(workers[0]?.disposed).toBe(true);
    setting.name = 'good';
    expect((await client.explain(request('b'), never(), ignore)).modelKey).toBe('good');
  });

  test('another model takes the place of the one before, whose questions are refused', async () => {
    const { client, workers, setting } = setUp();
    await client.explain(request('a'), never(), ignore);
    setting.name = 'other';
    expect(await client.reopen()).toBe('other');
    expect(workers.map(({ disposed }) => disposed)).toEqual([true, false]);
    await expect(client.query('good', Int32Array.of(0), { name: 'lens', layer: 0 }, never())).rejects.toThrow('run again');
  });

  test('any call of the worker goes to the model it is meant for, or is refused', async () => {
    const { client, setting } = setUp();
    await client.explain(request('a'), never(), ignore);
    expect(await client.call('good', never(), (remote) => remote.countTokens('abc'))).toEqual({ count: 3, atLeast: false });
    setting.name = 'other';
    await client.reopen();
    await expect(client.call('good', never(), (remote) => remote.countTokens('abc'))).rejects.toThrow('run again');
  });

  test('a worker nothing is asked of is ended after a while', async () => {
    vi.useFakeTimers();
    try {
      const { client, workers, states } = setUp({ idleMs: 1000 });
      await client.countTokens('x', never());
      await vi.advanceTimersByTimeAsync(999);
      expect(workers[0]?.disposed).toBe(false);
      await vi.advanceTimersByTimeAsync(2);
      expect(workers[0]?.disposed).toBe(true);
      expect(states.at(-1)).toEqual({ kind: 'idle' });
      expect((await client.countTokens('xy', never())).count).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });

  test('disposing ends the worker and rejects what is going on', async () => {
    const { client, workers } = setUp();
    await client.countTokens('x', never());
    if (workers[0]) workers[0].held = true;
    const explaining = client.explain(request('a'), never(), ignore);
    await settle();
    client.dispose();
    await expect(explaining).rejects.toBeInstanceOf(CancelledError);
    expect(workers[0]?.disposed).toBe(true);
    await expect(client.countTokens('y', never())).rejects.toBeInstanceOf(CancelledError);
    expect(workers).toHaveLength(1);
  });
});
